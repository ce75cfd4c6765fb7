"""What changed in the shape of an extract since the last one: columns that came, went, emptied or changed their type.

A new column is kept aside and said aloud. A column that the log knows filled, and that is gone, would become null on every
row: customers without an address, invoices without a payment reference. Where that changes whom we remind or how they can
pay, the table stops until a person accepts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from assets.billing.extract_files import ColumnSeen, Contents
from assets.billing.rows import DELETED_AT, DELETED_FLAG
from assets.landing.brakes import HANDFUL, Implausible
from assets.landing.raw_tables import BillingTable

# Optional columns whose loss is no matter of taste: who is reached, how a payment is recognised, who must not be reminded.
MISSED = {
    "companies": ("creditor_id", "email_from"),
    "customers": (
        "language",
        "email",
        "street",
        "postal_code",
        "city",
        "iban",
        "is_natural_person",
        "required_references",
        "scenario_id",
        "is_blocked",
    ),
    "invoices": (
        "payment_reference",
        "order_number",
        "credits_invoice_number",
        "term_of_invoice_id",
        "is_cancelled",
    ),
}

# By these a row is recognised: as a number instead of a text, 007 becomes 7 and somebody else.
NAMES_OF_THINGS = ("company_id", "customer_id", "invoice_id", "invoice_number", "mandate_id", "order_number")


@dataclass(frozen=True, slots=True)
class Drift:
    """One change: a stable code, words for a person, and whether the table stops for it."""

    code: str
    words: str
    stops: bool = False


def drifts(
    connection: duckdb.DuckDBPyConnection,
    table: BillingTable,
    now: Contents,
    before: Contents | None,
    *,
    batch_id: int,
    is_everything: bool,
    watermark: str = "",
) -> list[Drift]:
    """What changed in the columns of a table since the batches before this one: files of one run may differ in theirs.

    `before` is its last extract; `is_everything` that no row was left out.
    """
    if not now.seen:
        return []
    known = before.columns if before else {}
    return [
        *_lost(connection, table, now, batch_id, is_everything=is_everything),
        *_deletions_lost(now.columns, known),
        *_come_and_gone(table, now.columns, known, watermark),
        *_other_types(now.columns, known),
    ]


def _lost(
    connection: duckdb.DuckDBPyConnection, table: BillingTable, now: Contents, batch_id: int, *, is_everything: bool
) -> list[Drift]:
    """Optional columns that are missing, or empty from top to bottom, and that the log knows filled."""
    missing = [name for name in table.column_names if name not in now.columns]
    empty = [
        name
        for name, column in now.columns.items()
        if name in table.column_names and not column.filled and is_everything
    ]
    filled = _filled(connection, table, [*missing, *empty], batch_id)
    missed = MISSED.get(table.name, ())
    return [
        Drift("column_vanished", f"the column {name} is gone; {filled[name]} rows had it filled", name in missed)
        for name in missing
        if filled[name]
    ] + [
        Drift("column_emptied", f"the column {name} is empty; {filled[name]} rows had it filled", name in missed)
        for name in empty
        if filled[name] > HANDFUL
    ]


def _filled(
    connection: duckdb.DuckDBPyConnection, table: BillingTable, names: list[str], batch_id: int
) -> dict[str, int]:
    """In how many rows, as the log knows them last, each of these columns is filled."""
    filled = dict.fromkeys(names, 0)
    if not names:
        return filled
    ever = connection.execute(
        f"select {', '.join(f'count({name})' for name in names)} from raw.{table.name} where batch_id < {batch_id}"
    ).fetchall()
    asked = [name for name, count in zip(names, ever[0], strict=True) if count]
    if asked:
        counts = connection.execute(
            f"""
            select {", ".join(f"count({name})" for name in asked)} from (
                select {", ".join(asked)}, is_deleted from raw.{table.name} where batch_id < {batch_id}
                qualify row_number() over (
                    partition by {", ".join(table.key)} order by batch_id desc, ordinal desc
                ) = 1
            ) where not is_deleted
            """
        ).fetchall()
        filled |= dict(zip(asked, counts[0], strict=True))
    return filled


def _deletions_lost(now: Mapping[str, ColumnSeen], known: Mapping[str, ColumnSeen]) -> list[Drift]:
    return [
        Drift("column_vanished", f"the column {name} is gone: what is deleted would no longer be heard of", stops=True)
        for name in (DELETED_FLAG, DELETED_AT)
        if name in known and name not in now
    ]


def _come_and_gone(
    table: BillingTable, now: Mapping[str, ColumnSeen], known: Mapping[str, ColumnSeen], watermark: str
) -> list[Drift]:
    if not known:
        return []
    ours = {*table.column_names, DELETED_FLAG, DELETED_AT, watermark}
    come = [name for name in now if name not in known]
    gone = [name for name in known if name not in now and name not in ours]
    return [
        Drift(
            "column_new",
            f"there is a new column {name}" + ("" if name in ours else ", which is kept aside and not used"),
        )
        for name in come
    ] + [Drift("column_gone", f"the column {name}, which was kept aside, is gone") for name in gone]


def _other_types(now: Mapping[str, ColumnSeen], known: Mapping[str, ColumnSeen]) -> list[Drift]:
    found = []
    for name, column in now.items():
        before = known[name].kinds if name in known else set()
        if before and column.kinds and before.isdisjoint(column.kinds):
            words = f"the column {name} holds {_listed(column.kinds)} values, and held {_listed(before)} values"
            found.append(Drift("type_changed", words, name in NAMES_OF_THINGS))
    return found


def _listed(kinds: set[str]) -> str:
    return " and ".join(sorted(kinds))


def refuse_drift(table: BillingTable, found: list[Drift]) -> None:
    """Raises Implausible when one of the changes stops the table."""
    stopping = [drift for drift in found if drift.stops]
    if stopping:
        raise Implausible(
            stopping[0].code,
            f"the extract of {table.name} changed its shape: {'; '.join(drift.words for drift in stopping)}",
            where=f"[billing] {table.name}",
            remedy="give the extract its old columns again",
        )
