"""A day whose inboxes hold everything a bank, an ERP or an enemy may put there, beside a few good files.

The good ones are taken, each bad one lies in quarantine with its reason, nothing outside the home is read, and only those who
may have paid into the account that is not known whole are held, until its statement comes.
"""

from __future__ import annotations

import csv
import email
import email.policy
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from email.utils import parseaddr
from pathlib import Path

import duckdb
import pytest
from click.testing import Result

from orchestration.home import Home
from tests.banking.build import Payment as CodaPayment
from tests.banking.build import coda
from tests.end_to_end.conftest import answer
from tests.end_to_end.published import select
from tests.end_to_end.small import ACCOUNT, COMPANY, CUSTOMERS, TURNOVER, Payment, camt, invoice, write_csv

Tijdig = Callable[..., Result]

# The second account of the company: its statements are what is attacked.
OTHER = "BE68539007547034"
WEDNESDAY, THURSDAY, FRIDAY, MONDAY = (date(2026, 11, day) for day in (11, 12, 13, 16))

SECRET = "the-keys-of-somebody-else"


@dataclass(frozen=True)
class Attacked:
    """The home after the hostile day, what that day said, and a folder beside it that is nobody's business."""

    home: Home
    outside: Path
    before: dict[str, str]
    result: Result


def mt940(day: date, opening: str, payments: Sequence[Payment], closing: str | None = None) -> bytes:
    """An MT940 of the second account; with `closing` it says something else than its entries do."""
    booked = sum((Decimal(payment.amount) for payment in payments), Decimal(opening))
    lines = [":20:S1", f":25:{OTHER}", f":28C:{day.timetuple().tm_yday}/1", f":60F:C{day:%y%m%d}EUR{_comma(opening)}"]
    for number, payment in enumerate(payments):
        lines += [
            f":61:{day:%y%m%d%m%d}C{_comma(payment.amount)}NTRFNONREF//{day:%y%m%d}{number}",
            f":86:/EREF/NOTPROVIDED//CNTP/{payment.iban}/INGBNL2A/Payer///REMI/USTD//{payment.remittance}/",
        ]
    lines += [f":62F:C{day:%y%m%d}EUR{_comma(closing or f'{booked:.2f}')}", "-"]
    return ("\r\n".join(lines) + "\r\n").encode()


def _comma(amount: str) -> str:
    return amount.replace(".", ",")


def of_other(content: bytes) -> bytes:
    return content.replace(ACCOUNT.encode(), OTHER.encode())


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../statement.xml", content)
    return out.getvalue()


def bad_bank_files(secret: Path) -> dict[str, tuple[bytes, set[str]]]:
    """Files for the bank inbox that must be refused, with the codes that may say why."""
    statement = of_other(camt(THURSDAY, "600.00", [Payment("221.00", "betaling 2026-0002")]))
    head, body = statement.split(b"?>", 1)
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 12))
    return {
        "doctype.xml": (head + b"?><!DOCTYPE Document>" + body, {"doctype_forbidden"}),
        "bomb.xml": (
            head + b'?><!DOCTYPE Document [<!ENTITY l0 "ha">' + laughs + b"]>" + body.replace(b"Payer", b"&l11;"),
            {"doctype_forbidden"},
        ),
        "outside.xml": (
            head
            + b'?><!DOCTYPE Document [<!ENTITY x SYSTEM "'
            + secret.as_uri().encode()
            + b'">]>'
            + body.replace(b"Payer", b"&x;"),
            {"doctype_forbidden"},
        ),
        "cut.xml": (statement[:-60], {"truncated", "malformed"}),
        "page.xml": (b"<!DOCTYPE html><html><body>Your session has expired</body></html>", {"unknown_format"}),
        "statement.zip": (zipped(statement), {"archive_file"}),
        "empty.xml": (b"", {"empty_file"}),
        "stranger.xml": (statement.replace(OTHER.encode(), b"NL44RABO0123456789"), {"unknown_account"}),
        "total.sta": (
            mt940(THURSDAY, "600.00", [Payment("221.00", "2026-0002")], "999.00"),
            {"control_total_mismatch"},
        ),
        "cut.cod": (coda([CodaPayment(22_100)])[:-200], {"truncated", "malformed", "unknown_format"}),
        # What the declaration says is not what the bytes are.
        "utf-16.xml": (statement.replace(b"UTF-8", b"UTF-16"), {"encoding", "malformed"}),
        "latin-1.xml": (statement.replace(b"Payer", b"Andr\xe9"), {"encoding", "malformed"}),
        "nan.xml": (statement.replace(b">221.00<", b">NaN<", 1), {"invalid_amount"}),
    }


