"""Rows of an extract checked many at a time: column by column, at a fraction of the cost of row by row.

A column is read whole where that can be done with the same result as `rows.read_row` gives. Whatever is odd in any way is
left to `read_row`, row by row: it alone refuses, so a refusal reads the same whichever way a row came.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import NoneType

import pyarrow as pa
import pyarrow.compute as pc

from assets.billing.rows import (
    CURRENCY_TEXT,
    DELETED_AT,
    DELETED_FLAG,
    RowProblem,
    Unreadable,
    Value,
    arrow_rows,
    arrow_schema,
    extra_text,
    read_any_row,
    read_value,
)
from assets.landing.change_log import ARROW_TYPES
from assets.landing.raw_tables import BillingTable, Column

# What can be cast to the column's type as it stands, given to RE2; anything longer or stranger is read one by one.
PLAIN_NUMBER = {"amount": r"^-?[0-9]{1,16}(\.[0-9]{1,2})?$", "percentage": r"^-?[0-9]{1,5}(\.[0-9]{1,4})?$"}

# Equal values of these types are read alike, so that each distinct one need be read only once.
READ_ONCE: tuple[frozenset[type], ...] = tuple(frozenset({kind}) for kind in (str, int, bool, date))
ONLY_TEXTS = (frozenset({str}),)
ONLY_INTEGERS = (frozenset({int}),)
EXACT_NUMBERS: tuple[frozenset[type], ...] = tuple(frozenset({kind}) for kind in (str, int, Decimal))

ZERO = pa.scalar(Decimal("0.00"), pa.decimal128(18, 2))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows in the columns of `rows.arrow_schema`, and those that were refused."""

    rows: pa.Table
    problems: list[RowProblem]


def read_chunk(
    table: BillingTable,
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    ordinals: Sequence[int],
    ignored: Collection[str] = (),
) -> Chunk:
    """Reads rows with their numbers in the source; `names` are their columns, `ignored` those that are not kept."""
    columns: dict[str, tuple[object, ...]] = dict(zip(names, zip(*rows, strict=True), strict=True))
    odd = _deleted(columns)
    arrays: dict[str, pa.Array] = {}
    for column in table.columns:
        given = columns.get(column.name)
        if given is None:
            arrays[column.name] = pa.nulls(len(rows), ARROW_TYPES[column.kind])
            continue
        arrays[column.name], strange = _read_column(column, given)
        odd |= strange
    if table.name == "invoices":
        odd |= _rule_breakers(arrays)
    consumed = {*table.column_names, *ignored, DELETED_FLAG, DELETED_AT}
    arrays["extra"] = _extra([name for name in columns if name not in consumed], columns, len(rows))
    arrays["ordinal"] = pa.array(ordinals, pa.int64())
    arrays["is_deleted"] = pa.repeat(pa.scalar(False), len(rows))
    read = pa.Table.from_pydict(arrays, schema=arrow_schema(table))
    if not odd:
        return Chunk(read, [])
    numbers = sorted(odd)
    mended, problems = _one_by_one(
        table, names, [rows[number] for number in numbers], [ordinals[number] for number in numbers], ignored
    )
    plain = read.take(pa.array([number for number in range(len(rows)) if number not in odd], pa.int64()))
    return Chunk(pa.concat_tables([plain, mended]).sort_by("ordinal") if mended.num_rows else plain, problems)


def _one_by_one(
    table: BillingTable,
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    ordinals: Sequence[int],
    ignored: Collection[str],
) -> tuple[pa.Table, list[RowProblem]]:
    good: list[tuple[Value, ...]] = []
    good_ordinals: list[int] = []
    deleted: set[int] = set()
    problems: list[RowProblem] = []
    for row, ordinal in zip(rows, ordinals, strict=True):
        read, is_deleted = read_any_row(table, dict(zip(names, row, strict=True)), ordinal, ignored)
        if isinstance(read, RowProblem):
            problems.append(read)
            continue
        good.append(read)
        good_ordinals.append(ordinal)
        if is_deleted:
            deleted.add(ordinal)
    return arrow_rows(table, good, good_ordinals, deleted), problems


