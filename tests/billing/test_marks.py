"""Watermarks: which values can serve as one, how far back the next extract asks, and what never moves one."""

# ruff: noqa: DTZ001 - moments as an ERP keeps them, without a zone
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from assets.billing.marks import Mark, Overlap, higher, highest
from assets.problem import DataProblem

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOON = datetime(2026, 3, 1, 12, 0)
AMSTERDAM = timezone(timedelta(hours=1))
HOUR = Overlap(minutes=60, numbers=10)


@pytest.mark.parametrize(
    ("values", "mark", "asked_from"),
    [
        ((NOON, None, NOON - timedelta(1)), Mark("moment", NOON), NOON - timedelta(hours=1)),
        (
            (NOON.replace(tzinfo=AMSTERDAM), NOON.replace(tzinfo=UTC)),
            Mark("zoned", NOON.replace(tzinfo=UTC)),
            datetime(2026, 3, 1, 11, 0, tzinfo=UTC),
        ),
        ((date(2026, 3, 1), date(2026, 2, 1)), Mark("day", date(2026, 3, 1)), date(2026, 2, 28)),
        ((7, 12, Decimal(9)), Mark("number", 12), 2),
        (("2026-03-01 12:00:00", "2026-03-01 11:59:59.5"), Mark("text", "2026-03-01 12:00:00"), "2026-03-01 11:00:00"),
        (("2026-03-01T00:30:00Z",), Mark("text", "2026-03-01T00:30:00Z"), "2026-02-28T23:30:00"),
        (("2026-03-01", "2026-02-27"), Mark("text", "2026-03-01"), "2026-02-28"),
        (("0000A1", "0000B0"), Mark("text", "0000B0"), "0000B0"),
        ((b"\x00\x10", b"\x00\x0f"), Mark("binary", b"\x00\x10"), b"\x00\x10"),
        ((None, None), None, None),
    ],
)
def test_the_highest_value_is_the_mark_and_the_next_extract_begins_before_it(
    values: tuple[object, ...], mark: Mark | None, asked_from: object
) -> None:
    found = highest(values, "invoices.changed_at", NOW)
    assert found == mark
    if found is not None:
        assert found.less(HOUR) == asked_from
        assert Mark.from_json(found.as_json()) == found


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ((1.5,), "values of type float"),
        ((True,), "values of type bool"),
        ((1, "2"), "values of type int and str"),
        ((Decimal("1.5"),), "numbers with decimals"),
        ((NOON, NOON.replace(tzinfo=UTC)), "some moments have a time zone and some have none"),
        (("2026-03-01T12:00:00+01:00",), "with an offset"),
        (("2026-03-01 12:00:00", "2026-03-01T13:00:00"), "several shapes"),
        (("9", "10"), "several lengths"),
    ],
)
def test_what_does_not_sort_as_it_happened_is_no_watermark(values: tuple[object, ...], says: str) -> None:
    with pytest.raises(DataProblem, match=says) as refusal:
        highest(values, "invoices.changed_at", NOW)
    assert refusal.value.where == "[billing.watermarks] invoices.changed_at"


@pytest.mark.parametrize(
    ("last", "too_far"),
    [
        (datetime(2026, 3, 3, 9, 0), datetime(2026, 3, 3, 9, 0, 1)),
        (datetime(2026, 3, 3, 9, 0, tzinfo=UTC), datetime(2026, 3, 3, 9, 0, 1, tzinfo=UTC)),
        (date(2026, 3, 3), date(2026, 3, 4)),
        ("2026-03-03 09:00:00", "2026-03-03 09:00:01"),
    ],
)
def test_a_mark_more_than_a_day_ahead_hides_nothing(last: object, too_far: object) -> None:
    """Somebody typed 2062: the next extract must not ask for 2062 and later."""
    found = highest((last, too_far), "invoices.changed_at", NOW)
    assert found is not None
    assert found.value == last
    assert highest((too_far,), "invoices.changed_at", NOW) is None


def test_a_mark_never_goes_back_and_never_changes_its_kind() -> None:
    old, new = Mark("number", 5), Mark("number", 7)
    assert higher(old, new, "x") == higher(new, old, "x") == higher(None, new, "x") == higher(new, None, "x") == new
    assert higher(None, None, "x") is None
    with pytest.raises(DataProblem, match="it holds day values, and held number values"):
        higher(old, Mark("day", date(2026, 1, 1)), "x")


def test_the_first_moments_of_the_calendar_have_none_before_them() -> None:
    assert Mark("moment", datetime(1, 1, 1)).less(HOUR) == datetime(1, 1, 1)
    assert Mark("text", "0001-01-01 00:00:00").less(HOUR) == "0001-01-01 00:00:00"
