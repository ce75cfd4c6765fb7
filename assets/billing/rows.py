"""One row of the billing extract: from whatever a database or a file gave to exact values, or a refusal with a reason.

Nothing is guessed. A decimal comma, a float, an impossible date or a third decimal refuses the row; its customer is
then held, and the other rows go on (contracts, section 2).
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

import pyarrow as pa

from assets.landing.change_log import ARROW_TYPES
from assets.landing.raw_tables import BillingTable, Column, Kind

Value = str | int | bool | Decimal | date | datetime | None

# What the columns of the log hold: decimal(18, 2) for 2 places, decimal(9, 4) for 4.
LARGEST = {2: Decimal("9999999999999999.99"), 4: Decimal("99999.9999")}
LARGEST_INTEGER = 2**63 - 1
AMOUNT_TEXT = re.compile(r"-?\d{1,16}(\.\d+)?", re.ASCII)
DATE_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
CURRENCY_TEXT = re.compile(r"[A-Z]{3}", re.ASCII)

# By either of these, on any table, a row may say that its key is gone: a flag, or the moment it was deleted.
DELETED_FLAG, DELETED_AT = "is_deleted", "deleted_at"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A refused row: which one, why, and whom it concerns as far as that could be read."""

    ordinal: int
    table_name: str
    code: str
    message: str
    company_id: str | None = None
    customer_id: str | None = None
    invoice_id: str | None = None


