"""Watermarks of a delta extract: up to where a table was read, and from where it is read next.

The next extract asks for rows at or after the last mark less an overlap: a transaction that began before the last extract
and was committed after it carries an older moment than what was already seen. A row without a mark is asked for each time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import NoneType
from typing import Any

from assets.problem import DataProblem

# Texts that sort as the moments they name: one shape, no offset or Z.
MOMENT_TEXT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:([ T])(\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}(?::?\d{2})?)?)?", re.ASCII
)

# A mark further ahead than any time zone explains is somebody's typing error: it must not hide what comes before it.
AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Overlap:
    """How far before the last mark the next extract begins: for moments and days, and for whole numbers."""

    minutes: int = 60
    numbers: int = 10_000


@dataclass(frozen=True, slots=True)
class Mark:
    """The highest value of a watermark column that was seen.

    `kind` is moment (without a zone), zoned, day, number, text or binary; only marks of one kind can be compared.
    """

    kind: str
    value: Any

    def as_json(self) -> list[str]:
        if isinstance(self.value, date):
            return [self.kind, self.value.isoformat()]
        return [self.kind, self.value.hex() if isinstance(self.value, bytes) else str(self.value)]

    @classmethod
    def from_json(cls, given: Sequence[str]) -> "Mark":
        kind, text = given
        readers: dict[str, Any] = {
            "moment": datetime.fromisoformat,
            "zoned": datetime.fromisoformat,
            "day": date.fromisoformat,
            "number": int,
            "text": str,
            "binary": bytes.fromhex,
        }
        return cls(kind, readers[kind](text))

    def less(self, overlap: Overlap) -> Any:
        """The value from which on the next extract asks. Texts that are no moments, and binary, know no overlap."""
        minutes = timedelta(minutes=overlap.minutes)
        if self.kind in ("moment", "zoned"):
            return _earlier(self.value, minutes)
        if self.kind == "day":
            # A day is over only when it is over: the last one is always asked for again, and so is what overlaps it.
            return _earlier(datetime(self.value.year, self.value.month, self.value.day), minutes).date()  # noqa: DTZ001
        if self.kind == "number":
            return self.value - overlap.numbers
        if self.kind == "text" and (match := MOMENT_TEXT.fullmatch(self.value)) is not None:
            return _earlier_text(match, minutes)
        return self.value


def _earlier(moment: datetime, minutes: timedelta) -> datetime:
    try:
        return moment - minutes
    except OverflowError:
        return moment


def _earlier_text(match: re.Match[str], minutes: timedelta) -> str:
    """The text less the overlap, in the same shape, so that it sorts among its like."""
    day, separator, time, _, _ = match.groups()
    earlier = _earlier(datetime.fromisoformat(f"{day} {time or '00:00:00'}"), minutes)
    # Without fractions it sorts before every fraction of that second.
    return earlier.strftime(f"%Y-%m-%d{separator}%H:%M:%S").zfill(19) if time else earlier.date().isoformat()


def highest(values: Sequence[object], column: str, now: datetime) -> Mark | None:
    """The highest mark among the values of a column; None when there is none.

    Values that lie more than a day after `now` are passed over. Raises DataProblem for values that do not sort.
    """
    kinds = {type(value) for value in values} - {NoneType}
    if not kinds:
        return None
    marks = [value for value in values if value is not None]
    if kinds == {datetime}:
        return _highest_moment(marks, column, now)
    if kinds == {date}:
        latest = (now + AHEAD).date()
        days = [day for day in marks if isinstance(day, date) and day <= latest]
        return Mark("day", max(days)) if days else None
    if kinds <= {int, Decimal}:
        if any(isinstance(number, Decimal) and number != number.to_integral_value() for number in marks):
            raise _does_not_sort(column, "it holds numbers with decimals", "use a whole number or a moment")
        return Mark("number", int(max(marks)))  # type: ignore[type-var, call-overload]
    if kinds == {str}:
        return _highest_text([str(text) for text in marks], column, now)
    if kinds <= {bytes, bytearray, memoryview}:
        return Mark("binary", max(bytes(piece) for piece in marks))  # type: ignore[call-overload]
    words = " and ".join(sorted(kind.__name__ for kind in kinds))
    raise _does_not_sort(column, f"it holds values of type {words}", "cast it to one type in the query")


def _highest_moment(marks: Sequence[object], column: str, now: datetime) -> Mark | None:
    moments = [moment for moment in marks if isinstance(moment, datetime)]
    if all(moment.tzinfo is not None for moment in moments):
        zoned = [moment for moment in moments if moment <= now + AHEAD]
        return Mark("zoned", max(zoned).astimezone(UTC)) if zoned else None
    if any(moment.tzinfo is not None for moment in moments):
        raise _does_not_sort(column, "some moments have a time zone and some have none", "cast it to one type")
    latest = (now.astimezone(UTC) + AHEAD).replace(tzinfo=None)
    bare = [moment for moment in moments if moment <= latest]
    return Mark("moment", max(bare)) if bare else None


def _highest_text(marks: list[str], column: str, now: datetime) -> Mark | None:
    matches = [MOMENT_TEXT.fullmatch(text) for text in marks]
    if all(matches):
        shapes = {(match[2], match[3] is None, match[5]) for match in matches if match}
        if len(shapes) > 1 or next(iter(shapes))[2] not in (None, "Z"):
            raise _does_not_sort(
                column,
                "moments written as texts in several shapes or with an offset",
                "cast it to a timestamp, or to UTC",
            )
        latest = (now.astimezone(UTC) + AHEAD).isoformat(sep=next(iter(shapes))[0] or "T")
        marks = [text for text in marks if text <= latest]
    elif len({len(text) for text in marks if text.isdecimal()}) > 1:
        raise _does_not_sort(column, "whole numbers written as texts of several lengths", "cast it to a number")
    return Mark("text", max(marks)) if marks else None


def higher(known: Mark | None, seen: Mark | None, column: str) -> Mark | None:
    """The higher of two marks; a mark never goes back. Raises DataProblem when the column changed its type."""
    if known is None or seen is None:
        return seen or known
    if known.kind != seen.kind:
        raise _does_not_sort(
            column,
            f"it holds {seen.kind} values, and held {known.kind} values",
            "if the column was changed on purpose, run once with TIJDIG_BILLING_MODE=full",
        )
    return max(known, seen, key=lambda mark: mark.value)


def _does_not_sort(column: str, why: str, remedy: str) -> DataProblem:
    return DataProblem(
        f"{column} cannot serve as a watermark: {why}", where=f"[billing.watermarks] {column}", remedy=remedy
    )
