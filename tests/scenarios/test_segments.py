"""A customer that becomes less of the turnover."""

from datetime import date

from tests.scenarios.town import Story, Weeks, told

OTHERS_OF_KEY = [Story(f"buyer_{number}", company="KEY", scenario=None) for number in range(5)]
for other in OTHERS_OF_KEY:
    other.invoice("A", "15000.00", "12-31", issued=date(2026, 1, 5))

TURNING = Story("key_turns_near_key", company="KEY", scenario=None)
TURNING.invoice("A", "30000.00", "04-10", issued=date(2025, 3, 16))
TURNING.invoice("B", "19000.00", "02-27", issued=date(2026, 1, 28))
TURNING.invoice("C", "8000.00", "03-04", issued=date(2026, 2, 2))


def test_a_key_account_that_turns_near_key_begins_at_the_first_step(weeks: Weeks) -> None:
    """30000.00 of the 16th of March 2025 leave the twelve months to the end of March: of six customers 43 percent become 26.5,
    less than 1.6 times the average. Through March tasks, no message; from 1 April the track of a near-key account, from its
    first step however old the invoices are."""
    assert weeks.track(TURNING, until="04-03") == told(
        """
        03-02 A task key_account 0 30000.00
        03-02 B task key_account 0 19000.00
        03-02 C task key_account 0 8000.00
        04-01 A none not_due 0 30000.00
        04-01 B message catch_up 1 19000.00
        04-01 C message catch_up 1 8000.00
        04-03 B wait step_not_due 1 19000.00
        04-03 C wait step_not_due 1 8000.00
        """
    )
    assert weeks.letters(TURNING)[:1] == told("04-01 reminder_1 1 email 27000.00 B* C*")
    assert weeks.statuses("dunning.customer_segments", TURNING, "segment") == told(
        """
        03-02 key
        04-01 near_key
        """
    )
