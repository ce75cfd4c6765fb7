"""What holds on every day of the weeks, over all stories together."""

import pytest

from tests.scenarios.invariants import INVARIANTS, OVER_THE_WEEKS
from tests.scenarios.town import DAYS, Weeks


@pytest.mark.parametrize("name", [*INVARIANTS, *OVER_THE_WEEKS])
def test_on_every_day(weeks: Weeks, name: str) -> None:
    assert weeks.broken[name] == []


def test_a_day_run_again_sends_nothing(weeks: Weeks) -> None:
    """The loudest complaint of all (FOSSBilling 4024, InvoiceNinja 2649): the same reminder again and again."""
    assert weeks.sent_again == []


def test_a_day_run_again_changes_no_decision_task_or_message(weeks: Weeks) -> None:
    assert weeks.changed_again == []


def test_something_happened(weeks: Weeks) -> None:
    """The invariants were looked at over a stretch with something in it."""
    ((decisions, reasons, customers, days),) = weeks.rows(
        "select count(*), count(distinct reason_code), count(distinct customer_id), count(distinct as_of_date) from dunning.dunning_decisions"
    )
    assert days == len(DAYS)
    assert customers > 25
    assert reasons > 12
    assert decisions > 500
