"""Numbers that banks, tax offices and readers check: made valid here, so that a reader's refusal is a real finding."""

import random
import string

ALPHABET_VALUES = {character: str(index) for index, character in enumerate(string.digits + string.ascii_uppercase)}

# Bank code in the IBAN and the BIC that belongs to it.
DUTCH_BANKS = (
    ("ABNA", "ABNANL2A"),
    ("INGB", "INGBNL2A"),
    ("RABO", "RABONL2U"),
    ("TRIO", "TRIONL2U"),
    ("KNAB", "KNABNL2H"),
    ("BUNQ", "BUNQNL2A"),
)
BELGIAN_BANKS = (
    ("001", "GEBABEBB"),
    ("310", "BBRUBEBB"),
    ("363", "BBRUBEBB"),
    ("734", "KREDBEBB"),
    ("068", "GKCCBEBB"),
    ("979", "ARSPBE22"),
)


def as_number(text: str) -> int:
    """The number of ISO 7064: digits stay, A is 10 and Z is 35."""
    return int("".join(ALPHABET_VALUES[character] for character in text.upper()))


def iban(country: str, account: str) -> str:
    """The IBAN of a domestic account number (ISO 13616)."""
    return f"{country}{98 - as_number(f'{account}{country}00') % 97:02d}{account}"


def dutch_iban(rng: random.Random) -> tuple[str, str]:
    """A Dutch IBAN and its BIC. Account numbers pass the eleven test, as those of every bank but ING do."""
    bank, bic = rng.choice(DUTCH_BANKS)
    while True:
        nine = [0, *(rng.randrange(10) for _ in range(8))]
        last = -sum(weight * digit for weight, digit in zip(range(10, 1, -1), nine, strict=True)) % 11
        if last < 10 and any(nine):
            return iban("NL", bank + "".join(map(str, nine)) + str(last)), bic


def belgian_iban(rng: random.Random) -> tuple[str, str]:
    """A Belgian IBAN and its BIC; the last two digits of a domestic number are its first ten modulo 97, or 97."""
    bank, bic = rng.choice(BELGIAN_BANKS)
    body = f"{bank}{rng.randrange(10_000_000):07d}"
    return iban("BE", f"{body}{int(body) % 97 or 97:02d}"), bic


def creditor_reference(body: str) -> str:
    """An ISO 11649 reference (RF) over letters and digits, at most 21 of them."""
    return f"RF{98 - as_number(f'{body}RF00') % 97:02d}{body}"


def structured_communication(body: int) -> str:
    """A Belgian structured communication (OGM/VCS) as invoices print it: `+++DDD/DDDD/DDDDD+++`."""
    digits = f"{body:010d}{body % 97 or 97:02d}"
    return f"+++{digits[:3]}/{digits[3:7]}/{digits[7:]}+++"


def creditor_identifier(country: str, national: str) -> str:
    """A SEPA creditor identifier; its business code (ZZZ) is no part of the check."""
    return f"{country}{98 - as_number(f'{national}{country}00') % 97:02d}ZZZ{national}"


def dutch_vat_number(rng: random.Random, *, is_natural_person: bool) -> str:
    """A Dutch VAT number: a company's passes the eleven test, a sole trader's the modulo 97 test of 2020."""
    while True:
        if is_natural_person:
            body = f"{rng.randrange(100_000_000, 999_999_999)}"
            for suffix in range(1, 100):
                if as_number(f"NL{body}B{suffix:02d}") % 97 == 1:
                    return f"NL{body}B{suffix:02d}"
            continue
        eight = [8, *(rng.randrange(10) for _ in range(7))]
        last = sum(weight * digit for weight, digit in zip(range(9, 1, -1), eight, strict=True)) % 11
        if last < 10:
            return f"NL{''.join(map(str, eight))}{last}B01"


def belgian_vat_number(rng: random.Random) -> str:
    """A Belgian enterprise number as a VAT number: its last two digits are 97 minus the first eight modulo 97."""
    body = rng.randrange(4_000_000, 7_999_999)
    eight = f"0{body:07d}"
    return f"BE{eight}{97 - int(eight) % 97:02d}"


def dutch_registration_number(rng: random.Random) -> str:
    """A number of the form of the Dutch trade register (eight digits, no check)."""
    return f"{rng.randrange(90_000_000, 99_999_999)}"
