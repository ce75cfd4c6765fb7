"""The days on which European banks book: the TARGET calendar, from its rule and without a table that runs out."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

ONE_DAY = timedelta(days=1)


def easter_sunday(year: int) -> date:
    """Western Easter Sunday by the anonymous Gregorian computus (Meeus, Astronomical Algorithms, chapter 8)."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    correction = (century + 8) // 25
    shift = (century - correction + 1) // 3
    epact = (19 * golden + century - leap_centuries - shift + 15) % 30
    quarter, quarter_rest = divmod(of_century, 4)
    weekday = (32 + 2 * century_rest + 2 * quarter - epact - quarter_rest) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=64)
def target_holidays(year: int) -> frozenset[date]:
    """TARGET closing days besides weekends; a closing day on a weekend is not moved to another day."""
    easter = easter_sunday(year)
    return frozenset(
        {
            date(year, 1, 1),
            easter - 2 * ONE_DAY,
            easter + ONE_DAY,
            date(year, 5, 1),
            date(year, 12, 25),
            date(year, 12, 26),
        }
    )


def is_bank_day(day: date) -> bool:
    return day.weekday() < 5 and day not in target_holidays(day.year)


def on_or_after(day: date) -> date:
    """The first bank day that is not before `day`."""
    while not is_bank_day(day):
        day += ONE_DAY
    return day


def on_or_before(day: date) -> date:
    """The last bank day that is not after `day`."""
    while not is_bank_day(day):
        day -= ONE_DAY
    return day


def bank_days_later(day: date, count: int) -> date:
    """`count` bank days after `day` (before it when negative), counted as banks count settlement."""
    step = ONE_DAY if count >= 0 else -ONE_DAY
    for _ in range(abs(count)):
        day += step
        while not is_bank_day(day):
            day += step
    return day


def bank_days_between(first: date, last: date) -> Iterator[date]:
    """Every bank day from `first` up to and including `last`."""
    day = on_or_after(first)
    while day <= last:
        yield day
        day = on_or_after(day + ONE_DAY)


def demonstration_days(until: date) -> tuple[date, date, date]:
    """The last three bank days up to and including `until`: the days a demonstration runs."""
    third = on_or_before(until)
    return bank_days_later(third, -2), bank_days_later(third, -1), third
