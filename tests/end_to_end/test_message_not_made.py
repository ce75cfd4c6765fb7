"""A message that cannot be made is said aloud: nobody is forgotten behind a figure in a table."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from click.testing import Result

from orchestration.home import Home
from tests.end_to_end.small import COMPANY, CUSTOMERS, TURNOVER, camt, invoice, write_csv


def test_a_company_nobody_can_reach_is_told_so(tmp_path: Path, tijdig: Callable[..., Result]) -> None:
    home = Home(tmp_path / "home")
    assert tijdig("init", home=home).exit_code == 0
    write_csv(home.billing_inbox, "companies", [{**COMPANY, "email_from": "", "phone": ""}])
    write_csv(home.billing_inbox, "customers", CUSTOMERS)
    write_csv(home.billing_inbox, "invoices", [invoice("2026-0003", "K3", "2026-09-24", "2026-10-24", "321"), TURNOVER])
    (home.bank_inbox / "statement.xml").write_bytes(camt(date(2026, 11, 12), "1000.00", []))
    result = tijdig("run", "--date", "2026-11-13", home=home)
    assert result.exit_code == 4, result.output
    assert "Message not made: " in result.stdout
    assert "sender_phone" in result.stdout
    assert not list(home.outbox.rglob("*.*"))