GARBAGE = bytes(range(256)) * 3

UBL = (
    b'<?xml version="1.0" encoding="UTF-8"?><Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" '
    b'xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">'
    b"<cbc:ID>2026-0003</cbc:ID><cbc:IssueDate>2026-09-24</cbc:IssueDate></Invoice>"
)
BAD_DOCUMENTS = {
    "cut-invoice.xml": (UBL[:-30], {"truncated"}),
    "doctype-invoice.xml": (UBL.replace(b"?>", b"?><!DOCTYPE Invoice>", 1), {"doctype_forbidden"}),
    "bare-invoice.xml": (UBL, {"missing_element"}),
    "no-invoice.pdf": (b"%PDF-1.7\nnothing", {"truncated", "malformed_pdf"}),
}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Attacked:
    """The hostile day, run once: what follows only looks, and the last test goes on from there."""
    from click.testing import CliRunner

    from orchestration.cli import cli

    root = tmp_path_factory.mktemp("hostile")
    outside = root / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(SECRET, encoding="utf-8")
    home = Home(root / "home")
    os.environ.pop("DAGSTER_HOME", None)
    assert CliRunner().invoke(cli, ["init", "--home", str(home.root)], catch_exceptions=False).exit_code == 0
    fill(home, outside / "secret.txt")
    before = fingerprints(outside)
    result = CliRunner().invoke(
        cli, ["run", "--date", FRIDAY.isoformat(), "--json", "--home", str(home.root)], catch_exceptions=False
    )
    os.environ.pop("DAGSTER_HOME", None)
    return Attacked(home, outside, before, result)


def fill(home: Home, secret: Path) -> None:
    """Good files and bad ones, in every inbox."""
    write_csv(home.billing_inbox, "companies", [COMPANY | {"iban": f"{ACCOUNT};{OTHER}"}])
    customer = CUSTOMERS[0]
    others = [
        customer | {"customer_id": f"K{number}", "name": f"Klant {number} B.V.", "email": f"k{number}@klant.example"}
        for number in (4, 5)
    ]
    write_csv(home.billing_inbox, "customers", [*CUSTOMERS, *others])
    due = [
        invoice(f"2026-000{number}", f"K{number}", "2026-09-24", "2026-10-24", f"{number}21.00")
        for number in range(1, 6)
    ]
    paid_before = [
        invoice(f"2026-010{number}", f"K{number}", "2026-08-01", "2026-11-30", f"{number}0.00")
        for number in range(2, 6)
    ]
    stray = invoice("2026-0011", "K404", "2026-11-01", "2026-12-31", "10.00")
    write_csv(home.billing_inbox, "invoices", [*due, *paid_before, stray, TURNOVER])
    bad_rows(home.billing_inbox / "invoices_more.csv")
    (home.billing_inbox / "orders.csv").write_text("company_id,customer_id\nVB,K1\n", encoding="utf-8")
    (home.register_inbox / "worklist.csv").write_bytes(GARBAGE)

    # Who never paid might pay into any account; these are known to use the one whose statement is good.
    good = [
        Payment("121.00", "betaling 2026-0001"),
        Payment("30.00", "betaling 2026-0103", "NL44RABO0123456789"),
        Payment("40.00", "betaling 2026-0104", "NL20INGB0001234567"),
    ]
    (home.bank_inbox / "good.xml").write_bytes(camt(THURSDAY, "1000.00", good))
    before = [
        Payment("20.00", "betaling 2026-0102", "NL02ABNA0123456789"),
        Payment("50.00", "betaling 2026-0105", "NL13TEST0123456789"),
    ]
    (home.bank_inbox / "good.sta").write_bytes(mt940(WEDNESDAY, "530.00", before))
    for name, (content, _) in bad_bank_files(secret).items():
        (home.bank_inbox / name).write_bytes(content)
    for name, (content, _) in BAD_DOCUMENTS.items():
        (home.invoices_inbox / name).write_bytes(content)
    (home.bank_inbox / "link.xml").symlink_to(secret)
    os.mkfifo(home.bank_inbox / "pipe.xml")


