"""Check digits against values worked by hand from the standards."""

from __future__ import annotations

import pytest

from assets.banking.structured import (
    is_betalingskenmerk,
    is_ogm,
    is_rf,
    kenmerk_check_digit,
    kind_by_shape,
    reference_of_kind,
)


@pytest.mark.parametrize(
    "reference",
    [
        "RF18539007547034",
        "RF185390075470Y",
        "RF485000056789012345",
        "RF45G72UUR",
        "RF6518K5",
        "RF98INV2026000123",
        "RF3120260001",
        "RF471234567890",
        "RF51C4",
    ],
)
def test_valid_creditor_references(reference: str) -> None:
    assert is_rf(reference)


@pytest.mark.parametrize(
    "reference", ["RF17539007547034", "RF35C4", "RF214377", "RF332348231", "RF18", "XF18539007547034", ""]
)
def test_invalid_creditor_references(reference: str) -> None:
    assert not is_rf(reference)


@pytest.mark.parametrize(
    "digits",
    ["090933755493", "123456789002", "321988730446", "202600012320", "000000000101", "000000009797", "999999999948"],
)
def test_valid_belgian_references(digits: str) -> None:
    assert is_ogm(digits)


@pytest.mark.parametrize("digits", ["090933755494", "000000009700", "123123412345", "12345678900", "12345678900X", ""])
def test_invalid_belgian_references(digits: str) -> None:
    assert not is_ogm(digits)


@pytest.mark.parametrize(
    "reference",
    [
        "5000056789012345",
        "12234534622567",
        "1234567",
        "271234567",
        "4812345678",
        "09123456789",
        "701234567890",
        "8112345678901",
        "42123456789012",
        "3202600012345678",
        "1000000000000006",
        "0000000000000019",
    ],
)
def test_valid_betalingskenmerken(reference: str) -> None:
    assert is_betalingskenmerk(reference)


@pytest.mark.parametrize(
    "reference",
    [
        "6000056789012345",
        "9001123412341234",
        "12345678",
        "123456789012345",
        "371234567",
        "0000000000000000",
        "0000000",
        "",
        "5000056789012345 ",
        "\u0665" * 16,
    ],
)
def test_invalid_betalingskenmerken(reference: str) -> None:
    assert not is_betalingskenmerk(reference)


@pytest.mark.parametrize(
    ("payload", "digit"),
    [
        ("000056789012345", "5"),
        ("2234534622567", "1"),
        ("9123456789", "0"),
        ("000000000000006", "1"),
        ("000000000000019", "0"),
    ],
)
def test_check_digit_of_a_betalingskenmerk(payload: str, digit: str) -> None:
    assert kenmerk_check_digit(payload) == digit


def test_the_issuer_decides_before_the_looks() -> None:
    assert reference_of_kind("CUR", "123456789002") == "CUR"
    assert reference_of_kind("bba ", "000") == "OGM"
    assert reference_of_kind(None, "123456789002") == "OGM"
    assert reference_of_kind("OTHER", "RF18539007547034") == "RF"
    assert kind_by_shape("5000056789012345") == "CUR"
    assert kind_by_shape("2026000123") is None
