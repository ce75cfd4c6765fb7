"""Structured payment references and their check digits.

RF: ISO 11649 creditor reference. OGM: Belgian structured communication, twelve digits (OGM/VCS). CUR: Dutch
betalingskenmerk, 7, 9 to 14 or 16 digits (Betaalvereniging Nederland). Written out here and not taken from a library because
every entry is tried for them; the tests compare them with one.
"""

from __future__ import annotations

import re

from assets.banking.values import is_digits

_RF = re.compile(r"RF[0-9]{2}[0-9A-Z]{1,21}")
_WEIGHTS = (2, 4, 8, 5, 10, 9, 7, 3, 6, 1)
# The length digit of a betalingskenmerk of 9 to 14 digits says how many digits follow it.
_LENGTH_DIGIT = {7: "7", 8: "8", 9: "9", 10: "0", 11: "1", 12: "2"}
_LETTER_VALUES = {ord(letter): str(value) for value, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", start=10)}
_ISSUERS = {"BBA": "OGM", "ISO": "RF", "CUR": "CUR"}


def is_rf(reference: str) -> bool:
    """Whether a reference in upper case letters and digits is a valid ISO 11649 creditor reference (mod 97)."""
    if _RF.fullmatch(reference) is None:
        return False
    # The letters count as 10 to 35, and the first four characters go behind the rest (ISO 7064 mod 97-10).
    return int((reference[4:] + reference[:4]).translate(_LETTER_VALUES)) % 97 == 1


def is_ogm(reference: str) -> bool:
    """Whether twelve digits are a valid Belgian structured communication: the last two are the first ten mod 97, 97 for 0."""
    if len(reference) != 12 or not is_digits(reference) or not reference.strip("0"):
        return False
    return (int(reference[:10]) % 97 or 97) == int(reference[10:])


def kenmerk_check_digit(digits: str) -> str:
    """The check digit in front of a betalingskenmerk: weights from the right, 11 minus the sum mod 11, 10 -> 1, 11 -> 0."""
    total = sum(int(digit) * _WEIGHTS[place % 10] for place, digit in enumerate(reversed(digits)))
    return {10: "1", 11: "0"}.get(check := 11 - total % 11, str(check))


def is_betalingskenmerk(reference: str) -> bool:
    """Whether digits are a valid betalingskenmerk. Seven digits carry no check and always pass; only zeros never do."""
    if not is_digits(reference) or not reference.strip("0"):
        return False
    if len(reference) == 7:
        return True
    if len(reference) == 16:
        return kenmerk_check_digit(reference[1:]) == reference[0]
    if 9 <= len(reference) <= 14:
        return _LENGTH_DIGIT[len(reference) - 2] == reference[1] and kenmerk_check_digit(reference[1:]) == reference[0]
    return False


def is_valid(kind: str, reference: str) -> bool:
    """The check-digit result of a reference of a known kind."""
    return {"RF": is_rf, "OGM": is_ogm, "CUR": is_betalingskenmerk}[kind](reference)


def reference_of_kind(issuer: str | None, reference: str) -> str | None:
    """RF, OGM or CUR: by its issuer (ISO 20022 `CdtrRefInf/Tp/Issr`), else by a shape whose check digits hold; or None."""
    kind = _ISSUERS.get((issuer or "").strip().upper())
    return kind or kind_by_shape(reference)


def kind_by_shape(reference: str) -> str | None:
    """The kind whose check digits hold; a sixteen-digit number is the only betalingskenmerk known by its looks."""
    if is_rf(reference):
        return "RF"
    if is_ogm(reference):
        return "OGM"
    if len(reference) == 16 and is_betalingskenmerk(reference):
        return "CUR"
    return None
