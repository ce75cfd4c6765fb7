"""Amounts, dates, accounts and texts as banks write them. Everything doubtful is refused, nothing is guessed."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from functools import lru_cache

from assets.banking.statements import UnreadableStatement

# DECIMAL(18,2) has sixteen places before the point. ASCII digits only: \d would let other scripts through.
_DOT_AMOUNT = re.compile(r"([0-9]{1,16})(?:\.([0-9]{0,10}))?", re.ASCII)
_COMMA_AMOUNT = re.compile(r"([0-9]{1,16}),([0-9]{0,10})", re.ASCII)
_ISO_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2}|T[0-9:.,]{2,20}(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_SIX_DIGITS = re.compile(r"[0-9]{6}")
_UPPER = bytes(range(256)).upper()
_PUNCTUATION = bytes(code for code in range(128) if not chr(code).isalnum())
_ABSENT_IDS = frozenset({"", "NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOREF"})
IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


# What two digits can say (`_century`); a bank that writes four means no other years either.
_FIRST_YEAR, _LAST_YEAR = 1980, 2079
CURRENCY = re.compile(r"[A-Z]{3}")


def is_digits(text: str) -> bool:
    """Whether a text is one or more of 0-9; `str.isdigit` also accepts superscripts and other scripts."""
    return text.isascii() and text.isdigit()


def _two_decimals(whole: str, fraction: str, written: str) -> Decimal:
    if len(fraction) > 2:
        if fraction[2:].strip("0"):
            raise UnreadableStatement("too_many_decimals", f"amount {written!r} has more than two decimals")
        fraction = fraction[:2]
    return Decimal(f"{whole}.{fraction:0<2}")


@lru_cache(maxsize=8192)
def dot_amount(text: str) -> Decimal:
    """An unsigned amount with a decimal point, as in ISO 20022.

    Raises UnreadableStatement (invalid_amount, too_many_decimals) for a sign, a comma, an exponent, NaN, infinity, and
    for anything beyond cents that is not zero.
    """
    match = _DOT_AMOUNT.fullmatch(text)
    if match is None:
        raise UnreadableStatement("invalid_amount", f"{text[:40]!r} is not an amount: digits with a point expected")
    return _two_decimals(match[1], match[2] or "", text)


def comma_amount(text: str) -> Decimal:
    """An unsigned amount with a decimal comma, as in SWIFT MT (the comma is mandatory, decimals are not)."""
    whole, _, cents = text.partition(",")
    if len(cents) == 2 and len(whole) <= 16 and whole.isdigit() and cents.isdigit() and text.isascii():
        return Decimal(f"{whole}.{cents}")  # as nearly all are written
    match = _COMMA_AMOUNT.fullmatch(text)
    if match is None:
        raise UnreadableStatement("invalid_amount", f"{text[:40]!r} is not an amount: digits with a comma expected")
    return _two_decimals(match[1], match[2], text)


def thousandths_amount(text: str) -> Decimal:
    """An unsigned amount of CODA: fifteen digits, the last three decimals (Febelfin coded statement, amount fields)."""
    if len(text) != 15 or not is_digits(text):
        raise UnreadableStatement("invalid_amount", f"{text!r} is not an amount: fifteen digits expected")
    if text[14] == "0":
        return Decimal(f"{text[:12]}.{text[12:14]}")
    return _two_decimals(str(int(text[:12])), text[12:], text)


@lru_cache(maxsize=4096)
def iso_date(text: str) -> date:
    """The date of an ISO date or date-time, as printed: a bank's date is its own, never moved to another time zone."""
    match = _ISO_DATE.fullmatch(text)
    try:
        if match is not None and _FIRST_YEAR <= int(match[1][:4]) <= _LAST_YEAR:
            return date.fromisoformat(match[1])
    except ValueError:
        pass  # impossible day such as 30 February: refused below with the others, and with years nobody can mean
    raise UnreadableStatement("invalid_date", f"{text[:40]!r} is not a date")


def _century(two_digits: int) -> int:
    # Statements of the last century are older than any claim, so 80..99 can only be 19xx.
    return (1900 if two_digits >= _FIRST_YEAR % 100 else 2000) + two_digits


def _date_of(year: int, month: int, day: int, text: str) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise UnreadableStatement("invalid_date", f"{text!r} is not a date") from None


@lru_cache(maxsize=4096)
def yymmdd(text: str) -> date:
    """A SWIFT date."""
    if _SIX_DIGITS.fullmatch(text) is None:
        raise UnreadableStatement("invalid_date", f"{text!r} is not a date: YYMMDD expected")
    return _date_of(_century(int(text[:2])), int(text[2:4]), int(text[4:]), text)


