"""The same money is taken once however it comes again; money that only looks the same is taken twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assets.banking.landing import StatementsLanded, land_statements
from assets.billing.landing import land_files
from tests.banking.build import Payment, camt053, coda, mt940
from tests.landing.rooms import COMPANY, Rooms

PAID = [Payment(12_345, "Factuur 2026-000123 van maart"), Payment(-5_000, "Huur", bank_reference="REF2")]
TWIN = Payment(10_000, "Abonnement")
KEYS = "select entry_key from raw.bank_entries order by entry_key"


@pytest.fixture
def bank(rooms: Rooms) -> Rooms:
    """A room that knows one company with a Dutch and a Belgian account."""
    rooms.put("billing", "companies.csv", COMPANY)
    land_files(rooms.run("setup"), rooms.room.billing_inbox)
    return rooms


def land(rooms: Rooms, run_id: str = "day") -> StatementsLanded:
    return land_statements(rooms.run(run_id), rooms.room.bank_inbox)


def raw(rooms: Rooms) -> list[list[tuple[object, ...]]]:
    return [
        rooms.rows(f"select * from raw.{table} order by all")
        for table in ("bank_statements", "bank_entries", "entry_references")
    ]


def joined(*files: bytes) -> bytes:
    """One camt file with the statements of several."""
    statements = [file[file.index(b"<Stmt>") : file.index(b"</Stmt>") + 7] for file in files]
    return files[0][: files[0].index(b"<Stmt>")] + b"".join(statements) + files[0].split(b"</Stmt>")[-1]


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (camt053(PAID), camt053(PAID, newline="\n    ")),
        (camt053(PAID), camt053(PAID, newline="\r\n")),
        (camt053(PAID), camt053(PAID, encoding="utf-16")),
        (camt053(PAID), b"\xef\xbb\xbf" + camt053(PAID)),
        (camt053(PAID), camt053(PAID, prefix="n0", encoding="iso-8859-1")),
        (mt940(PAID), mt940(PAID, eol="\n")),
        (mt940(PAID), mt940(PAID, width=44)),
        (mt940(PAID), mt940(PAID, encoding="utf-16")),
        (mt940(PAID), mt940(PAID, encoding="utf-8-sig")),
        (coda(PAID), coda(PAID, eol="\n")),
        (coda(PAID), coda(PAID, encoding="utf-8-sig")),
        (coda(PAID), coda(PAID, encoding="utf-16")),
    ],
    ids=[
        "camt pretty-printed",
        "camt CRLF",
        "camt UTF-16",
        "camt with a byte order mark",
        "camt prefixed in Latin-1",
        "MT940 LF",
        "MT940 re-wrapped",
        "MT940 UTF-16",
        "MT940 with a byte order mark",
        "CODA LF",
        "CODA with a byte order mark",
        "CODA UTF-16",
    ],
)
@pytest.mark.parametrize("when", ["in the same run", "in a later run"])
def test_the_same_statement_in_other_dress_changes_nothing(bank: Rooms, first: bytes, again: bytes, when: str) -> None:
    assert first != again
    bank.put("bank", "a", first)
    if when == "in a later run":
        assert land(bank, "monday").entries == 2
        before = raw(bank)
        bank.put("bank", "b", again)
        assert land(bank, "tuesday") == StatementsLanded(1, 0, 0, 0, 0)
        assert raw(bank) == before
    else:
        bank.put("bank", "b", again)
        assert land(bank) == StatementsLanded(2, 0, 0, 1, 2)
    assert bank.rows("select count(*), count(distinct entry_key) from raw.bank_entries") == [(2, 2)]


def test_a_statement_inside_another_file_is_taken_once_and_its_neighbour_too(bank: Rooms) -> None:
    first = camt053(PAID, statement_id="S-1")
    second = camt053([TWIN], opening=7_345, statement_id="S-2")
    bank.put("bank", "a.xml", first)
    assert land(bank, "monday").statements == 1
    bank.put("bank", "b.xml", joined(first, second))
    assert land(bank, "tuesday") == StatementsLanded(1, 0, 0, 1, 1)
    assert bank.rows("select ordinal, statement_id from raw.bank_statements order by batch_id") == [
        (1, "S-1"),
        (2, "S-2"),
    ]
    assert bank.rows("select ordinal, detail_ordinal from raw.bank_entries where remittance = 'Abonnement'") == [(3, 0)]


def test_a_statement_twice_in_one_file_is_taken_once(bank: Rooms) -> None:
    bank.put("bank", "a.xml", joined(camt053(PAID), camt053(PAID)))
    assert land(bank) == StatementsLanded(1, 0, 0, 1, 2)


@pytest.mark.parametrize("spread", ["one file", "two files", "two runs"])
def test_two_genuine_equal_payments_are_two_wherever_they_stand(bank: Rooms, spread: str) -> None:
    morning = camt053([TWIN], statement_id="S-1")
    evening = camt053([TWIN], opening=10_000, statement_id="S-2")
    if spread == "one file":
        bank.put("bank", "a.xml", joined(morning, evening))
    else:
        bank.put("bank", "a.xml", morning)
        if spread == "two runs":
            land(bank, "morning")
        bank.put("bank", "b.xml", evening)
    land(bank, "evening")
    (one, two) = bank.rows(KEYS)
    assert one != two
    assert bank.rows("select count(distinct content_key) from raw.bank_entries") == [(1,)]
    # Their names do not hang on how they came: the same two keys in every spread.
    twins = camt053([TWIN, TWIN], statement_id="S-3")
    bank.put("bank", "c.xml", twins)
    land(bank, "night")
    assert len(set(bank.rows(KEYS))) == 4


def test_the_keys_of_equal_payments_are_the_same_however_they_are_spread(
    bank: Rooms, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from tests.landing.rooms import open_rooms

    bank.put("bank", "a.xml", camt053([TWIN, replace(TWIN, cents=1), TWIN]))
    land(bank)
    other = open_rooms(tmp_path_factory.mktemp("other"))
    other.put("billing", "companies.csv", COMPANY)
    land_files(other.run("setup"), other.room.billing_inbox)
    for number, paid in enumerate(([TWIN], [replace(TWIN, cents=1), TWIN])):
        other.put("bank", f"{number}.xml", camt053(paid, statement_id=f"S-{number}", opening=10_000 * number))
        land(other, f"run-{number}")
    assert bank.rows(KEYS) == other.rows(KEYS)
    other.store.dispose()


@pytest.mark.parametrize("first", ["052", "053"])
def test_an_announcement_keeps_no_statement_out_and_no_money_twice(bank: Rooms, first: str) -> None:
    """A camt.052 may carry the id, number, days and balances of the statement it runs ahead of."""
    statement = camt053([TWIN])
    announced = (
        statement.replace(b"camt.053", b"camt.052")
        .replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt")
        .replace(b"<Stmt>", b"<Rpt>")
        .replace(b"</Stmt>", b"</Rpt>")
    )
    order = {"052": (announced, statement), "053": (statement, announced)}[first]
    for number, content in enumerate(order):
        bank.put("bank", "a.xml", content)
        land(bank, f"run-{number}")
    assert bank.rows("select format, is_informative from raw.bank_statements order by format") == [
        ("camt.052.001.08", True),
        ("camt.053.001.08", False),
    ]
    assert bank.rows("select count(*) from raw.bank_entries") == [(1,)]


def test_the_same_day_in_two_formats_is_kept_in_both(bank: Rooms) -> None:
    """Which of the two counts is decided in SQL, by the account's authoritative source."""
    bank.put("bank", "a.xml", camt053([TWIN]))
    bank.put("bank", "b.sta", mt940([TWIN]))
    assert land(bank) == StatementsLanded(2, 0, 0, 2, 2)
