"""What an invoice document says, whatever its syntax, and the refusal of one that cannot be read.

Names follow EN 16931 (the semantic model under UBL, CII, Peppol BIS Billing 3, XRechnung, Factur-X and ZUGFeRD); the
numbers behind the fields are its business terms (BT). Amounts are exact and signed as they stand in the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Syntax = Literal["ubl", "cii"]


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number that somebody gave to a party. `scheme` is its ISO 6523 or EAS code, empty when none is given."""

    value: str
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """A seller or buyer as the document names it (BG-4, BG-7)."""

    name: str = ""
    trading_name: str = ""
    vat_number: str = ""
    legal_id: Identifier | None = None
    endpoint: Identifier | None = None
    identifiers: tuple[Identifier, ...] = ()
    country: str = ""
    postal_code: str = ""
    city: str = ""

    def described(self) -> str:
        """The party in words, for a person who must find or add it."""
        parts = [self.name or self.trading_name or "no name"]
        if self.vat_number:
            parts.append(f"VAT {self.vat_number}")
        if self.legal_id:
            parts.append(f"registration {_shown(self.legal_id)}")
        if self.endpoint:
            parts.append(f"endpoint {_shown(self.endpoint)}")
        parts.extend(f"identifier {_shown(each)}" for each in self.identifiers[:3])
        return ", ".join(part[:200] for part in parts)


def _shown(identifier: Identifier) -> str:
    return f"{identifier.scheme}:{identifier.value}" if identifier.scheme else identifier.value


@dataclass(frozen=True, slots=True)
class Line:
    """An invoice line (BG-25). `is_counted` is false for a heading or remark whose amount is no part of the sum."""

    line_id: str
    description: str
    line_amount: Decimal
    quantity: str | None = None
    unit_price: str | None = None
    order_line: str | None = None
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class PrecedingInvoice:
    """An earlier invoice this document credits or corrects (BG-3)."""

    number: str
    issued_on: date | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Document totals (BG-22). `tax` is the VAT in the document's own currency; what a document omits is None."""

    tax_inclusive: Decimal
    payable: Decimal
    prepaid: Decimal = Decimal(0)
    rounding: Decimal = Decimal(0)
    lines: Decimal | None = None
    allowances: Decimal = Decimal(0)
    charges: Decimal = Decimal(0)
    tax_exclusive: Decimal | None = None
    tax: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Discount:
    """A cash discount: so many percent off when paid by that day."""

    percent: Decimal
    until: date


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """An invoice or credit note as the document says it.

    `kind` is what it is to the buyer: a negative invoice is a credit note. `payable` (in `totals`) is what is asked for.
    """

    syntax: Syntax
    profile: str
    number: str
    kind: Literal["invoice", "credit_note"]
    type_code: str
    issued_on: date
    due_on: date | None
    currency: str
    totals: Totals
    supplier: Party
    customer: Party
    lines: tuple[Line, ...] = ()
    preceding: tuple[PrecedingInvoice, ...] = ()
    buyer_reference: str | None = None
    order_number: str | None = None
    project_number: str | None = None
    contract_number: str | None = None
    payment_reference: str | None = None
    payee_accounts: tuple[str, ...] = ()
    mandate_id: str | None = None
    terms: str | None = None
    discount: Discount | None = None
    delivered_on: date | None = None

    @property
    def claim(self) -> Decimal:
        """What the document is worth, positive for both kinds: the amount payable (BT-115)."""
        return abs(self.totals.payable)


@dataclass(frozen=True, slots=True)
class InvoiceResponse:
    """A buyer's answer to an invoice (Peppol Invoice Response, transaction T111)."""

    document_id: str
    issued_on: date
    code: str
    invoice_number: str
    sender: Party
    receiver: Party
    issued_at: str = ""
    effective_on: date | None = None
    reasons: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """Whose document it is, as far as that could be read before it was refused."""

    number: str
    supplier: Party
    customer: Party


class UnreadableDocument(Exception):
    """A document that is refused whole: a stable code, a sentence for a person, where in it, and whose it is."""

    def __init__(self, code: str, message: str, position: str = "", named: Named | None = None) -> None:
        self.code = code
        self.message = message
        self.position = position
        self.named = named
        super().__init__(f"{code}: {message}")

    def of(self, named: Named) -> UnreadableDocument:
        """The same refusal, knowing whose document it is."""
        return UnreadableDocument(self.code, self.message, self.position, named)