def bad_rows(path: Path) -> None:
    """Three rows nobody can read, and a good one between them; all are of one customer."""
    good = invoice("2026-0006", "K4", "2026-11-01", "2026-12-31", "10.00")
    rows = [
        good | {"invoice_id": "2026-0007", "total_amount": "1e3"},
        good | {"invoice_id": "2026-0008", "due_on": "2026-02-30"},
        good,
        good | {"invoice_id": "2026-0009", "total_amount": "10.005"},
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(good))
        writer.writeheader()
        writer.writerows(rows)


def fingerprints(folder: Path) -> dict[str, str]:
    """Every file under a folder with what it holds and when it was changed."""
    return {
        str(path.relative_to(folder)): f"{path.lstat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def reasons(home: Home) -> dict[str, dict[str, str]]:
    """The reason file of everything in quarantine, by the name it came under."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in home.quarantine.glob("*.reason.json")]
    return {reason["file"]: reason for reason in read}


def decisions(home: Home) -> dict[str, tuple[str, str]]:
    rows = select(home, "select invoice_id, action, reason_code from dunning.dunning_decisions")
    return {invoice_id: (action, reason) for invoice_id, action, reason in rows}


def written_to(home: Home, day: date) -> list[str]:
    """Whom the e-mails of a day went to."""
    messages = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((home.outbox / day.isoformat()).glob("*.eml"))
    ]
    return [parseaddr(str(message["To"]))[1] for message in messages]


def test_the_day_is_done_and_says_that_something_is_held(attacked: Attacked) -> None:
    assert attacked.result.exit_code == 4, attacked.result.output
    bad = len(bad_bank_files(attacked.outside / "secret.txt")) + len(BAD_DOCUMENTS)
    # Companies, customers and two files of invoices; two statements. Refused besides: a link, a pipe, orders, a worklist.
    assert answer(attacked.result)["files"] == {"taken": 6, "duplicate": 0, "quarantined": bad + 4}


def test_every_bad_file_lies_in_quarantine_with_its_reason(attacked: Attacked) -> None:
    found = reasons(attacked.home)
    bad = bad_bank_files(attacked.outside / "secret.txt") | BAD_DOCUMENTS
    expected = {name: codes for name, (_, codes) in bad.items()}
    expected |= {"link.xml": {"not_a_file"}, "pipe.xml": {"not_a_file"}}
    assert set(expected) | {"orders.csv", "worklist.csv"} == set(found)
    for name, codes in expected.items():
        assert found[name]["code"] in codes, f"{name}: {found[name]}"
    for reason in found.values():
        assert reason["message"], reason
        assert (attacked.home.quarantine / reason["sha256"]).is_file()
        kept = (attacked.home.quarantine / reason["sha256"]).read_bytes()
        assert hashlib.sha256(kept).hexdigest() == reason["sha256"]
    for name in ("total.sta", "nan.xml", "cut.xml", "cut.cod", "cut-invoice.xml"):
        assert found[name]["position"], f"{name} does not say where: {found[name]}"
    assert {found[name]["account_iban"] for name in ("total.sta", "nan.xml")} == {OTHER}


def test_nothing_is_left_in_an_inbox(attacked: Attacked) -> None:
    inboxes = sorted((attacked.home.root / "inbox").iterdir())
    assert [inbox.name for inbox in inboxes] == ["bank", "billing", "invoices", "register"]
    assert [path.name for inbox in inboxes for path in inbox.iterdir()] == []


def test_nothing_outside_was_changed_or_read(attacked: Attacked) -> None:
    assert fingerprints(attacked.outside) == attacked.before
    assert sorted(path.name for path in attacked.home.root.parent.iterdir()) == ["home", "outside"]
    # What is compressed or in a database would not show here: the entries and the reasons are looked into as well.
    files = [path for path in attacked.home.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    with duckdb.connect(str(attacked.home.warehouse), read_only=True) as connection:
        assert connection.execute("select distinct counterparty_name from raw.bank_entries").fetchall() == [("Payer",)]


def test_the_good_files_are_in_whole_and_nothing_of_the_bad_ones_is(attacked: Attacked) -> None:
    with duckdb.connect(str(attacked.home.warehouse), read_only=True) as connection:
        booked = connection.execute(
            "select account_iban, sum(amount), count(*) from raw.bank_entries group by all order by all"
        ).fetchall()
        refused = connection.execute("select invoice_id, code from raw.row_problems order by all").fetchall()
        issued = connection.execute("select count(distinct invoice_id) from raw.invoices").fetchall()
    assert booked == [(OTHER, Decimal("70.00"), 2), (ACCOUNT, Decimal("191.00"), 3)]
    assert refused == [
        ("2026-0007", "invalid_amount"),
        ("2026-0008", "invalid_date"),
        ("2026-0009", "too_many_decimals"),
    ]
    assert issued == [(12,)]


def test_only_those_who_may_have_paid_into_the_attacked_account_are_held(attacked: Attacked) -> None:
    known = decisions(attacked.home)
    assert "2026-0001" not in known, "it is paid"
    assert known["2026-0002"] == known["2026-0005"] == ("hold", "statement_gap")
    assert known["2026-0004"] == ("hold", "data_incomplete")
    assert known["2026-0003"][0] == "message"
    assert written_to(attacked.home, FRIDAY) == ["crediteuren@kuipers.example"]
    gaps = select(attacked.home, "select distinct account_iban from banking.statement_gaps")
    assert gaps == [(OTHER,)], "the account whose statement is here is not held for files of others"


def test_the_report_names_every_refused_file(attacked: Attacked) -> None:
    said = answer(attacked.result)["quarantined"]
    assert isinstance(said, list)
    for name in reasons(attacked.home):
        assert [line for line in said if str(line).startswith(f"{name}: ")], name


def test_what_is_only_unusual_is_said_and_stops_nothing(attacked: Attacked) -> None:
    """An invoice of a customer nobody delivered is written to nobody; the day goes on, and the Data Docs keep the word."""
    warnings = answer(attacked.result)["warnings"]
    assert warnings == [
        "companies: invoices_of_unknown_customers must be 0 at most, found 1 for VB "
        "(nobody can be written to about them until the customers come too)"
    ]
    docs = attacked.home.published / "data_docs"
    assert "invoices_of_unknown_customers" in (docs / "index.html").read_text(encoding="utf-8")
    assert list(docs.glob("validations/companies/batch-*.html"))


def test_the_next_day_with_a_good_statement_lets_them_go(attacked: Attacked, tijdig: Tijdig) -> None:
    """Who paid on the refused statement was never reminded; who did not is written to now."""
    home = attacked.home
    (home.bank_inbox / "friday.xml").write_bytes(camt(FRIDAY, "1191.00", []))
    (home.bank_inbox / "thursday.sta").write_bytes(
        mt940(THURSDAY, "600.00", [Payment("221.00", "betaling 2026-0002", "NL02ABNA0123456789")])
    )
    (home.bank_inbox / "friday.sta").write_bytes(mt940(FRIDAY, "821.00", []))
    result = tijdig("run", "--date", MONDAY.isoformat(), "--json", home=home)
    assert result.exit_code == 0, result.output
    assert select(home, "select count(*) from banking.statement_gaps") == [(0,)]
    known = decisions(home)
    assert "2026-0002" not in known
    assert known["2026-0005"][0] == "message"
    assert known["2026-0004"] == ("hold", "data_incomplete"), "no better row came"
    assert written_to(home, MONDAY) == ["k5@klant.example"]
    assert tijdig("verify", home=home).exit_code == 0
