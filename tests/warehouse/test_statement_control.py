"""Statements over days: two formats, weeks beside days, late files, copies. Nothing counts twice, and nothing is lost in
silence. The rules are dbt's own compiled SQL, built once and then run again for every simulated day."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from assets.landing.warehouse import writing
from assets.warehouse.dbt import DbtHome, run_dbt

IBAN = "NL91ABNA0417164300"
FIRST = date(2026, 11, 2)  # a Monday, and no bank holiday within the weeks that follow
BANK_DAYS = [day for offset in range(19) if (day := FIRST + timedelta(days=offset)).isoweekday() <= 5]
MODELS = ("int_statements_continued", "int_entries_repeated", "int_statements_weighed", "statements", "entries", "int_statements_chained", "account_coverage", "statement_gaps")  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A statement as a bank would send it: a stretch of bank days in one format."""

    key: str
    format: str
    number: int
    days: tuple[date, ...]


class Rules:
    """The chapter `banking` on a warehouse of its own."""

    def __init__(self, home: DbtHome) -> None:
        self.home = home
        folder = home.target / "compiled" / "tijdig" / "models" / "banking"
        self.selects = {name: (folder / f"{name}.sql").read_text(encoding="utf-8") for name in MODELS}

    def day(self, connection: duckdb.DuckDBPyConnection, as_of: date, batch: int) -> None:
        connection.execute("update control.business_day set as_of_date = ?, batch_watermark = ?", [as_of, batch])
        for name, select in self.selects.items():
            connection.execute(f"create or replace table banking.{name} as {select}")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    folder: Path = tmp_path_factory.mktemp("control")
    home = DbtHome(folder / "warehouse.duckdb", folder / "target")
    with writing(home.warehouse) as connection:
        connection.execute(
            "insert into raw.companies (batch_id, ordinal, company_id, iban, is_deleted) values (0, 1, 'VB', ?, false)",
            [IBAN],
        )
        connection.execute("insert into control.business_day (as_of_date, batch_watermark) values (?, 0)", [FIRST])
    run_dbt(
        home,
        ["build", "--select", "+statement_gaps", "+entries", "--exclude-resource-type", "unit_test", "test", "--quiet"],
    )
    return Rules(home)


@pytest.fixture
def connection(rules: Rules) -> Iterator[duckdb.DuckDBPyConnection]:
    with writing(rules.home.warehouse) as opened:
        for table in ("bank_statements", "bank_entries", "quarantined_files"):
            opened.execute(f"delete from raw.{table}")
        yield opened


