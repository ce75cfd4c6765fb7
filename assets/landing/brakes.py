"""Brakes on what is about to be appended to the log: extracts whose every row is right and whose whole cannot be.

They look at the temporary tables that `change_log.append_billing` makes: `landing_rows` (the keys of the source),
`newest_rows` (the keys of the log) and `vanished_rows` (those that would become tombstones).
"""

from dataclasses import dataclass
from decimal import Decimal

import duckdb

from assets.landing.raw_tables import BillingTable
from assets.problem import DataProblem

# Without any of these there is no business: an extract in which one is suddenly empty is no extract.
NEVER_EMPTY = ("companies", "customers", "invoices")

# A handful may always go: percentages of a small table say nothing.
HANDFUL = 10

# Below this many known rows, ten times as many or half as much again is an ordinary week of a young business.
FEWEST_ROWS = 20

# What is added up in a table, and per what: nothing is summed across companies, currencies or kinds of document.
SUMMED = {"invoices": (("company_id", "currency", "kind"), "total_amount")}


@dataclass(frozen=True, slots=True)
class Brakes:
    """How much one extract may change; None takes a brake off.

    `max_shrink_percent`: share of the known rows that may go at once. `max_growth_factor`: times as many rows as were
    known. `max_sum_change_percent`: how far the total of the known documents of a company, currency and kind may fall or
    grow. New ones are not weighed: twice as many invoices are a good month.
    """

    max_shrink_percent: int = 20
    max_growth_factor: int | None = 10
    max_sum_change_percent: int | None = 50


class Implausible(DataProblem):
    """An extract that a brake refused; `code` is stable: `shrank`, `grew` or `sum_changed`."""

    def __init__(self, code: str, what: str, *, where: str, remedy: str) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.code = code


def refuse_implausible(
    connection: duckdb.DuckDBPyConnection,
    table: BillingTable,
    brakes: Brakes,
    incoming: str,
    *,
    seen: int,
    batch_id: int,
    after: int,
    is_full: bool,
) -> None:
    """Raises Implausible for the first brake that a source trips.

    `incoming` is its rows, `seen` how many there are; `after` is the last ordinal before this source.
    """
    _refuse_shrinking(connection, table, brakes.max_shrink_percent, is_full=is_full)
    if brakes.max_growth_factor is not None:
        _refuse_growing(connection, table, brakes.max_growth_factor, seen, batch_id)
    if brakes.max_sum_change_percent is not None and table.name in SUMMED:
        _refuse_other_sums(connection, table, brakes.max_sum_change_percent, incoming, batch_id, after)


def _refuse_shrinking(
    connection: duckdb.DuckDBPyConnection, table: BillingTable, max_shrink_percent: int, *, is_full: bool
) -> None:
    known = _count(connection, "select count(*) from newest_rows where not is_deleted")
    missing = _count(connection, "select count(*) from vanished_rows")
    is_empty = is_full and table.name in NEVER_EMPTY and missing == known > 0 and max_shrink_percent < 100
    if is_empty or (missing > HANDFUL and missing * 100 > known * max_shrink_percent):
        raise Implausible(
            "shrank",
            f"the extract of {table.name} lost {missing} of {known} rows, more than {max_shrink_percent} %",
            where=f"[billing] {table.name}",
            remedy="see whether the extract is complete; if the rows really are gone, raise [billing] max_shrink_percent for one run",
        )


def _refuse_growing(
    connection: duckdb.DuckDBPyConnection, table: BillingTable, max_growth_factor: int, seen: int, batch_id: int
) -> None:
    # Of several files of one batch, each is compared with what was known before the first of them.
    known = _count(
        connection, f"select count(*) from {_known_before(connection, table, batch_id)} as known where not is_deleted"
    )
    if known >= FEWEST_ROWS and seen > known * max_growth_factor:
        raise Implausible(
            "grew",
            f"the extract of {table.name} has {seen} rows, more than {max_growth_factor} times the {known} known ones",
            where=f"[billing] {table.name}",
            remedy="see whether a join in the query repeats rows",
        )


def _refuse_other_sums(
    connection: duckdb.DuckDBPyConnection,
    table: BillingTable,
    max_sum_change_percent: int,
    incoming: str,
    batch_id: int,
    after: int,
) -> None:
    groups, amount = SUMMED[table.name]
    group, key = ", ".join(groups), ", ".join(table.key)
    same_key = " and ".join(f"log.{name} = known.{name}" for name in table.key)
    changed = connection.execute(
        f"""
        with known_keys as (
            select {key}, arrival from {_known_before(connection, table, batch_id)} where not is_deleted
        ),
        kept_keys as (
            select {key}, arrival from newest_rows
            anti join landing_rows using ({key})
            anti join vanished_rows using ({key})
            where not is_deleted
        ),
        known_rows as (
            select {", ".join(f"log.{name}" for name in (*groups, amount))}
            from raw.{table.name} as log
            join known_keys as known on log.batch_id * 1000000000 + log.ordinal = known.arrival and {same_key}
        ),
        known as (
            select {group}, sum({amount}) as total, count(*) as documents from known_rows group by {group}
        ),
        now_rows as (
            select {", ".join(f"log.{name}" for name in (*groups, amount))}
            from raw.{table.name} as log
            join kept_keys as known on log.batch_id * 1000000000 + log.ordinal = known.arrival and {same_key}
            union all
            select {", ".join(f"rows.{name}" for name in (*groups, amount))}
            from {incoming} as rows
            semi join (
                select ordinal - {after} as ordinal from landing_rows semi join known_keys using ({key}) where not is_deleted
            ) as landing
                on landing.ordinal = rows.ordinal
        ),
        now as (
            select {group}, sum({amount}) as total from now_rows group by {group}
        )
        select {", ".join(f"known.{name}" for name in groups)}, known.total, coalesce(now.total, 0)
        from known
        left join now using ({group})
        where
            known.documents >= {FEWEST_ROWS}
            and abs(coalesce(now.total, 0) - known.total) * 100 > known.total * {max_sum_change_percent}
        order by all
        """
    ).fetchall()
    if changed:
        company_id, currency, kind, before, now = changed[0]
        others = f"; and so in {len(changed) - 1} more" if len(changed) > 1 else ""
        raise Implausible(
            "sum_changed",
            f"the extract of {table.name} takes the {kind}s of company {company_id} from {_money(before)} to"
            f" {_money(now)} {currency}, more than {max_sum_change_percent} %{others}",
            where=f"[billing] {table.name}",
            remedy="see whether amounts are in cents, or a part is missing or doubled",
        )


def _known_before(connection: duckdb.DuckDBPyConnection, table: BillingTable, batch_id: int) -> str:
    """The newest row of each key before this batch, as a relation; usually that is `newest_rows` itself."""
    if not _count(
        connection, f"select count(*) from newest_rows where arrival >= cast({batch_id} as bigint) * 1000000000"
    ):
        return "newest_rows"
    key, arrival = ", ".join(table.key), "batch_id * 1000000000 + ordinal"
    return f"""(
        select {key}, max_by(is_deleted, {arrival}) as is_deleted, max({arrival}) as arrival
        from raw.{table.name} where batch_id < {batch_id} group by {key}
    )"""


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _count(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    return int(connection.execute(statement).fetchall()[0][0])
