"""What the banks deliver for each of our accounts, and which source should count: looked up for `tijdig doctor`.

Read from the warehouse as the last day left it. Nothing here decides: the rules do (`banking.statements`), and a person
does in the seed `account_sources`. This says what there is to decide, and proposes the line that changes nothing that has
counted so far.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

SEED = "dbt_project/seeds/banking/account_sources.csv"
INFORMATIVE = "these never count as money: ask the bank for camt.053"

_ACCOUNTS = """
select company_id, account_iban, as_of_date, last_statement_on, covered_until_on, expected_until_on, is_covered
from banking.account_coverage
order by company_id, account_iban
"""

# Deliveries as landed: the rules leave informative messages out, and somebody must say that they came.
_DELIVERIES = """
select
    upper(regexp_replace(account_iban, '[^A-Za-z0-9]', '', 'g')) as iban,
    case when format like 'camt.%' then left(format, 8) else format end as family,
    coalesce(is_informative, false) as is_told_only,
    count(*),
    min(coalesce(from_on, opening_on, closing_on)),
    max(coalesce(to_on, closing_on))
from raw.bank_statements
group by iban, family, is_told_only
order by iban, family, is_told_only
"""

_COUNTED = """
select account_iban, format_family, min(from_on), max(to_on)
from banking.statements
where is_counted
group by account_iban, format_family
"""

_TWICE = """
select account_iban, count(*)
from banking.statements
where set_aside_reason in ('other_format', 'overlap', 'contradiction', 'unsettled')
group by account_iban
"""

_CONFIGURED = """
select company_id, account_iban, format, valid_from, valid_to from banking.account_sources
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of one account in one format: how many statements, from which day to which."""

    family: str
    is_informative: bool
    statements: int
    from_on: date | None
    to_on: date | None

    @property
    def words(self) -> str:
        days = f"{self.from_on} to {self.to_on}" if self.from_on and self.to_on else "no days named"
        return f"{self.family} {days} ({self.statements}{' informative' if self.is_informative else ''})"


@dataclass(frozen=True, slots=True)
class Counted:
    """The statements of one format that count for an account."""

    family: str
    from_on: date
    to_on: date


@dataclass(frozen=True, slots=True)
class BankAccount:
    """One account of a company as the last day run knew it."""

    company_id: str
    iban: str
    as_of_date: date
    last_statement_on: date | None
    covered_until_on: date | None
    expected_until_on: date
    is_covered: bool
    deliveries: tuple[Delivery, ...] = ()
    counted: tuple[Counted, ...] = ()
    told_twice: int = 0
    configured: tuple[str, ...] = ()
    """Formats that account_sources names for it on the day."""

    @property
    def is_informative_only(self) -> bool:
        return bool(self.deliveries) and all(delivery.is_informative for delivery in self.deliveries)

    @property
    def is_well(self) -> bool:
        """Covered up to the day the policy asks for, and nothing told twice without a person having said what counts."""
        return self.is_covered and not (self.told_twice and not self.configured)

    def proposal(self) -> str | None:
        """A line for account_sources: the format that counts now, from the first day on which no other counts.

        None where a source is configured, or nothing counts yet.
        """
        if self.configured or not self.counted:
            return None
        newest = max(self.counted, key=lambda counted: (counted.to_on, counted.from_on))
        others = [counted.to_on for counted in self.counted if counted.family != newest.family]
        valid_from = max([newest.from_on, *(day + timedelta(days=1) for day in others)])
        return f"{self.company_id},{self.iban},{newest.family},{valid_from},,{self.as_of_date},NAME"

    def words(self) -> str:
        """What there is to say of it, for a person."""
        said = [", ".join(delivery.words for delivery in self.deliveries) or "no file has ever arrived"]
        if self.is_informative_only:
            said.append(f"only informative messages arrive; {INFORMATIVE}")
        elif self.last_statement_on is None:
            said.append("no statement counts yet")
        elif not self.is_covered:
            said.append(
                f"STALE OR BROKEN: known without a break up to {self.covered_until_on}, asked for "
                f"{self.expected_until_on} on {self.as_of_date}"
            )
        if self.told_twice:
            said.append(f"{self.told_twice} statements tell days that another one tells and do not count")
        if self.configured:
            said.append(f"source configured: {', '.join(self.configured)}")
        elif (line := self.proposal()) is not None:
            said.append(f"no source configured; a line for {SEED}: {line}")
        return "; ".join(said)


def bank_accounts(warehouse: Path) -> list[BankAccount]:
    """Every account of every company, with what arrived for it.

    Empty before the first day. Raises duckdb.Error when the warehouse cannot be read, `in_use` says whether because
    another program has it.
    """
    if not warehouse.exists():
        return []
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        if not _is_built(connection):
            return []
        accounts = connection.execute(_ACCOUNTS).fetchall()
        deliveries = connection.execute(_DELIVERIES).fetchall()
        counted = connection.execute(_COUNTED).fetchall()
        twice: dict[str, int] = dict(connection.execute(_TWICE).fetchall())
        configured = connection.execute(_CONFIGURED).fetchall()
    return [
        BankAccount(
            company_id,
            iban,
            day,
            last,
            covered_until,
            expected_until,
            is_covered,
            deliveries=tuple(Delivery(*row[1:]) for row in deliveries if row[0] == iban),
            counted=tuple(Counted(*row[1:]) for row in counted if row[0] == iban),
            told_twice=twice.get(iban, 0),
            configured=_sources(configured, company_id, iban, day),
        )
        for company_id, iban, day, last, covered_until, expected_until, is_covered in accounts
    ]


def in_use(error: duckdb.Error) -> bool:
    """Whether the warehouse could not be read because another program holds it."""
    return "lock" in str(error).lower()


def _is_built(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a day was built here by rules that know of sources."""
    found = {
        (schema, table)
        for schema, table in connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    }
    return {("banking", name) for name in ("account_coverage", "statements", "account_sources")} <= found


def _sources(
    rows: Sequence[tuple[str, str, str, date, date | None]], company_id: str, iban: str, day: date
) -> tuple[str, ...]:
    """The formats account_sources names for one account on a day: its own rows, else its company's, else the general."""
    own = [
        (0 if account != "*" else 1 if company != "*" else 2, family)
        for company, account, family, valid_from, valid_to in rows
        if company in ("*", company_id) and account in ("*", iban) and valid_from <= day <= (valid_to or day)
    ]
    nearest = min((rank for rank, _ in own), default=None)
    return tuple(sorted(family for rank, family in own if rank == nearest))
