"""A company that sends documents instead of an extract of invoices: from the inbox to balances and decisions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result

from orchestration.home import Home
from simulation.invoice_documents import Document, DocumentLine, Trader, cii, invoice_response, pdf_with, ubl
from tests.end_to_end.conftest import answer, tijdig  # noqa: F401
from tests.end_to_end.published import select, tables
from tests.end_to_end.small import ACCOUNT, COMPANY, CUSTOMERS, TURNOVER, Payment, camt, write_csv

THURSDAY, FRIDAY, MONDAY = (date(2026, 11, day) for day in (12, 13, 16))

US = Trader("Voorbeeld Handel B.V.", "NL", "NL001234567B01", endpoint=("0106", "12345678"))


def buyer(number: int) -> Trader:
    name = CUSTOMERS[number - 1]["name"]
    return Trader(name, "NL", endpoint=("0106", f"8765432{number}"), number_with_us=f"K{number}", postal_code="3511 AB")


def overdue(number: int, /, **more: object) -> Document:
    """An invoice of a customer, three weeks overdue."""
    line = DocumentLine("1", "Goods", number * 10_000)
    document = Document(
        f"2026-000{number}",
        US,
        buyer(number),
        date(2026, 9, 24),
        (line,),
        number * 2_100,
        date(2026, 10, 24),
        iban=ACCOUNT,
    )
    return replace(document, **more)  # type: ignore[arg-type]


@pytest.fixture
def home(tmp_path: Path, tijdig: Callable[..., Result]) -> Home:  # noqa: F811
    made = Home(tmp_path / "home")
    assert tijdig("init", home=made).exit_code == 0
    write_csv(made.billing_inbox, "companies", [COMPANY])
    write_csv(made.billing_inbox, "customers", CUSTOMERS)
    write_csv(made.billing_inbox, "invoices", [TURNOVER])
    return made


def run(home: Home, day: date, tijdig: Callable[..., Result], exit_code: int = 0) -> dict[str, object]:  # noqa: F811
    result = tijdig("run", "--date", day.isoformat(), "--json", home=home)
    assert result.exit_code == exit_code, result.output
    return answer(result)


def decisions(home: Home) -> dict[str, tuple[str, str]]:
    rows = select(
        home,
        "select invoice_number, action, reason_code from dunning.dunning_decisions join receivables.invoice_balances using (company_id, invoice_id)",
    )
    return {number: (action, reason) for number, action, reason in rows}


def test_documents_are_claimed_credited_paid_and_answered(home: Home, tijdig: Callable[..., Result]) -> None:  # noqa: F811
    (home.bank_inbox / "a.xml").write_bytes(camt(THURSDAY, "1000.00", [Payment("121.00", "betaling 2026-0001")]))
    documents = {
        "1.xml": ubl(overdue(1)),
        "2.xml": cii(overdue(2)),
        "3.pdf": pdf_with(("factur-x.xml", cii(overdue(3)))),
        "2-credit.xml": ubl(
            overdue(2, number="C-1", is_credit_note=True, due_on=None, preceding=(("2026-0002", None),),
                    lines=(DocumentLine("1", "Too much", 10_000),), vat_cents=2_100, issued_on=date(2026, 11, 2))
        ),
        "3-query.xml": invoice_response(
            "2026-0003", "RE", sender=buyer(3), receiver=US, issued_on=date(2026, 11, 12), reasons=[("OPStatusReason", "PRI", "price")]
        ),
    }  # fmt: skip
    for name, content in documents.items():
        (home.invoices_inbox / name).write_bytes(content)
    summary = run(home, FRIDAY, tijdig)
    assert summary["files"] == {"taken": 9, "duplicate": 0, "quarantined": 0}
    balances = select(
        home,
        "select invoice_number, kind, total_amount::varchar, credited_amount::varchar, paid_amount::varchar,"
        " open_amount::varchar from receivables.invoice_balances where invoice_number not like 'GROOT%' order by 1",
    )
    assert balances == [
        ("2026-0001", "invoice", "121.00", "0.00", "121.00", "0.00"),
        ("2026-0002", "invoice", "242.00", "121.00", "0.00", "121.00"),
        ("2026-0003", "invoice", "363.00", "0.00", "0.00", "363.00"),
        ("C-1", "credit_note", "-121.00", "-121.00", "0.00", "0.00"),
    ]
    known = decisions(home)
    assert known["2026-0002"][0] == "message"
    assert known["2026-0003"] == ("hold", "disputed")

    # A deleted warehouse gets them back, and the day comes out the same.
    before = tables(home)
    home.warehouse.unlink()
    run(home, FRIDAY, tijdig)
    assert tables(home) == before
    assert tijdig("verify", home=home).exit_code == 0
    assert tijdig("replay", "--date", FRIDAY.isoformat(), "--verify", home=home).exit_code == 0


def test_billing_outweighs_a_document_and_a_difference_holds(home: Home, tijdig: Callable[..., Result]) -> None:  # noqa: F811
    (home.bank_inbox / "a.xml").write_bytes(camt(THURSDAY, "1000.00", []))
    for number in (1, 2):
        (home.invoices_inbox / f"{number}.xml").write_bytes(ubl(overdue(number)))
    (home.invoices_inbox / "3.xml").write_bytes(ubl(overdue(3, payable_cents=1)))
    (home.invoices_inbox / "purchase.xml").write_bytes(ubl(overdue(1, number="X", seller=buyer(1), buyer=US)))
    row = {
        "company_id": "VB", "invoice_id": "E1", "invoice_number": "20260001", "customer_id": "K1", "kind": "invoice",
        "issued_on": "2026-09-24", "due_on": "2026-10-24", "currency": "EUR", "total_amount": "121.50",
    }  # fmt: skip
    write_csv(
        home.billing_inbox,
        "invoices_more",
        [row, row | {"invoice_id": "E2", "invoice_number": "2026-0002", "customer_id": "K2", "total_amount": "242.00"}],
    )
    summary = run(home, FRIDAY, tijdig, exit_code=4)
    assert summary["files"] == {"taken": 7, "duplicate": 0, "quarantined": 2}
    refused = summary["quarantined"]
    assert isinstance(refused, list)
    assert [line.split(":")[0] for line in refused] == ["3.xml", "purchase.xml"]
    assert select(home, "select invoice_id, total_amount::varchar from receivables.invoice_balances order by 1") == [
        ("E1", "121.50"), ("E2", "242.00"), ("GROOT-2026-1", "900000.00"),
    ]  # fmt: skip
    known = decisions(home)
    assert known["20260001"] == ("hold", "data_incomplete")
    assert known["2026-0002"][0] == "message"
    reasons = [reason for (reason,) in select(home, "select reason from tasks.tasks")]
    assert any("billing says 121.50" in reason for reason in reasons), reasons
