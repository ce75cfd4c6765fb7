"""Bank files into the raw log: whole or not at all, each statement once, and one bad file stops none of the others."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from assets.banking.landing import StatementsLanded, land_statements
from assets.billing.landing import land_files
from tests.banking.build import Payment, camt053, coda, mt940
from tests.landing.rooms import COMPANY, Rooms

FIRST = Payment(12_345, "Factuur 2026-000123", bank_reference="REF1")
SECOND = Payment(-50_00, "Huur maart", name="Verhuurder BV", bank_reference="REF2")


@pytest.fixture
def bank(rooms: Rooms) -> Rooms:
    """A room that knows one company with a Dutch and a Belgian account."""
    rooms.put("billing", "companies.csv", COMPANY)
    land_files(rooms.run("setup"), rooms.room.billing_inbox)
    return rooms


def land(rooms: Rooms, run_id: str = "day") -> StatementsLanded:
    return land_statements(rooms.run(run_id), rooms.room.bank_inbox)


def state(rooms: Rooms) -> list[list[tuple[object, ...]]]:
    return [
        rooms.rows(f"select * from raw.{table} order by all")
        for table in ("bank_statements", "bank_entries", "entry_references")
    ]


@pytest.mark.parametrize("write", [camt053, mt940, coda], ids=["camt", "mt940", "coda"])
def test_a_statement_lands_to_the_cent_in_every_format(bank: Rooms, write: object) -> None:
    content = write([FIRST, SECOND], opening=100_00)  # type: ignore[operator]
    path = bank.put("bank", "zonder naam", content)
    assert land(bank) == StatementsLanded(taken=1, duplicate=0, quarantined=0, statements=1, entries=2)
    assert bank.rows("select amount, currency, ordinal from raw.bank_entries order by ordinal") == [
        (Decimal("123.45"), "EUR", 1),
        (Decimal("-50.00"), "EUR", 2),
    ]
    ((opening, closing, count, informative),) = bank.rows(
        "select opening_amount, closing_amount, entry_count, is_informative from raw.bank_statements"
    )
    assert (opening, closing, count, informative) == (Decimal("100.00"), Decimal("173.45"), 2, False)
    assert bank.rows("select count(*) > 0 from raw.entry_references where reference like '%2026000123%'") == [(True,)]
    ((sha256,),) = bank.rows("select distinct file_sha256 from raw.bank_entries")
    assert bank.room.archive.get(str(sha256)) == content
    assert not path.exists()


def test_the_same_file_again_is_a_duplicate_and_changes_nothing(bank: Rooms) -> None:
    bank.put("bank", "a.xml", camt053([FIRST, SECOND]))
    land(bank, "monday")
    before = state(bank)
    bank.put("bank", "a.xml", camt053([FIRST, SECOND]))
    bank.put("bank", "renamed.txt", camt053([FIRST, SECOND]))
    assert land(bank, "tuesday") == StatementsLanded(0, 2, 0, 0, 0)
    assert state(bank) == before
    assert list(bank.room.bank_inbox.iterdir()) == []


def test_the_same_file_twice_in_one_inbox_counts_once(bank: Rooms) -> None:
    bank.put("bank", "a.xml", camt053([FIRST]))
    bank.put("bank", "b.xml", camt053([FIRST]))
    assert land(bank) == StatementsLanded(1, 1, 0, 1, 1)


@pytest.mark.parametrize(
    "again",
    [
        camt053([FIRST, SECOND], newline="\r\n"),
        camt053([FIRST, SECOND], prefix="ns0"),
        camt053([FIRST, SECOND], encoding="utf-16"),
    ],
    ids=["pretty-printed", "prefixed", "re-encoded"],
)
def test_the_same_statement_in_another_file_changes_nothing(bank: Rooms, again: bytes) -> None:
    bank.put("bank", "a.xml", camt053([FIRST, SECOND]))
    land(bank, "monday")
    before = state(bank)
    bank.put("bank", "b.xml", again)
    assert land(bank, "tuesday") == StatementsLanded(taken=1, duplicate=0, quarantined=0, statements=0, entries=0)
    assert state(bank) == before


def test_two_equal_payments_of_one_day_are_two(bank: Rooms) -> None:
    twin = replace(FIRST, bank_reference="")
    bank.put("bank", "a.xml", camt053([twin, twin]))
    assert land(bank).entries == 2
    assert bank.rows("select count(distinct entry_key), count(distinct content_key) from raw.bank_entries") == [(2, 1)]


def test_a_third_equal_payment_in_a_later_statement_is_a_third(bank: Rooms) -> None:
    twin = replace(FIRST, bank_reference="")
    bank.put("bank", "a.xml", camt053([twin, twin], statement_id="S-1"))
    land(bank, "monday")
    bank.put("bank", "b.xml", camt053([twin], opening=2 * twin.cents, statement_id="S-2"))
    assert land(bank, "tuesday").entries == 1
    assert bank.rows("select count(distinct entry_key) from raw.bank_entries") == [(3,)]


def test_entry_keys_do_not_depend_on_the_order_of_days(bank: Rooms, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file landed alone and one landed beside others give the same payment the same name."""
    from tests.landing.rooms import open_rooms

    bank.put("bank", "a.xml", camt053([FIRST, SECOND]))
    land(bank)
    other = open_rooms(tmp_path_factory.mktemp("other"))
    other.put("billing", "companies.csv", COMPANY)
    land_files(other.run("setup"), other.room.billing_inbox)
    other.put("bank", "a.cod", coda([FIRST]))
    other.put("bank", "b.xml", camt053([FIRST, SECOND]))
    land_statements(other.run("day"), other.room.bank_inbox)
    keys = "select entry_key from raw.bank_entries where account_iban like 'NL%' order by 1"
    assert bank.rows(keys) == other.rows(keys)
    other.store.dispose()