class Unreadable(Exception):
    """A value that cannot be taken as it stands; `code` is stable, the text is for a person."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def _text(value: object) -> str:
    if isinstance(value, float):
        raise Unreadable("float_value", f"{value!r} is a floating-point number; cast it to text in the query")
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise Unreadable("binary_value", "it is binary; cast it to text in the query")
    text = str(value).strip()
    if "\x00" in text:
        raise Unreadable("nul_character", "it holds a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Unreadable("invalid_character", "it holds half of a character; mend it in the source") from error
    return text


def _decimal(value: object, places: int, code: str) -> Decimal:
    if isinstance(value, float):
        raise Unreadable(
            "float_value", f"{value!r} is a floating-point number, which loses cents; cast it to text in the query"
        )
    text = str(value).strip()
    if not AMOUNT_TEXT.fullmatch(text):
        raise Unreadable(code, f"{text!r} is not a number with a decimal dot")
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise Unreadable(code, f"{text!r} is not a number") from error
    rounded = number.quantize(Decimal(1).scaleb(-places))
    if rounded != number:
        raise Unreadable("too_many_decimals", f"{text!r} has more than {places} decimals")
    if abs(rounded) > LARGEST[places]:
        raise Unreadable(code, f"{text!r} is too large")
    return rounded


def _amount(value: object) -> Decimal:
    return _decimal(value, 2, "invalid_amount")


def _percentage(value: object) -> Decimal:
    return _decimal(value, 4, "invalid_percentage")


def _integer(value: object) -> int:
    if isinstance(value, bool) or (
        not isinstance(value, int) and not re.fullmatch(r"-?\d{1,18}", str(value).strip(), re.ASCII)
    ):
        raise Unreadable("invalid_number", f"{value!r} is not a whole number")
    number = int(str(value))
    if abs(number) > LARGEST_INTEGER:
        raise Unreadable("invalid_number", f"{value!r} is too large")
    return number


def _date(value: object) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value).strip()
    if not DATE_TEXT.fullmatch(text):
        raise Unreadable("invalid_date", f"{text!r} is not a date written as YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Unreadable("invalid_date", f"{text!r} is not a day of the calendar") from error


def _timestamp(value: object) -> datetime:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a day as the ERP keeps it
    else:
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError as error:
            raise Unreadable(
                "invalid_timestamp", f"{value!r} is not a moment written as YYYY-MM-DDTHH:MM:SS"
            ) from error
    try:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError as error:
        raise Unreadable("invalid_timestamp", f"{value!r} lies outside the calendar") from error


FLAGS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "t": True, "f": False}


def _flag(value: object) -> bool:
    try:
        return FLAGS[str(value).strip().lower()]
    except KeyError as error:
        raise Unreadable("invalid_flag", f"{value!r} is neither true nor false") from error


READERS: dict[Kind, Callable[[object], Value]] = {
    "text": _text,
    "amount": _amount,
    "percentage": _percentage,
    "integer": _integer,
    "date": _date,
    "timestamp": _timestamp,
    "flag": _flag,
}


def read_row(
    table: BillingTable, given: Mapping[str, object], ordinal: int, ignored: Collection[str] = ()
) -> tuple[Value, ...] | RowProblem:
    """The values of one row in contract order, `extra` last; or why it is refused. `ignored` columns are not kept."""
    values: list[Value] = []
    for column in table.columns:
        try:
            values.append(read_value(column, _given_or_implied(table, given, column.name)))
        except Unreadable as error:
            return problem_of(table, given, ordinal, error.code, f"{column.name}: {error}")
    problem = _rule_broken(table, dict(zip(table.column_names, values, strict=True)))
    if problem:
        return problem_of(table, given, ordinal, *problem)
    names = [name for name in given if name not in table.column_names and name not in ignored]
    values.append(extra_text(names, [given[name] for name in names]))
    return tuple(values)


def _given_or_implied(table: BillingTable, given: Mapping[str, object], name: str) -> object:
    """What a row says of a column. A credit note is due to nobody: without a due date it counts from its issue."""
    value = given.get(name)
    if table.name != "invoices" or name != "due_on" or (value is not None and str(value).strip()):
        return value
    return given.get("issued_on") if str(given.get("kind") or "").strip() == "credit_note" else value


def extra_text(names: Sequence[str], values: Sequence[object]) -> str | None:
    """What the contract does not ask for, as a JSON object of texts; null when there is nothing."""
    unknown = {name: str(value) for name, value in zip(names, values, strict=True) if value not in (None, "")}
    if not unknown:
        return None
    text = json.dumps(unknown, ensure_ascii=False, sort_keys=True)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def says_deleted(given: Mapping[str, object]) -> bool:
    """Whether a row only says that its key is gone. Raises Unreadable for a flag or a moment that cannot be read."""
    flag, moment = given.get(DELETED_FLAG), given.get(DELETED_AT)
    is_deleted = False
    if flag is not None and str(flag).strip():
        try:
            is_deleted = _flag(flag)
        except Unreadable as error:
            raise Unreadable(error.code, f"{DELETED_FLAG}: {error}") from error
    if moment is not None and str(moment).strip():
        try:
            _timestamp(moment)
        except Unreadable as error:
            raise Unreadable(error.code, f"{DELETED_AT}: {error}") from error
        is_deleted = True
    return is_deleted


def read_deletion(table: BillingTable, given: Mapping[str, object], ordinal: int) -> tuple[Value, ...] | RowProblem:
    """A row that says its key is gone: the key, and nothing else; or why it is refused."""
    values: list[Value] = []
    for column in table.columns:
        try:
            values.append(read_value(column, given.get(column.name)) if column.name in table.key else None)
        except Unreadable as error:
            return problem_of(table, given, ordinal, error.code, f"{column.name}: {error}")
    return (*values, None)


def read_any_row(
    table: BillingTable, given: Mapping[str, object], ordinal: int, ignored: Collection[str] = ()
) -> tuple[tuple[Value, ...] | RowProblem, bool]:
    """A row of a source, or why it is refused; and whether it says that its key is gone."""
    try:
        if says_deleted(given):
            return read_deletion(table, given, ordinal), True
    except Unreadable as error:
        return problem_of(table, given, ordinal, error.code, str(error)), False
    return read_row(table, given, ordinal, {*ignored, DELETED_FLAG, DELETED_AT}), False


def read_value(column: Column, raw: object) -> Value:
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        if column.required:
            raise Unreadable("missing_value", "it is empty, and it is required")
        return None
    value = READERS[column.kind](raw)
    if column.choices and value not in column.choices:
        raise Unreadable("unknown_value", f"{value!r} is not one of {', '.join(column.choices)}")
    return value


def _rule_broken(table: BillingTable, row: Mapping[str, Value]) -> tuple[str, str] | None:
    """Rules over a whole row that make it unusable, whatever finance may think of it."""
    if table.name != "invoices":
        return None
    total, currency = row["total_amount"], row["currency"]
    if isinstance(total, Decimal) and total < 0:
        return "negative_amount", f"total_amount: {total} is negative; amounts are positive for credit notes too"
    if isinstance(currency, str) and not CURRENCY_TEXT.fullmatch(currency):
        return "invalid_currency", f"currency: {currency!r} is not a three-letter code in capitals"
    if row["kind"] == "term_note" and row["term_of_invoice_id"] is None:
        return "missing_value", "term_of_invoice_id: a term note names the invoice it is a term of"
    return None


def problem_of(table: BillingTable, given: Mapping[str, object], ordinal: int, code: str, message: str) -> RowProblem:
    """A refused row, with whom it concerns as far as it says so."""

    def whom(name: str) -> str | None:
        value = given.get(name)
        return str(value).strip() if value not in (None, "") else None

    return RowProblem(
        ordinal,
        table.name,
        code,
        message,
        company_id=whom("company_id"),
        customer_id=whom("customer_id"),
        invoice_id=whom("invoice_id"),
    )


def arrow_schema(table: BillingTable) -> pa.Schema:
    """The contract's columns, then `extra`, each row's number in its source, and whether it says its key is gone."""
    fields = [(column.name, ARROW_TYPES[column.kind]) for column in table.columns]
    return pa.schema([*fields, ("extra", pa.string()), ("ordinal", pa.int64()), ("is_deleted", pa.bool_())])


def arrow_rows(
    table: BillingTable, rows: Sequence[tuple[Value, ...]], ordinals: Sequence[int], deleted: Collection[int] = ()
) -> pa.Table:
    """Read rows as an Arrow table; `deleted` are the ordinals of those that say their key is gone."""
    schema = arrow_schema(table)
    flags = [ordinal in deleted for ordinal in ordinals]
    values = [*(zip(*rows, strict=True) if rows else [() for _ in range(len(schema) - 2)]), ordinals, flags]
    return pa.Table.from_arrays(
        [pa.array(column, type=field.type) for column, field in zip(values, schema, strict=True)], schema=schema
    )
