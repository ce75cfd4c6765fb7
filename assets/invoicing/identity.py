"""Whose document it is: parties of a document matched with our companies and customers by their numbers.

Numbers decide, in this order: VAT number, legal registration, electronic address (Peppol endpoint), and for a company
last the account it is paid on, for a customer its own number with us and last its exact name and country. One step that
fits narrows what the next may still choose from. Whoever's number is known to be another is out, whatever else fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from assets.invoicing.documents import Identifier, Party

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Z]")
_NOT_DIGIT = re.compile(r"[^0-9]")
_PREFIXED = re.compile(r"[A-Z]{2}[0-9A-Z]+")

# Electronic address schemes (EAS) whose value is a VAT number, by country.
VAT_SCHEMES = {
    "9906": "IT", "9910": "HU", "9914": "AT", "9920": "ES", "9925": "BE", "9926": "BG", "9928": "CY", "9929": "CZ",
    "9930": "DE", "9931": "EE", "9932": "GB", "9933": "EL", "9934": "HR", "9935": "IE", "9937": "LT", "9938": "LU",
    "9939": "LV", "9943": "MT", "9944": "NL", "9945": "PL", "9946": "PT", "9947": "RO", "9949": "SI", "9950": "SK",
    "9955": "SE", "9957": "FR", "0211": "IT", "0223": "FR",
}  # fmt: skip

# Schemes (ISO 6523) whose value is a number in a trade or enterprise register, by country.
REGISTER_SCHEMES = {
    "0106": "NL", "0190": "NL", "0208": "BE", "9956": "BE", "0002": "FR", "0009": "FR", "0225": "FR", "0007": "SE",
    "0037": "FI", "0212": "FI", "0216": "FI", "0096": "DK", "0184": "DK", "0192": "NO", "0183": "CH", "0204": "DE",
}  # fmt: skip

# A Dutch government identification number (OIN, scheme 0190) of this kind holds a Chamber of Commerce number.
_OIN_OF_KVK = "00000003"


@dataclass(frozen=True, slots=True)
class Known:
    """A company or customer of ours, as the billing extract describes it. `identity` is its own id."""

    identity: str
    name: str
    country: str
    vat_number: str = ""
    registration_number: str = ""
    postal_code: str = ""
    accounts: frozenset[str] = frozenset()
    terms_days: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Who a party turned out to be: one, or none, or several that nothing tells apart."""

    found: tuple[Known, ...] = ()

    @property
    def only(self) -> Known | None:
        return self.found[0] if len(self.found) == 1 else None


def vat_key(value: str, country: str = "") -> str:
    """A VAT number without dots and spaces and with its country before it; empty for no number."""
    text = _NOT_ALPHANUMERIC.sub("", value.upper())
    if not text:
        return ""
    if not _PREFIXED.fullmatch(text):
        text = f"{country.upper()}{text}"
    if text.startswith("GR"):
        text = f"EL{text[2:]}"
    return f"BE{text[2:].zfill(10)}" if text.startswith("BE") else text


def registration_keys(value: str, country: str) -> frozenset[tuple[str, str]]:
    """A registration number as (country, number), in each way the register itself is known to write it."""
    text = _NOT_ALPHANUMERIC.sub("", value.upper())
    if not text:
        return frozenset()
    country = country.upper()
    numbers = {text}
    digits = text.removeprefix(country) if country else text
    if country == "BE" and digits.isdigit():
        numbers = {digits.zfill(10)}
    elif country == "FR" and digits.isdigit() and len(digits) == 14:
        numbers = {digits[:9]}  # an establishment (SIRET) of a company (SIREN)
    elif country == "NL" and len(text) == 20 and text.startswith(_OIN_OF_KVK):
        numbers = {text, text[8:16]}
    return frozenset((country, number) for number in numbers)


def _registrations_of_vat(key: str) -> frozenset[tuple[str, str]]:
    """Where a VAT number is made of the register's own number."""
    if key.startswith("BE"):
        return registration_keys(key[2:], "BE")
    if key.startswith("FR") and len(key) == 13:
        return registration_keys(key[4:], "FR")
    return frozenset()


def _vats_of(identifier: Identifier, country: str) -> frozenset[str]:
    scheme_country = VAT_SCHEMES.get(identifier.scheme)
    if scheme_country:
        return frozenset({vat_key(identifier.value, scheme_country)})
    plain = not identifier.scheme and _PREFIXED.fullmatch(_NOT_ALPHANUMERIC.sub("", identifier.value.upper()))
    return frozenset({vat_key(identifier.value, country)}) if plain else frozenset()


def _registrations_of(identifier: Identifier, country: str, *, needs_scheme: bool) -> frozenset[tuple[str, str]]:
    scheme_country = REGISTER_SCHEMES.get(identifier.scheme)
    if scheme_country:
        return registration_keys(identifier.value, scheme_country)
    if needs_scheme or identifier.scheme in VAT_SCHEMES:
        return frozenset()
    return registration_keys(identifier.value, country)


