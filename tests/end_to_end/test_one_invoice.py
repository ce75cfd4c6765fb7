"""From one CSV invoice and one bank file to one e-mail, through every layer; and the ways it must not go."""

import email
import email.policy
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest
from click.testing import Result

from orchestration.home import Home
from tests.end_to_end.conftest import answer
from tests.end_to_end.published import select
from tests.end_to_end.small import ACCOUNT, COMPANY, CUSTOMERS, TURNOVER, Payment, camt, invoice, write_csv

Tijdig = Callable[..., Result]

# Thursday, Friday, then Monday: the bank day after Friday the 13th is Monday the 16th.
THURSDAY, FRIDAY, MONDAY, TUESDAY = (date(2026, 11, day) for day in (12, 13, 16, 17))


@pytest.fixture
def home(tmp_path: Path, tijdig: Tijdig) -> Home:
    """A home with a company, four customers and three invoices three weeks overdue."""
    made = Home(tmp_path / "home")
    assert tijdig("init", home=made).exit_code == 0
    write_csv(made.billing_inbox, "companies", [COMPANY])
    write_csv(made.billing_inbox, "customers", CUSTOMERS)
    overdue = [
        invoice(
            f"2026-000{number}", f"K{number}", "2026-09-24", "2026-10-24", f"{number}21.00", order_number=f"PO-{number}"
        )
        for number in (1, 2, 3)
    ]
    write_csv(made.billing_inbox, "invoices", [*overdue, TURNOVER])
    return made


def deliver(home: Home, day: date, opening: str, *payments: Payment) -> None:
    (home.bank_inbox / f"statement-{day}.xml").write_bytes(camt(day, opening, payments))


def decisions(home: Home) -> dict[str, tuple[str, str]]:
    rows = select(home, "select invoice_id, action, reason_code from dunning.dunning_decisions")
    return {invoice_id: (action, reason) for invoice_id, action, reason in rows}


def sent(home: Home, day: date) -> list[str]:
    """The plain text of every e-mail of a day."""
    texts = []
    for path in sorted((home.outbox / day.isoformat()).glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        texts.append(f"{message['To']}\n{body.get_content()}")
    return texts


def test_a_week_of_a_small_company(home: Home, tijdig: Tijdig) -> None:
    # Without a statement nobody is reminded: who knows what was paid.
    result = tijdig("run", "--date", FRIDAY.isoformat(), "--json", home=home)
    assert result.exit_code == 0, result.output
    assert decisions(home)["2026-0001"] == ("hold", "statement_gap")
    assert select(home, "select account_iban, kind from banking.statement_gaps") == [(ACCOUNT, "no_statement_yet")]
    assert sent(home, FRIDAY) == []

    # Thursday's statement arrives on Friday: the first is paid, the second disputed; the third is reminded.
    deliver(home, THURSDAY, "1000.00", Payment("121.00", "betaling 2026-0001"))
    recorded = tijdig(
        "record",
        "dispute_opened",
        "--company",
        "VB",
        "--by",
        "M. Visser",
        "--invoice",
        "2026-0002",
        "--reason",
        "wrong goods",
        home=home,
    )
    assert recorded.exit_code == 0, recorded.output
    result = tijdig("run", "--date", FRIDAY.isoformat(), "--json", home=home)
    assert result.exit_code == 0, result.output
    assert answer(result)["allocated_amount"] == {"EUR": "121.00"}
    known = decisions(home)
    assert "2026-0001" not in known, "a paid invoice needs no decision"
    assert known["2026-0002"] == ("hold", "disputed")
    assert known["2026-0003"][0] == "message"
    # The dispute is acknowledged, and asks for nothing; the reminder is about the other invoice.
    acknowledged, text = sorted(sent(home, FRIDAY), key=lambda message: "2026-0003" in message)
    assert "2026-0002" in acknowledged
    assert "crediteuren@kuipers.example" in text.splitlines()[0]
    for printed in ("2026-0003", "24 oktober 2026", "321,00", "PO-3", "NL91 ABNA 0417 1643 00"):
        assert printed in text.replace("\u00a0", " "), printed

    # Monday: Friday's statement is missing, so nobody is written to. It comes, and the day goes on.
    result = tijdig("run", "--date", TUESDAY.isoformat(), home=home)
    assert result.exit_code == 0, result.output
    assert {kind for (kind,) in select(home, "select kind from banking.statement_gaps")} == {"stale"}
    deliver(home, FRIDAY, "1121.00")
    deliver(home, MONDAY, "1121.00", Payment("321.00", "inv 2026-0003"))
    result = tijdig("run", "--date", TUESDAY.isoformat(), home=home)
    assert result.exit_code == 0, result.output
    assert select(home, "select count(*) from banking.statement_gaps") == [(0,)]
    assert set(decisions(home)) == {"2026-0002", "GROOT-2026-1"}
    assert sent(home, TUESDAY) == []
    assert tijdig("verify", home=home).exit_code == 0
    assert tijdig("replay", "--date", FRIDAY.isoformat(), "--verify", home=home).exit_code == 0


def test_a_refused_file_holds_its_customers_and_the_rest_goes_on(home: Home, tijdig: Tijdig) -> None:
    good = camt(THURSDAY, "1000.00", [Payment("121.00", "betaling 2026-0001")])
    (home.bank_inbox / "good.xml").write_bytes(good)
    (home.bank_inbox / "broken.xml").write_bytes(
        camt(FRIDAY, "1121.00", [Payment("221.00", "betaling 2026-0002")])[:-40]
    )
    (home.bank_inbox / "other.xml").write_bytes(good.replace(ACCOUNT.encode(), b"NL44RABO0123456789"))
    (home.billing_inbox / "orders.csv").write_text("company_id,customer_id\nVB,K1\n", encoding="utf-8")
    result = tijdig("run", "--date", MONDAY.isoformat(), "--json", home=home)
    assert result.exit_code == 4, result.output
    assert answer(result)["files"] == {"taken": 4, "duplicate": 0, "quarantined": 3}
    reasons = sorted(path.name for path in home.quarantine.glob("*.reason.json"))
    assert len(reasons) == 3
    assert all("disputed" not in reason for _, reason in decisions(home).values())
    assert all(action in ("hold", "none") for action, _ in decisions(home).values()), "the day before is not covered"
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        assert connection.execute("select count(*) from raw.bank_entries").fetchall() == [(1,)]


def test_rows_that_cannot_be_right_stop_the_day(home: Home, tijdig: Tijdig) -> None:
    """Every row of this file is valid; the amounts are cents. Beside the largest invoice their sum is no more than a good
    month, so that no brake sees it. Only the expectations do, and nothing is sent."""
    deliver(home, THURSDAY, "1000.00")
    history = [
        invoice(f"H{number}", "K1", "2025-01-01", "2025-01-31", f"{100 + number}.00", order_number=f"PO-{number}")
        for number in range(30)
    ]
    write_csv(home.billing_inbox, "invoices_history", history)
    assert tijdig("run", "--date", THURSDAY.isoformat(), home=home).exit_code == 0
    write_csv(
        home.billing_inbox,
        "invoices_cents",
        [
            invoice(f"C{number}", "K2", "2026-09-01", "2026-09-30", f"{100 + number}00.00", order_number=f"PO-{number}")
            for number in range(30)
        ],
    )
    result = tijdig("run", "--date", FRIDAY.isoformat(), home=home)
    assert result.exit_code == 3, result.output
    assert "looks_like_what_came_before" in result.stderr
    assert "accepted_batches" in result.stderr
    assert sent(home, FRIDAY) == []
