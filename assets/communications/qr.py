"""The EPC QR code (EPC069-12 v2.1): scan it with a banking app and the transfer is filled in.

The same data must stand beside it in plain text, since support among banks is voluntary.
"""

from decimal import Decimal
from io import BytesIO

import segno

from assets.communications.formats import compact, is_creditor_reference, is_valid_iban

MAX_BYTES = 331  # version 13 at error level M, the largest the guideline allows
MAX_NAME = 70
MAX_TEXT = 140
_LARGEST = Decimal("999999999.99")
# Any of the eight masks gives a valid symbol (ISO/IEC 18004, 7.8). Letting the encoder weigh all eight costs five times as much.
_MASK = 3


class UncodablePaymentError(ValueError):
    """The guideline has no way to say this payment; the message goes without a code."""


def epc_payload(
    *,
    name: str,
    iban: str,
    amount: Decimal | None,
    currency: str,
    bic: str = "",
    reference: str = "",
    text: str = "",
    purpose: str = "",
) -> str:
    """The lines of an EPC069-12 code, version 002 (BIC optional), UTF-8, joined by line feeds, trailing empty lines dropped.

    `reference` goes on line 10 and must be an ISO 11649 one; everything else a payer should quote is `text`, line 11. `amount` is
    in euros. Raises `UncodablePaymentError` with the reason when the guideline does not allow the payment.
    """
    if currency != "EUR" or amount is None:
        raise UncodablePaymentError("only a fixed amount in euros can be coded")
    if not Decimal("0.01") <= amount <= _LARGEST or amount != round(amount, 2):
        raise UncodablePaymentError("the amount must lie between 0.01 and 999999999.99 and have at most two decimals")
    if not is_valid_iban(iban):
        raise UncodablePaymentError("the IBAN has a wrong check digit")
    if not 1 <= len(name) <= MAX_NAME:
        raise UncodablePaymentError(f"the name must have 1 to {MAX_NAME} characters")
    if reference and text:
        raise UncodablePaymentError("a structured reference and a free text exclude each other")
    if reference and not is_creditor_reference(reference):
        raise UncodablePaymentError("a structured reference must be a valid ISO 11649 one")
    if len(text) > MAX_TEXT or len(purpose) > 4:
        raise UncodablePaymentError(f"the text has at most {MAX_TEXT} characters, the purpose 4")
    lines = ["BCD", "002", "1", "SCT", bic, name, iban, f"EUR{amount}", purpose, reference, text]
    if any(character in line for line in lines for character in "\r\n"):
        raise UncodablePaymentError("no field may hold a line break")
    payload = "\n".join(lines).rstrip("\n")
    if len(payload.encode("utf-8")) > MAX_BYTES:
        raise UncodablePaymentError(f"the payload has more than {MAX_BYTES} bytes")
    return payload


def payment_payload(
    *, name: str, iban: str, bic: str, amount: Decimal | None, currency: str, payment_reference: str, remittance: str
) -> str | None:
    """The payload for a message, or None where the guideline has no way to say it (other currency, no amount, too long a name).

    Only an ISO 11649 reference goes on the structured line: banks disagree about Belgian and Dutch ones there, so those travel as
    text, exactly as printed (`remittance`).
    """
    reference = compact(payment_reference)
    is_structured = is_creditor_reference(reference)
    try:
        return epc_payload(
            name=name,
            iban=iban,
            bic=bic,
            amount=amount,
            currency=currency,
            reference=reference if is_structured else "",
            text="" if is_structured else remittance.replace("\u00a0", " "),
        )
    except UncodablePaymentError:
        return None


def qr_symbol(payload: str) -> segno.QRCode:
    """The symbol: byte mode, UTF-8 without ECI, error level M, never a Micro QR."""
    return segno.make(
        payload, error="m", boost_error=False, micro=False, mode="byte", encoding="utf-8", mask=_MASK, eci=False
    )


def qr_svg(payload: str) -> str:
    """The symbol as one black SVG path without a border, for paper; the layout leaves the quiet zone of four modules."""
    return qr_symbol(payload).svg_inline(border=0, omitsize=True)


def qr_png(payload: str, *, scale: int = 4) -> bytes:
    """The symbol as a black and white PNG with its quiet zone, for an e-mail."""
    target = BytesIO()
    qr_symbol(payload).save(target, kind="png", scale=scale, border=4)
    return target.getvalue()
