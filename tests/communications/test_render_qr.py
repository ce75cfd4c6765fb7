"""EPC069-12 v2.1, byte for byte, and what a scanner reads back."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.communications.qr import UncodablePaymentError, epc_payload, payment_payload, qr_symbol
from assets.communications.render import RenderEnvironment, render_message
from tests.communications.golden_cases import overdue_items, row
from tests.communications.reading import scan

PAYMENT: dict[str, Any] = {
    "name": "Voorbeeld Handel B.V.",
    "iban": "NL91ABNA0417164300",
    "amount": Decimal("1234.56"),
    "currency": "EUR",
}


def test_structured_reference_goes_on_line_ten() -> None:
    payload = epc_payload(**PAYMENT, reference="RF18539007547034")
    assert payload == "BCD\n002\n1\nSCT\n\nVoorbeeld Handel B.V.\nNL91ABNA0417164300\nEUR1234.56\n\nRF18539007547034"
    assert len(payload.encode()) == 84


def test_free_text_goes_on_line_eleven() -> None:
    payload = epc_payload(**PAYMENT, text="Factuur 2026-0042")
    assert payload.split("\n")[9:] == ["", "Factuur 2026-0042"]
    assert len(payload.encode()) == 86


def test_first_example_of_the_guideline() -> None:
    payload = epc_payload(
        name="Franz Mustermänn",
        iban="DE71110220330123456789",
        bic="BHBLDEHHXXX",
        amount=Decimal("12.3"),
        currency="EUR",
        purpose="GDDS",
        reference="RF18539007547034",
    )
    assert payload.split("\n")[7:] == ["EUR12.3", "GDDS", "RF18539007547034"]
    assert len(payload.encode()) == 96


def test_second_example_of_the_guideline_in_its_own_character_set() -> None:
    payload = epc_payload(
        name="François D'Alsace S.A.",
        iban="FR1420041010050500013M02606",
        amount=Decimal("12.3"),
        currency="EUR",
        text="Client:Marie Louise La Lune",
    )
    latin = payload.replace("002\n1\n", "002\n2\n").encode("iso-8859-1")
    assert len(latin) == 103


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"amount": Decimal("0.00")}, "amount"),
        ({"amount": Decimal("1000000000.00")}, "amount"),
        ({"amount": Decimal("1.005")}, "amount"),
        ({"amount": None}, "fixed amount"),
        ({"currency": "USD"}, "euros"),
        ({"iban": "NL91ABNA0417164301"}, "IBAN"),
        ({"name": "x" * 71}, "name"),
        ({"name": ""}, "name"),
        ({"reference": "RF17539007547034"}, "ISO 11649"),
        ({"reference": "RF18539007547034", "text": "both"}, "exclude"),
        ({"text": "x" * 141}, "text"),
        ({"text": "a\nb"}, "line break"),
        ({"text": "€" * 100}, "331 bytes"),
    ],
)
def test_what_the_guideline_forbids_is_not_coded(change: dict[str, Any], why: str) -> None:
    with pytest.raises(UncodablePaymentError, match=why):
        epc_payload(**PAYMENT | change)


@pytest.mark.parametrize("change", [{"currency": "GBP"}, {"amount": None}, {"name": "x" * 71}])
def test_an_uncodable_payment_has_no_payload(change: dict[str, Any]) -> None:
    payment = PAYMENT | {"bic": "", "payment_reference": "", "remittance": "Factuur 1"}
    assert payment_payload(**payment) is not None
    assert payment_payload(**payment | change) is None


def test_a_belgian_reference_travels_as_text_as_it_is_printed() -> None:
    payload = payment_payload(**PAYMENT, bic="", payment_reference="090933755493", remittance="+++090/9337/55493+++")
    assert payload is not None
    assert payload.split("\n")[9:] == ["", "+++090/9337/55493+++"]


@settings(max_examples=40, deadline=None)
@given(
    name=st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=30),
    text=st.from_regex(r"[A-Z0-9][A-Za-z0-9 /-]{0,100}[A-Z0-9]", fullmatch=True),
    cents=st.integers(1, 99_999_999_999),
)
def test_any_symbol_scans_back_to_its_payload(name: str, text: str, cents: int) -> None:
    payment = PAYMENT | {"name": name, "amount": Decimal(cents) / 100, "text": text}
    payload = epc_payload(**payment)
    symbol = qr_symbol(payload)
    assert symbol.error == "M"
    assert int(symbol.version) <= 13
    modules = np.array([list(line) for line in symbol.matrix_iter(scale=4, border=4)], dtype=np.uint8)
    (code,) = zxingcpp.read_barcodes(np.ascontiguousarray((1 - modules) * np.uint8(255)))
    assert code.bytes.decode("utf-8") == payload


@pytest.mark.parametrize("channel", ["email", "letter"])
def test_a_message_in_another_currency_has_no_code(channel: str, environment: RenderEnvironment) -> None:
    assert len(scan(render_message(row(channel, "en", "reminder_1", overdue_items(1)), environment))) == 1
    assert scan(render_message(row(channel, "en", "reminder_1", overdue_items(1), currency="USD"), environment)) == []


def test_sixty_invoice_numbers_are_cut_between_two_of_them(environment: RenderEnvironment) -> None:
    (payload,) = scan(render_message(row("email", "nl", "reminder_1", overdue_items(60)), environment))
    text = payload.split("\n")[10]
    assert len(text) <= 140
    assert text.endswith("2026-01052")
