"""What a document comes to in the raw log: its row, its lines, and the one text by which it is known again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from assets.invoicing.documents import InvoiceDocument, Line
from assets.invoicing.identity import Known
from assets.landing.raw_tables import OTHER_TABLES

DOCUMENTS, LINES = "invoice_documents", "invoice_document_lines"

# Without terms in the document or of the customer: thirty days, as Dutch and Belgian law have it between businesses.
LEGAL_TERM_DAYS = 30

_FOUR_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Whose:
    """A document found to be ours, and of this customer."""

    document: InvoiceDocument
    company_id: str
    customer: Known


def content_key(whose: Whose) -> str:
    """What a document claims, in one text: two documents with one number are the same when this is.

    Lines and wording stay out: the same invoice as UBL and as PDF describes them differently. A derived due date too,
    since it is ours.
    """
    document = whose.document
    return "|".join(
        [
            whose.customer.identity,
            document.kind,
            document.issued_on.isoformat(),
            document.due_on.isoformat() if document.due_on else "",
            document.currency,
            str(document.totals.tax_inclusive),
            str(document.totals.payable),
            ",".join(sorted(each.number for each in document.preceding)),
        ]
    )


def document_row(batch_id: int, sha256: str, ordinal: int, whose: Whose, content: str) -> tuple[object, ...]:
    document = whose.document
    is_credit = document.kind == "credit_note"
    # A negative invoice is worth the same the other way round.
    sign = -1 if document.totals.payable < 0 else 1
    values: dict[str, object] = {
        "batch_id": batch_id,
        "source_sha256": sha256,
        "ordinal": ordinal,
        "company_id": whose.company_id,
        "customer_id": whose.customer.identity,
        "invoice_number": document.number,
        "kind": document.kind,
        "type_code": document.type_code,
        "syntax": document.syntax,
        "profile": document.profile,
        "issued_on": document.issued_on,
        "due_on": document.due_on or (document.issued_on if is_credit else _derived_due_on(whose)),
        "is_due_derived": document.due_on is None,
        "currency": document.currency,
        "total_amount": document.claim,
        "tax_inclusive_amount": sign * document.totals.tax_inclusive,
        "prepaid_amount": sign * document.totals.prepaid,
        "rounding_amount": sign * document.totals.rounding,
        "payment_reference": document.payment_reference,
        "payee_accounts": ";".join(document.payee_accounts) or None,
        "mandate_id": document.mandate_id,
        "buyer_reference": document.buyer_reference,
        "order_number": document.order_number,
        "project_number": document.project_number,
        "contract_number": document.contract_number,
        # A credit of several invoices says not how much of each: it stays loose, and a person places it.
        "preceding_invoice_number": document.preceding[0].number if len(document.preceding) == 1 else None,
        "preceding_invoice_numbers": "; ".join(each.number for each in document.preceding) or None,
        "discount_percent": document.discount.percent.quantize(_FOUR_PLACES) if document.discount else None,
        "discount_until": document.discount.until if document.discount else None,
        "delivered_on": document.delivered_on,
        "payment_terms": document.terms,
        "content_key": content,
    }
    return tuple(values[name] for name, _ in OTHER_TABLES[DOCUMENTS])


def _derived_due_on(whose: Whose) -> date:
    """Without a due date: the customer's own terms, else the legal one, from the day of issue."""
    days = LEGAL_TERM_DAYS if whose.customer.terms_days is None else whose.customer.terms_days
    return whose.document.issued_on + timedelta(days=days)


def line_rows(batch_id: int, sha256: str, whose: Whose) -> Iterator[tuple[object, ...]]:
    for number, line in _numbered(whose.document.lines):
        values: dict[str, object] = {
            "batch_id": batch_id,
            "source_sha256": sha256,
            "company_id": whose.company_id,
            "invoice_number": whose.document.number,
            "line_number": number,
            "line_id": line.line_id,
            "description": line.description,
            "line_amount": line.line_amount,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "order_line": line.order_line,
        }
        yield tuple(values[name] for name, _ in OTHER_TABLES[LINES])


def _numbered(lines: Sequence[Line]) -> Iterator[tuple[int, Line]]:
    """Lines with their numbers: those printed, which a dispute will name, when each has its own; else in order."""
    printed = [int(line.line_id) for line in lines if line.line_id.isascii() and line.line_id.isdigit()]
    are_numbers = len(set(printed)) == len(lines) and max(printed, default=0) < 1_000_000_000
    yield from zip(printed if are_numbers else range(1, len(lines) + 1), lines, strict=True)