class Bank:
    """What was really booked, and how it is told. Amounts are cents, all of them in: no loss can cancel out."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.booked = {day: [self.random.randint(1, 99_999) for _ in range(self.random.choice((0, 1, 1, 2, 3)))] for day in BANK_DAYS}  # fmt: skip

    def balance(self, before: date) -> int:
        return sum(amount for day, amounts in self.booked.items() if day < before for amount in amounts)

    def daily(self) -> list[Told]:
        return [Told(f"camt-{day}", "camt.053.001.08", number, (day,)) for number, day in enumerate(BANK_DAYS, 1)]

    def stretches(self) -> list[Told]:
        told, rest = [], list(BANK_DAYS)
        while rest:
            length = self.random.choice((1, 1, 2, 5))
            told.append(Told(f"mt940-{rest[0]}", "mt940", 100 + len(told), tuple(rest[:length])))
            rest = rest[length:]
        return told

    def deliver(self, connection: duckdb.DuckDBPyConnection, told: Told, batch: int) -> None:
        opening = self.balance(told.days[0])
        closing = self.balance(told.days[-1] + timedelta(days=1))
        # MT940 dates its opening balance with the closing balance before it.
        before = max((day for day in BANK_DAYS if day < told.days[0]), default=FIRST - timedelta(days=3))
        from_on = before if told.format == "mt940" else told.days[0]
        connection.execute(
            """
            insert into raw.bank_statements (
                batch_id, file_sha256, ordinal, statement_key, format, account_iban, currency, sequence_no, from_on, to_on,
                opening_on, opening_amount, closing_on, closing_amount, entry_count, is_informative
            ) values (?, ?, 1, ?, ?, ?, 'EUR', ?, ?, ?, ?, ? / 100.0, ?, ? / 100.0, ?, false)
            """,
            [batch, told.key, told.key, told.format, IBAN, told.number, from_on, told.days[-1], from_on, opening,
             told.days[-1], closing, sum(len(self.booked[day]) for day in told.days)],
        )  # fmt: skip
        family = told.format[:5]
        for day in told.days:
            for number, amount in enumerate(self.booked[day]):
                connection.execute(
                    """
                    insert into raw.bank_entries (
                        batch_id, file_sha256, ordinal, detail_ordinal, statement_key, entry_key, content_key, account_iban,
                        booked_on, amount, currency
                    ) values (?, ?, 1, 0, ?, ?, ?, ?, ?, ? / 100.0, 'EUR')
                    """,
                    [batch, told.key, told.key, f"{told.key}/{day}/{number}", f"{family}/{day}/{number}/{amount}", IBAN, day, amount],
                )  # fmt: skip


def kinds(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {kind for (kind,) in connection.execute("select kind from banking.statement_gaps").fetchall()}


def read(connection: duckdb.DuckDBPyConnection, until: date) -> list[tuple[date, int]]:
    rows = connection.execute(
        "select booked_on, cast(amount * 100 as bigint) from banking.entries where booked_on <= ? order by all", [until]
    ).fetchall()
    return [(day, cents) for day, cents in rows]


def truth(bank: Bank, until: date, since: date = FIRST) -> list[tuple[date, int]]:
    return sorted((day, cents) for day, amounts in bank.booked.items() if since <= day <= until for cents in amounts)


def counted_days(connection: duckdb.DuckDBPyConnection) -> dict[str, set[date]]:
    rows = connection.execute(
        "select statement_key, from_on, to_on from banking.statements where is_counted"
    ).fetchall()
    return {key: {day for day in BANK_DAYS if first <= day <= last} for key, first, last in rows}


@pytest.mark.parametrize("seed", range(4))
def test_two_formats_in_any_order_count_once_and_lose_nothing_in_silence(
    rules: Rules, connection: duckdb.DuckDBPyConnection, seed: int
) -> None:
    bank = Bank(seed)
    daily, stretches = bank.daily(), bank.stretches()
    copies = [Told(f"again-{told.key}", told.format, 500 + told.number, told.days) for told in daily[::4]]
    # Some come on time, some late, and some not until the last day.
    waiting = {
        told: told.days[-1] + timedelta(days=bank.random.choice((1, 1, 1, 1, 3, 6, 99)))
        for told in (*daily, *stretches, *copies)
    }
    counted: dict[str, set[date]] = {}
    for batch, as_of in enumerate((day + timedelta(days=1) for day in BANK_DAYS), start=1):
        for told in sorted((told for told, due in waiting.items() if due <= as_of), key=lambda told: told.key):
            del waiting[told]
            bank.deliver(connection, told, batch)
        rules.day(connection, as_of, batch)
        before, counted = counted, counted_days(connection)
        # A day without movements may be told twice: there is nothing in it to take twice.
        days = [day for told_days in counted.values() for day in told_days if bank.booked[day]]
        assert len(days) == len(set(days)), f"{as_of}: a day counts twice"
        assert set(before) <= set(counted), f"{as_of}: what counted yesterday counts no longer"
        ((covered, expected),) = connection.execute(
            "select covered_until_on, expected_until_on from banking.account_coverage"
        ).fetchall()
        if not kinds(connection):
            assert covered >= expected
            # What lies before the first statement ever is not asked for.
            begin = min(day for told_days in counted.values() for day in told_days)
            assert read(connection, covered) == truth(bank, covered, begin), f"{as_of}: not all was read, in silence"

    # Whatever was missing arrives: the gaps let go by themselves, and every cent is there once.
    for told in sorted(waiting, key=lambda told: told.key):
        bank.deliver(connection, told, len(BANK_DAYS) + 1)
    last = BANK_DAYS[-1] + timedelta(days=1)
    rules.day(connection, last, len(BANK_DAYS) + 1)
    assert kinds(connection) == set()
    assert read(connection, last) == truth(bank, last)

    # A past day is what it was: the watermark of its run leaves out what came later.
    rules.day(connection, BANK_DAYS[4] + timedelta(days=1), 5)
    known = {key for key, days in counted.items() if max(days) <= BANK_DAYS[4]}
    assert set(counted_days(connection)) <= known | {told.key for told in stretches}


def test_each_missing_day_is_a_gap_until_it_arrives(rules: Rules, connection: duckdb.DuckDBPyConnection) -> None:
    """Every file dropped in turn: held while it is missing, free as soon as it is there."""
    bank = Bank(99)
    bank.booked = {day: [100 + number] for number, day in enumerate(BANK_DAYS)}
    daily = bank.daily()
    for told in daily:
        bank.deliver(connection, told, 1)
    today = BANK_DAYS[-1] + timedelta(days=1)
    for missing in (*daily[1::3], daily[-1]):
        connection.execute("update raw.bank_statements set batch_id = 2 where statement_key = ?", [missing.key])
        connection.execute("update raw.bank_entries set batch_id = 2 where statement_key = ?", [missing.key])
        rules.day(connection, today, 1)
        assert kinds(connection) == ({"stale"} if missing is daily[-1] else {"missing_statement"}), missing.key
        rules.day(connection, today, 2)
        assert kinds(connection) == set(), missing.key
        connection.execute("update raw.bank_statements set batch_id = 1")
        connection.execute("update raw.bank_entries set batch_id = 1")


@pytest.mark.parametrize(
    ("format_told", "days_back"), [("mt940", 99), ("camt.053.001.02", 99), ("mt940", 5), ("camt.053.001.08", 3)]
)
def test_a_download_that_grows_every_day_counts_each_day_once(
    rules: Rules, connection: duckdb.DuckDBPyConnection, format_told: str, days_back: int
) -> None:
    """Month to date, or the last days again and again: each goes on from the one before, and what was read stays."""
    bank = Bank(days_back)
    known: set[tuple[str, ...]] = set()
    for number, last in enumerate(BANK_DAYS, start=1):
        days = tuple(BANK_DAYS[max(0, number - days_back) : number])
        if number in (4, 5):
            continue  # nobody looked on these days
        bank.deliver(connection, Told(f"to-{last}", format_told, number - 2 * (number > 5), days), number)
        rules.day(connection, last + timedelta(days=1), number)
        assert kinds(connection) == set(), last
        assert read(connection, last) == truth(bank, last)
        entries = set(connection.execute("select entry_key from banking.entries").fetchall())
        assert known <= entries, "what was taken before stands under its key"
        known = entries


def test_a_download_that_lost_an_entry_does_not_go_on(rules: Rules, connection: duckdb.DuckDBPyConnection) -> None:
    """It adds up, but an entry of the days told before is another one: nobody knows which is right."""
    bank = Bank(1)
    bank.booked = {day: [100 + number] for number, day in enumerate(BANK_DAYS)}
    bank.deliver(connection, Told("one", "mt940", 1, tuple(BANK_DAYS[:2])), 1)
    bank.booked[BANK_DAYS[1]] = [101 - 7, 7]
    bank.deliver(connection, Told("two", "mt940", 2, tuple(BANK_DAYS[:3])), 2)
    rules.day(connection, BANK_DAYS[2] + timedelta(days=1), 2)
    assert kinds(connection) == {"missing_statement", "stale"}
    assert read(connection, BANK_DAYS[2]) == [(BANK_DAYS[0], 100), (BANK_DAYS[1], 101)]
