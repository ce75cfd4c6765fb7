"""Messages that do not arrive, wait, or are overtaken; statements and payments that come late."""

from decimal import Decimal

from tests.scenarios.town import COMPANIES, Story, Weeks, told

BOUNCED = Story("bounced")
BOUNCED.invoice("A", "500.00", "02-27")
BOUNCED.mail_bounces("03-04")

UNRELEASED = Story("not_released_for_a_week")
UNRELEASED.invoice("A", "2000.00", "01-09", opening=(3, "02-20"))
UNRELEASED.released("03-11")

DOUBT = Story("formal_in_doubt")
DOUBT.invoice("A", "1500.00", "01-09", opening=(3, "02-20"))
DOUBT.released("03-02")
DOUBT.mail_unanswered("03-02")
DOUBT.doubt_settled("03-10", "left")

UNKNOWN = Story("friendly_of_unknown_fate")
UNKNOWN.invoice("A", "450.00", "02-27")
UNKNOWN.mail_unanswered("03-04")

# Account 0 is printed on the invoices; the statement of the 3rd of account 1 is missing for a week.
COMPANIES["GAP"].statement_comes("03-03", "03-10", account=1)
FIRST_ACCOUNT = Story("pays_into_the_first", company="GAP")
FIRST_ACCOUNT.invoice("A", "310.00", "02-27")
FIRST_ACCOUNT.invoice("B", "90.00", "02-20")
FIRST_ACCOUNT.pays("02-27", "90.00", "B")
SECOND_ACCOUNT = Story("pays_into_the_second", company="GAP")
SECOND_ACCOUNT.invoice("A", "320.00", "02-27")
SECOND_ACCOUNT.invoice("B", "80.00", "02-20")
SECOND_ACCOUNT.pays("02-27", "80.00", "B", account=1)
HAD_PAID = Story("had_paid_behind_the_gap", company="GAP")
HAD_PAID.invoice("A", "330.00", "02-27")
HAD_PAID.invoice("B", "70.00", "02-20")
HAD_PAID.pays("02-27", "70.00", "B", account=1)
HAD_PAID.pays("03-03", "330.00", "A", account=1)
NEVER_PAID = Story("never_paid_yet", company="GAP")
NEVER_PAID.invoice("A", "340.00", "02-27")

COMPANIES["NOON"].statement_comes_at_noon("03-04")
PAID_AT_NOON = Story("paid_after_the_plan", company="NOON")
PAID_AT_NOON.invoice("A", "410.00", "02-27")
PAID_AT_NOON.pays("03-04", "410.00", "A")
NOT_PAID_AT_NOON = Story("not_paid_after_the_plan", company="NOON")
NOT_PAID_AT_NOON.invoice("A", "420.00", "02-27")

PROMISED_AT_NOON = Story("promised_after_the_plan")
PROMISED_AT_NOON.invoice("A", "430.00", "02-28")
PROMISED_AT_NOON.changes_mind_after_the_plan(
    "03-05", "promise_made", invoices="A", promised_on="2026-03-10", amount="430.00"
)

LATE = Story("paid_before_the_reminder_known_after")
LATE.invoice("A", "550.00", "02-27")
LATE.pays("03-04", "550.00", "A", valued="03-02")

LATE_CREDIT = Story("credited_before_the_reminder_known_after")
LATE_CREDIT.invoice("A", "560.00", "02-27")
LATE_CREDIT.credit_note("X", "560.00", "03-02", credits="A", arrives="03-06")


def test_a_message_that_bounced_is_no_step_and_the_next_goes_by_letter(weeks: Weeks) -> None:
    assert weeks.letters(BOUNCED)[:3] == told(
        """
        03-04 reminder_1 1 email 500.00 A* bounced
        03-05 reminder_1 1 letter 500.00 A*     # the same step, the day after, without waiting out the gap
        03-16 reminder_2 2 letter 500.00 A*     # ten days after the step that arrived
        """
    )
    assert "bounced_address of 03-04: open 03-05" in weeks.tasks(BOUNCED)


def test_a_formal_notice_waits_for_its_release_and_the_stage_with_it(weeks: Weeks) -> None:
    assert weeks.track(UNRELEASED) == told(
        """
        03-02 A message catch_up 4 2000.00
        03-03 A message awaiting_release 4 2000.00
        03-12 A wait legal_term_running 4 2000.00   # seven bank days from the 11th: to the 20th
        03-23 A task track_completed 4 2000.00
        """
    )
    assert weeks.letters(UNRELEASED) == told("03-11 formal_notice 4 registered_letter 2000.00 A*")
    assert "release_needed of 02-27: open 03-02 gone 03-12" in weeks.tasks(UNRELEASED)