def test_the_account_of_a_company_that_billing_deleted_is_refused_aloud_until_it_is_back(bank: Rooms) -> None:
    """No rule reads a deleted company: its money would land and be nobody's."""
    header, row = COMPANY.splitlines()
    bank.put("billing", "companies.csv", f"{header},is_deleted\n{row},true\n")
    land_files(bank.run("deleted"), bank.room.billing_inbox)
    bank.put("bank", "a.xml", camt053([FIRST]))
    assert land(bank, "monday").quarantined == 1
    assert bank.rows("select code from raw.quarantined_files") == [("unknown_account",)]
    bank.put("billing", "companies.csv", COMPANY)
    land_files(bank.run("back"), bank.room.billing_inbox)
    bank.put("bank", "a.xml", camt053([FIRST]))
    assert land(bank, "tuesday").taken == 1


def test_an_unknown_account_goes_to_quarantine_and_nothing_of_it_into_the_log(rooms: Rooms) -> None:
    rooms.put("billing", "companies.csv", "company_id,name,country,iban\nC1,Voorbeeld BV,NL,NL02ABNA0123456789\n")
    land_files(rooms.run("setup"), rooms.room.billing_inbox)
    rooms.put("bank", "vreemd.xml", camt053([FIRST]))
    assert land(rooms) == StatementsLanded(0, 0, 1, 0, 0)
    assert rooms.rows("select code, account_iban, original_name from raw.quarantined_files") == [
        ("unknown_account", "NL91ABNA0417164300", "vreemd.xml")
    ]
    (reason,) = rooms.room.quarantine.glob("*.reason.json")
    told = json.loads(reason.read_text(encoding="utf-8"))
    assert "NL91ABNA0417164300" in told["message"]
    assert "companies.iban" in told["message"]
    assert rooms.rows("select count(*) from raw.bank_entries") == [(0,)]


def test_a_file_offered_again_after_its_account_became_known_is_taken(rooms: Rooms) -> None:
    rooms.put("bank", "vroeg.xml", camt053([FIRST]))
    assert land(rooms, "monday").quarantined == 1
    rooms.put("billing", "companies.csv", COMPANY)
    land_files(rooms.run("tuesday"), rooms.room.billing_inbox)
    rooms.put("bank", "vroeg.xml", camt053([FIRST]))
    assert land(rooms, "tuesday") == StatementsLanded(1, 0, 0, 1, 1)


BROKEN = {
    "cut short": camt053([FIRST, SECOND])[:-300],
    "closing balance wrong": camt053([FIRST], closing=99_999),
    "no :62F:": mt940([FIRST]).split(b":62F:")[0],
    "no trailer": coda([FIRST]).rsplit(b"9  ", 1)[0],
    "empty": b"",
    "not a statement": b"Beste boekhouding,\nhierbij de factuur.\n",
    "a doctype": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Document>&e;</Document>',
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_beside_good_ones_is_refused_alone(bank: Rooms, what: str) -> None:
    bank.put("bank", "a-good.xml", camt053([FIRST]))
    bank.put("bank", "b-broken", BROKEN[what])
    bank.put("bank", "c-good.cod", coda([SECOND]))
    assert land(bank) == StatementsLanded(taken=2, duplicate=0, quarantined=1, statements=2, entries=2)
    ((code, message, name),) = bank.rows("select code, message, original_name from raw.quarantined_files")
    assert name == "b-broken"
    assert code
    assert message
    assert len(list(bank.room.quarantine.iterdir())) == 2
    assert list(bank.room.bank_inbox.iterdir()) == []


def test_a_broken_file_names_the_account_it_was_for(bank: Rooms) -> None:
    """Its customers may have paid: the statement gap of that account holds them."""
    bank.put("bank", "broken.xml", camt053([FIRST], closing=99_999))
    land(bank)
    assert bank.rows("select account_iban from raw.quarantined_files") == [("NL91ABNA0417164300",)]


def test_every_offered_file_is_on_record_with_what_became_of_it(bank: Rooms) -> None:
    bank.put("bank", "a.xml", camt053([FIRST]))
    bank.put("bank", "b.xml", camt053([FIRST]))
    bank.put("bank", "c.xml", b"")
    land(bank)
    assert bank.sources()[1:] == [
        ("taken", "a.xml", None),
        ("duplicate", "b.xml", None),
        ("quarantined", "c.xml", "empty_file"),
    ]


def test_an_empty_inbox_is_no_event(bank: Rooms) -> None:
    assert land(bank) == StatementsLanded(0, 0, 0, 0, 0)
