"""What a person answers about a payment, as a clerk lives it: over days, on the command line."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result

from orchestration.home import Home
from tests.end_to_end.published import select
from tests.end_to_end.small import COMPANY, CUSTOMERS, TURNOVER, Payment, camt, invoice, write_csv

Tijdig = Callable[..., Result]

THURSDAY, FRIDAY, MONDAY, TUESDAY, WEDNESDAY = (date(2026, 11, day) for day in (12, 13, 16, 17, 18))
ALLOCATED = "select invoice_id, amount, rule_id, is_standing from reconciliation.payment_allocations order by 1"


@pytest.fixture
def home(tmp_path: Path, tijdig: Tijdig) -> Home:
    """Three overdue invoices of three customers, and a payment of the first that says nothing."""
    made = Home(tmp_path / "home")
    assert tijdig("init", home=made).exit_code == 0
    write_csv(made.billing_inbox, "companies", [COMPANY])
    write_csv(made.billing_inbox, "customers", CUSTOMERS)
    overdue = [
        invoice(f"2026-000{number}", f"K{number}", "2026-09-24", "2026-10-24", f"{number}21.00") for number in (1, 2, 3)
    ]
    write_csv(made.billing_inbox, "invoices", [*overdue, TURNOVER])
    return made


def day(home: Home, tijdig: Tijdig, today: date, statement: date, opening: str, *payments: Payment) -> None:
    (home.bank_inbox / f"statement-{statement}.xml").write_bytes(camt(statement, opening, payments))
    result = tijdig("run", "--date", today.isoformat(), home=home)
    assert result.exit_code == 0, result.output


def recorded(
    home: Home, tijdig: Tijdig, kind: str, on: date, entry_key: str | None, invoice_id: str, *more: str
) -> Result:
    what = ["--entry-key", entry_key] if entry_key else ["--reason", "cash rounding"]
    return tijdig(
        "record", kind, "--company", "VB", "--by", "M. Visser", "--effective-on", on.isoformat(),
        *what, "--invoice", invoice_id, *more, home=home,
    )  # fmt: skip


def answered(home: Home, tijdig: Tijdig, kind: str, on: date, entry_key: str, invoice_id: str, *more: str) -> None:
    result = recorded(home, tijdig, kind, on, entry_key, invoice_id, *more)
    assert result.exit_code == 0, result.output


def reason(home: Home, invoice_id: str) -> str:
    return str(
        select(home, f"select reason_code from dunning.dunning_decisions where invoice_id = '{invoice_id}'")[0][0]
    )


def test_a_payment_is_confirmed_rejected_and_moved(home: Home, tijdig: Tijdig) -> None:
    day(home, tijdig, FRIDAY, THURSDAY, "1000.00", Payment("121.00", "zie mail"))
    assert select(home, ALLOCATED) == []
    (entry_key,) = select(home, "select entry_key from reconciliation.unapplied_payments")[0]

    # Confirmed on Friday by the beginning of its key, it is placed on Monday. At the desk an answer about no entry, or of
    # more than there is, is refused; one in a file is asked back, and nothing is lost.
    answered(home, tijdig, "match_confirmed", FRIDAY, str(entry_key)[:6], "2026-0001")
    refusals = (
        (("match_confirmed", "no-such-entry", "2026-0002"), "there is no bank entry of VB whose key begins with"),
        (("match_confirmed", str(entry_key), "2026-0001", "121.01"), "121.00 EUR is the whole of 2026-0001"),
        (("match_confirmed", str(entry_key), "2026-0002", "121.01"), "121.00 EUR is the whole of the bank entry"),
        (("write_off", None, "2026-0003", "321.01"), "321.00 EUR is open on 2026-0003"),
    )
    for (kind, key, invoice_id, *amount), why in refusals:
        result = recorded(home, tijdig, kind, FRIDAY, key, invoice_id, *(["--amount", *amount] if amount else []))
        assert (result.exit_code, why in result.output) == (2, True), result.output
    (home.register_inbox / "answers.csv").write_text(
        "external_id,company_id,effective_on,recorded_by,kind,payload\n"
        f'a-1,VB,{FRIDAY},M. Visser,match_confirmed,"{{""entry_key"": ""no-such-entry"", ""invoice"": ""2026-0002""}}"\n'
    )
    day(home, tijdig, MONDAY, FRIDAY, "1121.00")
    assert [(row[0], row[2], row[3]) for row in select(home, ALLOCATED)] == [("2026-0001", "human_confirmed", False)]
    assert select(home, "select customer_id, state from reconciliation.payer_accounts") == [("K1", "trusted")]
    told = " ".join(
        str(row[0]) for row in select(home, "select reason from tasks.tasks where task_kind = 'correction'")
    )
    assert "no-such-entry: no entry of this company has that key" in told

    # Rejected and moved to another customer on Monday: on Tuesday both are held, for that day.
    answered(home, tijdig, "match_rejected", MONDAY, str(entry_key), "2026-0001")
    answered(home, tijdig, "match_confirmed", MONDAY, str(entry_key), "2026-0002", "--amount", "21.00")
    day(home, tijdig, TUESDAY, MONDAY, "1121.00")
    assert [(row[0], str(row[1])) for row in select(home, ALLOCATED)] == [("2026-0002", "21.00")]
    assert select(home, "select invoice_id, customer_id, reason from reconciliation.reallocations") == [
        ("2026-0001", "K1", "rejected_by_person")
    ]
    assert (reason(home, "2026-0001"), reason(home, "2026-0002")) == ("reallocated", "reallocated")
    assert select(home, "select count(*) from reconciliation.match_proposals where invoice_id = '2026-0001'") == [(0,)]
    states = select(home, "select customer_id, state from reconciliation.payer_accounts order by 1")
    assert states == [("K2", "trusted")]

    # A day later it stands, and nobody is held for it.
    day(home, tijdig, WEDNESDAY, TUESDAY, "1121.00")
    assert [(row[0], row[3]) for row in select(home, ALLOCATED)] == [("2026-0002", True)]
    assert select(home, "select * from reconciliation.reallocations") == []
    assert "reallocated" not in (reason(home, "2026-0001"), reason(home, "2026-0002"))