def test_nothing_follows_a_formal_notice_in_doubt_until_a_person_settled_it(weeks: Weeks) -> None:
    assert weeks.track(DOUBT) == told(
        """
        03-02 A message catch_up 4 1500.00
        03-03 A hold awaiting_dispatch 3 1500.00
        03-10 A wait legal_term_running 4 1500.00   # it left on the 2nd: seven bank days to the 11th
        03-12 A task track_completed 4 1500.00
        """
    )
    assert weeks.letters(DOUBT) == told("03-02 formal_notice 4 registered_letter 1500.00 A*")
    assert "in_doubt_delivery of 03-02: open 03-03 gone 03-10" in weeks.tasks(DOUBT)


def test_a_friendly_message_of_unknown_fate_counts_and_is_not_sent_again(weeks: Weeks) -> None:
    assert weeks.letters(UNKNOWN)[:2] == told(
        """
        03-04 reminder_1 1 email 450.00 A* closed_unknown
        03-16 reminder_2 2 email 450.00 A*
        """
    )


def test_a_missing_statement_holds_exactly_those_who_may_have_paid(weeks: Weeks) -> None:
    """The statement of the second account of the 3rd comes a week late. Who pays into the first is reminded meanwhile; who
    pays into the second, and who never paid yet, wait: one of them had paid."""
    assert weeks.letters(FIRST_ACCOUNT)[:1] == told("03-04 reminder_1 1 email 310.00 A*")
    for story, total in ((SECOND_ACCOUNT, "320.00"), (NEVER_PAID, "340.00")):
        assert weeks.track(story, until="03-11") == told(
            f"""
            03-02 A wait grace 0 {total}
            03-04 A hold statement_stale 0 {total}
            03-05 A hold statement_gap 0 {total}
            03-10 A message catch_up 1 {total}
            03-11 A wait step_not_due 1 {total}
            """
        )
    assert weeks.track(HAD_PAID) == told(
        """
        03-02 A wait grace 0 330.00
        03-04 A hold statement_stale 0 330.00
        03-05 A hold statement_gap 0 330.00
        03-10 A gone
        """
    )
    assert weeks.letters(HAD_PAID) == []


def test_a_payment_that_comes_after_the_plan_stops_the_message(weeks: Weeks) -> None:
    """Planned in the morning, the statement comes at noon: the second run takes the message back, the other one goes."""
    assert weeks.letters(PAID_AT_NOON) == []
    assert weeks.letters(NOT_PAID_AT_NOON)[:1] == told("03-04 reminder_1 1 email 420.00 A*")


def test_a_promise_recorded_after_the_plan_stops_the_message(weeks: Weeks) -> None:
    """The plan of the 5th says message; dispatch sees the newer fact. The step is taken when the promise is broken."""
    assert weeks.letters(PROMISED_AT_NOON)[:1] == told("03-13 reminder_1 1 email 430.00 A*")
    assert weeks.track(PROMISED_AT_NOON, until="03-13") == told(
        """
        03-02 A wait grace 0 430.00
        03-05 A message step_due 1 430.00
        03-06 A hold promise_open 0 430.00
        03-13 A message catch_up 1 430.00
        """
    )


def test_a_payment_known_after_the_reminder_ends_the_track(weeks: Weeks) -> None:
    """Valued before the reminder, told after it: the reminder was right by what was known, and nothing follows it."""
    assert weeks.letters(LATE) == told("03-04 reminder_1 1 email 550.00 A*")
    assert weeks.track(LATE) == told(
        """
        03-02 A wait grace 0 550.00
        03-04 A message step_due 1 550.00
        03-05 A gone
        """
    )


def test_only_a_reminder_that_later_facts_made_wrong_is_on_the_list_of_corrections(weeks: Weeks) -> None:
    """The credit note of the 2nd came on the 6th, after the reminder of the 4th. Nobody else: what was booked on the very day
    of its reminder, what lowered the claim unplaced, and what was disputed in part are no corrections."""
    assert weeks.rows(
        "select customer_id, message_kind, kind, fact, wrong_amount from dunning.message_corrections order by all"
    ) == [(LATE_CREDIT.customer_id, "reminder_1", "withdrawal", "credited_before", Decimal("560.00"))]
    assert weeks.track(LATE_CREDIT) == told(
        """
        03-02 A wait grace 0 560.00
        03-04 A message step_due 1 560.00
        03-05 A wait step_not_due 1 560.00
        03-06 A gone
        """
    )
    assert "correction of 03-05: open 03-06" in weeks.tasks(LATE_CREDIT)