@lru_cache(maxsize=4096)
def yymmdd_value(text: str) -> date:
    """A SWIFT value date. 29 and 30 February stand for the last day: German banks count interest in months of 30 days."""
    if text[2:] in ("0229", "0230") and _SIX_DIGITS.fullmatch(text):
        year = _century(int(text[:2]))
        return date.fromordinal(date(year, 3, 1).toordinal() - 1)
    return yymmdd(text)


@lru_cache(maxsize=4096)
def yymmdd_balance(text: str) -> date:
    """A SWIFT balance date. The 31st of a month of thirty days is its last, as banks print it that close every month on the
    31st; February as for a value date. The amount is proven by the control total, whatever the day is called."""
    if text[2:] in ("0431", "0631", "0931", "1131"):
        return yymmdd(f"{text[:4]}30")
    return yymmdd_value(text)


@lru_cache(maxsize=4096)
def ddmmyy(text: str) -> date | None:
    """A CODA date; 000000 means not known."""
    if text == "000000":
        return None
    if _SIX_DIGITS.fullmatch(text) is None:
        raise UnreadableStatement("invalid_date", f"{text!r} is not a date: DDMMYY expected")
    return _date_of(_century(int(text[4:])), int(text[2:4]), int(text[:2]), text)


@lru_cache(maxsize=4096)
def mmdd_near(text: str, near: date) -> date:
    """The date with this month and day that lies closest to `near` (SWIFT entry dates carry no year)."""
    if len(text) != 4 or not is_digits(text):
        raise UnreadableStatement("invalid_date", f"{text!r} is not a date: MMDD expected")
    candidates = []
    for year in (near.year - 1, near.year, near.year + 1):
        try:
            candidates.append(date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue  # 29 February exists in some of these years only
    if not candidates:
        raise UnreadableStatement("invalid_date", f"{text!r} is not a date: MMDD expected")
    return min(candidates, key=lambda candidate: abs(candidate - near))


def normalise(text: str | None) -> str:
    """Upper case letters and digits only: what is left when wraps, spacing and punctuation do not count."""
    if not text:
        return ""
    if text.isascii():
        return text.encode("ascii").translate(_UPPER, _PUNCTUATION).decode("ascii")
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).upper()))


def one_line(text: str | None) -> str | None:
    """White space runs made one space, ends trimmed; None when nothing is left."""
    if text is None:
        return None
    return " ".join(text.split()) or None


def identifier(text: object) -> str | None:
    """An id that parties gave, or None for what means there is none (NOTPROVIDED, NONREF, only zeros)."""
    if not isinstance(text, str):
        return None
    trimmed = " ".join(text.split())
    return None if trimmed.upper() in _ABSENT_IDS or not trimmed.strip("0") else trimmed


def account_number(text: str | None) -> str | None:
    """An IBAN or domestic number in upper case without spaces and punctuation; None when empty or all zeros."""
    number = normalise(text)
    return number if number.strip("0") else None


def is_same_account(written: str | None, iban: str) -> bool:
    """Whether an account as a bank wrote it, in full or as a domestic number of up to ten digits, is that of an IBAN."""
    if written is None or written == iban:
        return written == iban
    return len(written) <= 10 and is_digits(written) and iban.endswith(f"{written:0>10}")


def belgian_iban(bban: str) -> str | None:
    """The IBAN of a Belgian twelve-digit account number, None if its check digits (mod 97) are wrong."""
    if len(bban) != 12 or not is_digits(bban):
        return None
    if int(bban[10:]) != (int(bban[:10]) % 97 or 97):
        return None
    check = 98 - int(f"{bban}111400") % 97  # B=11, E=14
    return f"BE{check:02d}{bban}"


def dutch_iban(bank: str, number: str) -> str:
    """The IBAN of a Dutch account: the bank's four letters and the account number (up to 10 digits), check digits by ISO 7064."""
    letters = "".join(str(int(letter, 36)) for letter in bank)  # A=10 ... Z=35
    check = 98 - int(f"{letters}{number:0>10}232100") % 97  # N=23, L=21
    return f"NL{check:02d}{bank}{number:0>10}"


def german_iban(bank: str, number: str) -> str:
    """The IBAN of a German account: Bankleitzahl (8 digits) and account number (up to 10), check digits by ISO 7064."""
    bban = f"{bank}{number:0>10}"
    check = 98 - int(f"{bban}131400") % 97  # D=13, E=14
    return f"DE{check:02d}{bban}"


def has_iban_check_digits(iban: str) -> bool:
    """Whether an IBAN in upper case without spaces has the right check digits (ISO 7064, mod 97)."""
    if IBAN.fullmatch(iban) is None:
        return False
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1