def _deleted(columns: dict[str, tuple[object, ...]]) -> set[int]:
    """Rows that say, or may say, that their key is gone."""
    maybe: set[int] = set()
    for name, nothing in ((DELETED_FLAG, (None, False, 0, "", "0", "false", "f", "no")), (DELETED_AT, (None, ""))):
        for number, value in enumerate(columns.get(name, ())):
            if value not in nothing or isinstance(value, float):
                maybe.add(number)
    return maybe


def _read_column(column: Column, values: tuple[object, ...]) -> tuple[pa.Array, set[int]]:
    """A column as it is kept, and the numbers of the rows in which it cannot be read so."""
    kinds = frozenset(map(type, values)) - {NoneType}
    if not kinds:
        return pa.nulls(len(values), ARROW_TYPES[column.kind]), set(range(len(values))) if column.required else set()
    read = None
    if column.kind == "text" and not column.choices and kinds in ONLY_TEXTS:
        read = _texts(values)
    elif column.kind == "text" and not column.choices and kinds in ONLY_INTEGERS:
        read = pa.array([str(number) if number is not None else None for number in values], pa.string())
    elif column.kind in PLAIN_NUMBER and kinds in EXACT_NUMBERS:
        read = _numbers(column, values)
    if read is None:
        return _each_once(column, values) if kinds in READ_ONCE else _each(column, values)
    if column.required and read.null_count:
        return read, {number for number, is_valid in enumerate(read.is_valid().to_pylist()) if not is_valid}
    return read, set()


def _texts(values: tuple[object, ...]) -> pa.Array | None:
    """Texts without the spaces around them, empty ones as nulls; None when one holds what no text may."""
    try:
        read = pa.array([text.strip() or None if text is not None else None for text in values], pa.string())  # type: ignore[attr-defined]
    except UnicodeEncodeError:
        return None
    content = read.buffers()[2]
    return None if content is not None and b"\x00" in memoryview(content).tobytes() else read


def _numbers(column: Column, values: tuple[object, ...]) -> pa.Array | None:
    """Decimals of plain texts; None when one of them is not plain, or has more places or digits than are kept."""
    texts = pa.array([str(value).strip() or None if value is not None else None for value in values], pa.string())
    if not pc.all(pc.match_substring_regex(texts, PLAIN_NUMBER[column.kind]), min_count=0).as_py():
        return None
    try:
        return texts.cast(ARROW_TYPES[column.kind])
    except pa.ArrowInvalid:
        return None


def _each_once(column: Column, values: tuple[object, ...]) -> tuple[pa.Array, set[int]]:
    """Each distinct value is read once: dates, kinds, currencies and countries come by the thousand."""
    known: dict[object, Value] = {}
    strange: set[object] = set()
    for value in set(values):
        try:
            known[value] = read_value(column, value)
        except Unreadable:
            known[value] = None
            strange.add(value)
    read = pa.array([known[value] for value in values], ARROW_TYPES[column.kind])
    return read, {number for number, value in enumerate(values) if value in strange} if strange else set()


def _each(column: Column, values: tuple[object, ...]) -> tuple[pa.Array, set[int]]:
    read: list[Value] = []
    strange: set[int] = set()
    for number, value in enumerate(values):
        try:
            read.append(read_value(column, value))
        except Unreadable:
            read.append(None)
            strange.add(number)
    return pa.array(read, ARROW_TYPES[column.kind]), strange


def _rule_breakers(arrays: dict[str, pa.Array]) -> set[int]:
    """Invoices that may break a rule over the whole row."""
    currencies = arrays["currency"]
    strange = [text for text in currencies.unique().to_pylist() if text and not CURRENCY_TEXT.fullmatch(text)]
    doubtful = pc.or_(
        pc.fill_null(pc.less(arrays["total_amount"], ZERO), False),
        pc.or_(
            pc.is_in(currencies, pa.array(strange, pa.string())),
            pc.fill_null(pc.equal(arrays["kind"], "term_note"), False),
        ),
    )
    return set(pc.indices_nonzero(doubtful).to_pylist())


def _extra(names: Sequence[str], columns: dict[str, tuple[object, ...]], count: int) -> pa.Array:
    """What the contract does not ask for, row by row as JSON."""
    if not names:
        return pa.nulls(count, pa.string())
    given = zip(*(columns[name] for name in names), strict=True)
    return pa.array([extra_text(names, values) for values in given], pa.string())
