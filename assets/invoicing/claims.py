"""What kind of claim a document is, whether its totals add up, and the rules of cash discounts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from assets.invoicing.documents import Discount, Line, Totals, UnreadableDocument

# Document types (UNTDID 1001) that ask for money, and those that give it back. What is in neither list (a pro forma, a
# request for payment, a delivery note) is no claim, and is refused rather than reminded of.
INVOICE_TYPES = frozenset({
    "80", "82", "84", "326", "331", "380", "382", "383", "384", "385", "386", "387", "388", "389", "390", "393", "394",
    "395", "456", "527", "575", "623", "633", "751", "780", "875", "876", "877", "935",
})  # fmt: skip
CREDIT_TYPES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"})

# `#SKONTO#TAGE=14#PROZENT=2.00#` in the payment terms (XRechnung, BR-DE-18), days counted from the date of issue.
_SKONTO = re.compile(
    r"#SKONTO#TAGE=(\d{1,3})#PROZENT=(\d{1,2}(?:\.\d{1,2})?)#(?:BASISBETRAG=(-?\d{1,16}\.\d{2})#)?", re.ASCII
)


def kind_of(
    type_code: str, payable: Decimal, position: str, *, is_credit_note: bool
) -> Literal["invoice", "credit_note"]:
    """Invoice or credit note, by type code and sign. `is_credit_note` is what the root says (UBL CreditNote).

    A negative invoice gives money back: it is a credit note. A negative credit note is refused, since some write a
    credit that way and others its opposite.
    """
    if type_code in CREDIT_TYPES:
        is_credit_note = True
    elif type_code not in INVOICE_TYPES:
        raise UnreadableDocument(
            "unsupported_type", f"document type {type_code[:20]!r} is neither an invoice nor a credit note", position
        )
    elif is_credit_note:
        raise UnreadableDocument(
            "contradictory_type", f"a credit note with the type {type_code} of an invoice", position
        )
    if is_credit_note and payable < 0:
        raise UnreadableDocument(
            "negative_credit_note",
            f"a credit note of {payable} may mean a credit or a charge; write credits as positive amounts",
            position,
        )
    return "credit_note" if is_credit_note or payable < 0 else "invoice"


def check_totals(totals: Totals, lines: Sequence[Line], position: str) -> None:
    """Raises UnreadableDocument when the document contradicts itself (EN 16931 BR-CO-10, -13, -15 and -16)."""
    asked = totals.tax_inclusive - totals.prepaid + totals.rounding
    if totals.payable != asked:
        raise _mismatch(
            f"payable {totals.payable} is not {totals.tax_inclusive} incl. VAT - {totals.prepaid} prepaid"
            f" + {totals.rounding} rounding = {asked}",
            position,
        )
    if totals.tax is not None and totals.tax_exclusive is not None:
        taxed = totals.tax_exclusive + totals.tax
        if totals.tax_inclusive != taxed:
            raise _mismatch(
                f"{totals.tax_inclusive} incl. VAT is not {totals.tax_exclusive} + {totals.tax} VAT = {taxed}", position
            )
    if totals.lines is not None and totals.tax_exclusive is not None:
        net = totals.lines - totals.allowances + totals.charges
        if totals.tax_exclusive != net:
            raise _mismatch(
                f"{totals.tax_exclusive} excl. VAT is not {totals.lines} of lines - {totals.allowances} allowances"
                f" + {totals.charges} charges = {net}",
                position,
            )
    if totals.lines is not None and lines:
        added = sum((line.line_amount for line in lines if line.is_counted), Decimal(0))
        if totals.lines != added:
            raise _mismatch(f"the lines add up to {added}, the document says {totals.lines}", position)


def _mismatch(message: str, position: str) -> UnreadableDocument:
    return UnreadableDocument("totals_mismatch", message, position)


def skonto(terms: str | None, issued_on: date, payable: Decimal) -> list[Discount]:
    """The cash discounts of XRechnung's payment terms. One on a part of the amount cannot be kept, and is left out."""
    return [
        Discount(Decimal(percent), issued_on + timedelta(days=int(days)))
        for days, percent, basis in _SKONTO.findall(terms or "")
        if not basis or Decimal(basis) == payable
    ]


def best(discounts: Sequence[Discount]) -> Discount | None:
    """Of several steps the highest discount: one column holds one, and the steps after it are lower."""
    real = [
        discount
        for discount in discounts
        if 0 < discount.percent <= 100 and discount.percent == discount.percent.quantize(Decimal("0.0001"))
    ]
    return max(real, key=lambda discount: (discount.percent, discount.until), default=None)