def contradicts(party: Party, known: Known) -> bool:
    """Whether both sides state a number of the same kind, and it is not the same one."""
    if party.vat_number and known.vat_number:
        stated = vat_key(party.vat_number, party.country)
        if stated != vat_key(known.vat_number, known.country):
            return True
    if party.legal_id and known.registration_number and party.legal_id.scheme in REGISTER_SCHEMES:
        stated_numbers = registration_keys(party.legal_id.value, REGISTER_SCHEMES[party.legal_id.scheme])
        known_numbers = registration_keys(known.registration_number, known.country)
        # Only numbers of one register can contradict each other, and only when both are plain numbers.
        comparable = {country for country, _ in stated_numbers} == {country for country, _ in known_numbers}
        plain = all(number.isdigit() for _, number in stated_numbers | known_numbers)
        if comparable and plain and not stated_numbers & known_numbers:
            return True
    return False


def company_of(party: Party, accounts: Sequence[str], companies: Iterable[Known]) -> Match:
    """Which of our companies a seller (or buyer) is; `accounts` are those the document is to be paid on."""
    return _narrowed(
        party,
        companies,
        [*_number_steps(party), lambda known: bool(known.accounts & set(accounts))],
    )


def customer_of(party: Party, customers: Iterable[Known]) -> Match:
    """Which customer a buyer is, among the customers of the company that sold."""
    own_numbers = {identifier.value for identifier in party.identifiers}
    return _narrowed(
        party,
        customers,
        [*_number_steps(party), lambda known: known.identity in own_numbers, lambda known: _same_name(party, known)],
    )


def _number_steps(party: Party) -> list[Callable[[Known], bool]]:
    vats = frozenset({vat_key(party.vat_number, party.country)}) if party.vat_number else frozenset()
    legal = party.legal_id
    legal_vats = _vats_of(legal, party.country) if legal else frozenset()
    legal_numbers = _registrations_of(legal, party.country, needs_scheme=False) if legal else frozenset()
    addresses = [each for each in (party.endpoint, *party.identifiers) if each is not None]
    far_vats = frozenset(key for each in addresses if each.scheme for key in _vats_of(each, party.country))
    far_numbers = frozenset(
        key for each in addresses for key in _registrations_of(each, party.country, needs_scheme=True)
    )
    return [
        lambda known: _has(known, vats, frozenset()),
        lambda known: _has(known, legal_vats, legal_numbers),
        lambda known: _has(known, far_vats, far_numbers),
    ]


def _has(known: Known, vats: frozenset[str], numbers: frozenset[tuple[str, str]]) -> bool:
    own_vat = vat_key(known.vat_number, known.country)
    if own_vat and own_vat in vats:
        return True
    own = registration_keys(known.registration_number, known.country) | _registrations_of_vat(own_vat)
    wanted = numbers | frozenset(number for vat in vats for number in _registrations_of_vat(vat))
    if own & wanted:
        return True
    # A number that names no country of its own is one of any.
    return bool({number for _, number in own} & {number for country, number in wanted if not country})


def _same_name(party: Party, known: Known) -> bool:
    """Exactly its name and country; where both know the postal code, that too: two people may bear one name."""
    names = {_folded(name) for name in (party.name, party.trading_name) if name}
    if _folded(known.name) not in names or (party.country and party.country != known.country.upper()):
        return False
    here, there = _NOT_ALPHANUMERIC.sub("", party.postal_code.upper()), known.postal_code.upper()
    there = _NOT_ALPHANUMERIC.sub("", there)
    return not here or not there or here == there


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _narrowed(party: Party, known: Iterable[Known], steps: Sequence[Callable[[Known], bool]]) -> Match:
    possible = [each for each in known if not contradicts(party, each)]
    chosen: list[Known] = []
    for step in steps:
        fitting = [each for each in (chosen or possible) if step(each)]
        if fitting:
            chosen = fitting
        if len(chosen) == 1:
            break
    return Match(tuple(chosen))


@dataclass(frozen=True, slots=True)
class LookUp:
    """Loose keys by which a party may be found in a large table; `company_of` and `customer_of` then judge exactly."""

    digits: frozenset[str]
    names: frozenset[str]
    identities: frozenset[str]


def look_up(party: Party) -> LookUp:
    """What to search a table for, so that everybody `customer_of` could choose is among what is found."""
    stated = [party.vat_number, *(each.value for each in (party.legal_id, party.endpoint, *party.identifiers) if each)]
    digits: set[str] = set()
    for value in stated:
        number = loose_digits(value)
        # The parts that one number may hold of another: SIREN in SIRET, SIREN in a French VAT number, KvK in OIN.
        digits.update({number, loose_digits(number[:9]), loose_digits(number[2:]), loose_digits(_kvk(value))})
    return LookUp(
        frozenset(digits - {""}),
        frozenset(" ".join(name.split()).lower() for name in (party.name, party.trading_name) if name),
        frozenset(each.value for each in party.identifiers),
    )


def _kvk(value: str) -> str:
    text = _NOT_ALPHANUMERIC.sub("", value.upper())
    return text[8:16] if len(text) == 20 and text.startswith(_OIN_OF_KVK) else ""


def loose_digits(value: str) -> str:
    """The digits of a number without the zeros before them: what every way of writing it has in common."""
    return _NOT_DIGIT.sub("", value).lstrip("0")
