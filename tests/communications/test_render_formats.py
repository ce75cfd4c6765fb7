"""Money, dates and references as their readers write them."""

from datetime import date
from decimal import Decimal

import pytest

from assets.communications import formats
from assets.communications.facts import is_email_address
from assets.communications.printed import fit_remittance


@pytest.mark.parametrize(
    ("amount", "currency", "language", "written"),
    [
        ("1234.5", "EUR", "nl", "€ 1.234,50"),
        ("1234.5", "EUR", "en", "€1,234.50"),
        ("0.01", "EUR", "nl", "€ 0,01"),
        ("1234567.89", "USD", "nl", "US$ 1.234.567,89"),
        ("1234567.89", "GBP", "en", "£1,234,567.89"),
    ],
)
def test_money(amount: str, currency: str, language: str, written: str) -> None:
    assert formats.format_money(Decimal(amount), currency, language).replace("\u00a0", " ") == written


def test_no_line_breaks_inside_money_or_dates() -> None:
    assert " " not in formats.format_money(Decimal("1234.50"), "EUR", "nl")
    assert " " not in formats.format_date_long(date(2026, 11, 5), "nl")


def test_dates() -> None:
    day = date(2026, 3, 5)
    assert formats.format_date_long(day, "nl").replace("\u00a0", " ") == "5 maart 2026"
    assert formats.format_date_long(day, "en").replace("\u00a0", " ") == "5 March 2026"
    assert formats.format_date_short(day, "nl") == "05-03-2026"
    assert formats.format_date_short(day, "en").replace("\u00a0", " ") == "05 Mar 2026"


@pytest.mark.parametrize(
    ("reference", "country", "written"),
    [
        ("RF18539007547034", "NL", "RF18 5390 0754 7034"),
        ("rf18 5390 0754 7034", "BE", "RF18 5390 0754 7034"),
        ("090933755493", "BE", "+++090/9337/55493+++"),
        ("000000009797", "BE", "+++000/0000/09797+++"),
        ("090933755494", "BE", "090933755494"),
        ("5000056789012345", "NL", "5000 0567 8901 2345"),
        ("***090/9337/55493***", "BE", "+++090/9337/55493+++"),
        ("INV-2026-7", "NL", "INV-2026-7"),
        ("", "NL", ""),
    ],
)
def test_payment_references(reference: str, country: str, written: str) -> None:
    assert formats.format_payment_reference(reference, country).replace("\u00a0", " ") == written


@pytest.mark.parametrize(
    "iban", ["NL91ABNA0417164300", "BE68539007547034", "DE89370400440532013000", "FR1420041010050500013M02606"]
)
def test_valid_ibans(iban: str) -> None:
    assert formats.is_valid_iban(iban)
    assert not formats.is_valid_iban(iban[:-1] + ("1" if iban[-1] != "1" else "2"))


def test_iban_is_printed_in_fours() -> None:
    assert formats.group_in_fours("NL91ABNA0417164300").replace("\u00a0", " ") == "NL91 ABNA 0417 1643 00"


@pytest.mark.parametrize("reference", ["RF17539007547034", "RF35C4", "RF214377", "RF332348231", "RF18"])
def test_wrong_creditor_references(reference: str) -> None:
    assert not formats.is_creditor_reference(reference)


def test_cleaning_leaves_one_line_of_composed_text() -> None:
    assert formats.clean(" Cafe\u0301\t\r\nZoë \x00\u202eB.V. ") == "Café Zoë B.V."


@pytest.mark.parametrize("address", ["a@b.nl", "first.last+tag@sub.domain.example", "o'brien@example.ie"])
def test_plain_addresses(address: str) -> None:
    assert is_email_address(address)


@pytest.mark.parametrize(
    "address",
    ["a@b", "a b@c.nl", "a@b.nl,c@d.nl", "a@b.nl;c@d.nl", "<a@b.nl>", ".a@b.nl", "a..b@c.nl", "a@-b.nl", "@b.nl"],
)
def test_anything_else_is_no_plain_address(address: str) -> None:
    assert not is_email_address(address)


def test_remittance_is_cut_between_words_at_140_characters() -> None:
    assert fit_remittance("kort") == "kort"
    assert fit_remittance("a" * 139 + " " + "b" * 10) == "a" * 139
    assert fit_remittance("a" * 140 + " b") == "a" * 140
    assert len(fit_remittance("a" * 200)) == 140
