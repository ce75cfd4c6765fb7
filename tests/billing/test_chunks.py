"""Rows read column by column, many at a time, are the rows read one by one: values, refusals and all."""

# ruff: noqa: DTZ001 - moments as an ERP keeps them, without a zone
from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from assets.billing.chunks import read_chunk
from assets.billing.rows import RowProblem, arrow_rows, read_any_row
from assets.landing.raw_tables import BILLING_TABLE_BY_NAME, BILLING_TABLES, BillingTable

VALUES: dict[str, tuple[object, ...]] = {
    "text": (
        "a", " b ", "", None, 5, 1.5, b"x", "x\0", True, Decimal(1), date(2026, 1, 1), "\ud800", "é", "\x1cq\x1f",
        "invoice", "term_note", "EUR", "eur",
    ),
    "amount": (
        "1.00", "-1", "100.000", "1,0", None, "", 5, True, Decimal("1.10"), Decimal("1E+3"), Decimal("NaN"), "1.005",
        "99999999999999999", 1.0, " 7 ", "-0.00", "9999999999999999.99", 10**17, "1.00\n", "１.00",
    ),
    "percentage": ("1.0000", "100000", "99999.9999", "1.23456", None, 2, Decimal("2.5"), "-1"),
    "integer": ("1", 2, None, "", 2**63, -(2**63), 2**63 - 1, True, "x", Decimal(3), "99999999999999999999"),
    "date": (
        "2026-01-01", "20260101", "2026-W10-3", None, date(2026, 1, 1), datetime(2026, 1, 1, 5), "0000-00-00",
        " 2026-02-30",
    ),
    "timestamp": (
        "2026-01-01", "2026-01-01T10:00:00+01:00", None, datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), "x",
        "0001-01-01T00:00:00+05:00",
    ),
    "flag": ("true", "0", 0, 1, True, None, "x", "", 2, 0.0),
}  # fmt: skip


def some_rows(draw: random.Random, table: BillingTable) -> tuple[list[str], list[tuple[object, ...]]]:
    """A few rows of some columns. Most columns hold one type, as a database's do; some hold anything."""
    columns = {column.name: column for column in table.columns}
    names = [name for name, column in columns.items() if column.required or draw.random() < 0.7]
    names += [name for name in ("kleur", "is_deleted", "deleted_at") if draw.random() < 0.3]
    count = draw.randint(1, 6)

    def value(name: str) -> object:
        column = columns.get(name)
        if column and column.choices and draw.random() < 0.8:
            return draw.choice(column.choices)
        if name == "currency" and draw.random() < 0.8:
            return "EUR"
        kind = {"is_deleted": "flag", "deleted_at": "timestamp"}.get(name, column.kind if column else "text")
        return draw.choice(VALUES[kind])

    drawn = []
    for name in names:
        first = value(name)
        others = [value(name) for _ in range(count)]
        is_uniform = draw.random() < 0.6
        drawn.append([each if not is_uniform or type(each) in (type(first), type(None)) else first for each in others])
    return names, list(zip(*drawn, strict=True))


@pytest.mark.parametrize("seed", range(20))
def test_many_at_a_time_is_one_by_one(seed: int) -> None:
    draw = random.Random(seed)
    good = refused = 0
    for _ in range(150):
        table = draw.choice(BILLING_TABLES)
        names, rows = some_rows(draw, table)
        ordinals = range(7, 7 + len(rows))
        one_by_one = [
            (ordinal, *read_any_row(table, dict(zip(names, row, strict=True)), ordinal))
            for ordinal, row in zip(ordinals, rows, strict=True)
        ]
        kept = [(ordinal, row, gone) for ordinal, row, gone in one_by_one if not isinstance(row, RowProblem)]
        chunk = read_chunk(table, names, rows, ordinals)
        assert chunk.problems == [row for _, row, _ in one_by_one if isinstance(row, RowProblem)], (names, rows)
        wanted = arrow_rows(
            table, [row for _, row, _ in kept], [number for number, _, _ in kept], {n for n, _, gone in kept if gone}
        )
        assert chunk.rows.to_pylist() == wanted.to_pylist(), (names, rows)
        assert chunk.rows.schema == wanted.schema
        good, refused = good + len(kept), refused + len(chunk.problems)
    assert good
    assert refused, "both kinds must occur, or this says nothing"


def test_a_row_that_is_deleted_needs_its_key_and_nothing_else() -> None:
    invoices = BILLING_TABLE_BY_NAME["invoices"]
    names = ["company_id", "invoice_id", "total_amount", "deleted_at"]
    chunk = read_chunk(invoices, names, [("C1", 7, "x", "2026-01-01"), ("C1", None, "1.00", "2026-01-01")], range(1, 3))
    assert [(row["invoice_id"], row["total_amount"], row["is_deleted"]) for row in chunk.rows.to_pylist()] == [
        ("7", None, True)
    ]
    assert [problem.code for problem in chunk.problems] == ["missing_value"]


@pytest.mark.parametrize(
    ("flag", "moment", "code"), [("misschien", None, "invalid_flag"), (None, "gisteren", "invalid_timestamp")]
)
def test_a_deletion_that_cannot_be_read_refuses_the_row(flag: object, moment: object, code: str) -> None:
    companies = BILLING_TABLE_BY_NAME["companies"]
    names = ["company_id", "name", "country", "iban", "is_deleted", "deleted_at"]
    chunk = read_chunk(companies, names, [("C1", "V", "NL", "x", flag, moment)], [1])
    assert [problem.code for problem in chunk.problems] == [code]
    assert chunk.rows.num_rows == 0
