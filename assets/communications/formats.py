"""How money, dates, account numbers and addresses are written for a reader of a language.

Babel's own `format_currency` looks its locale up on every call; the locale, its patterns and each date are cached here, since a
run writes the same few dates a hundred thousand times.
"""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache

from babel import Locale
from babel.dates import format_date as babel_format_date
from babel.numbers import NumberPattern, parse_pattern

LANGUAGES = {"nl": "nl_NL", "en": "en_GB"}
NO_BREAK_SPACE = "\u00a0"
MINUS = "\u2212"
_TABLE_DATES = {"nl": "dd-MM-yyyy", "en": "dd MMM yyyy"}
_AMOUNT_PATTERN: NumberPattern = parse_pattern("#,##0.00")
# Directional and invisible formatting characters: they can make a name read as something else.
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u00ad]")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


@cache
def locale_of(language: str) -> Locale:
    """The Babel locale of a language we write in (`nl`, `en`)."""
    return Locale.parse(LANGUAGES[language])


@lru_cache(maxsize=65536)
def format_money(amount: Decimal, currency: str, language: str) -> str:
    """An amount with its currency: `€ 1.234,50` in Dutch, `€1,234.50` in English, without a place to break the line."""
    locale = locale_of(language)
    written: str = locale.currency_formats["standard"].apply(amount, locale, currency=currency)
    return written.replace(" ", NO_BREAK_SPACE).replace("-", MINUS)


@lru_cache(maxsize=65536)
def format_amount(amount: Decimal, language: str) -> str:
    """An amount for a column whose heading names the currency: `1.234,50` or `1,234.50`."""
    written: str = _AMOUNT_PATTERN.apply(amount, locale_of(language))
    return written.replace("-", MINUS)


@lru_cache(maxsize=8192)
def format_date_long(day: date, language: str) -> str:
    """A date in running text: `5 november 2026`, `5 November 2026`, without a place to break the line."""
    return babel_format_date(day, "d MMMM yyyy", locale=locale_of(language)).replace(" ", NO_BREAK_SPACE)


@lru_cache(maxsize=8192)
def format_date_short(day: date, language: str) -> str:
    """A date for a table: `05-11-2026`, and `05 Nov 2026` where day and month could be read the other way round."""
    return babel_format_date(day, _TABLE_DATES[language], locale=locale_of(language)).replace(" ", NO_BREAK_SPACE)


def compact(reference: str) -> str:
    """A reference without its decoration: upper case, only A-Z and 0-9."""
    return re.sub(r"[^A-Z0-9]", "", reference.upper())


def group_in_fours(text: str) -> str:
    """`NL91ABNA0417164300` as `NL91 ABNA 0417 1643 00`, in one unbroken run."""
    return NO_BREAK_SPACE.join(text[start : start + 4] for start in range(0, len(text), 4))


def is_valid_iban(iban: str) -> bool:
    """ISO 13616: country, two check digits, and the whole, first four moved to the end, equal to 1 modulo 97."""
    return re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", iban) is not None and _mod_97(iban[4:] + iban[:4]) == 1


def is_creditor_reference(reference: str) -> bool:
    """ISO 11649: `RF`, two check digits, 1 to 21 characters, 1 modulo 97 with the first four moved to the end."""
    return re.fullmatch(r"RF\d{2}[A-Z0-9]{1,21}", reference) is not None and _mod_97(reference[4:] + reference[:4]) == 1


def is_belgian_reference(reference: str) -> bool:
    """OGM/VCS: twelve digits, the last two the first ten modulo 97, written 97 when that is 0."""
    return re.fullmatch(r"\d{12}", reference) is not None and int(reference[10:]) == (int(reference[:10]) % 97 or 97)


def format_payment_reference(reference: str, creditor_country: str) -> str:
    """A structured reference as its readers know it: RF in fours, a Belgian one between plus signs, a Dutch one in fours.

    Twelve digits may be either a Belgian OGM or a Dutch betalingskenmerk, so the country of the creditor decides. Anything that
    is no known structure is printed as it came.
    """
    plain = compact(reference)
    if is_creditor_reference(plain):
        return group_in_fours(plain)
    if creditor_country == "BE" and is_belgian_reference(plain):
        return f"+++{plain[:3]}/{plain[3:7]}/{plain[7:]}+++"
    if creditor_country == "NL" and re.fullmatch(r"\d{7}|\d{9,14}|\d{16}", plain):
        return group_in_fours(plain)
    return reference


@lru_cache(maxsize=1024)
def country_name(country: str, language: str) -> str:
    """The name of an ISO 3166 country in a language; the code itself where Babel knows no name."""
    return str(locale_of(language).territories.get(country, country))


def clean(text: str) -> str:
    """Text from outside, made safe to print: composed (NFC), one line, no control or direction-changing characters."""
    return _BLANKS.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFC", text))).strip()


def _mod_97(characters: str) -> int:
    return int("".join(str(int(character, 36)) for character in characters)) % 97
