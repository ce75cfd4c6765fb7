"""UBL 2 invoices and credit notes: Peppol BIS Billing 3, XRechnung and any other profile of EN 16931."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from assets.invoicing.claims import best, check_totals, kind_of, skonto
from assets.invoicing.documents import (
    Discount,
    Identifier,
    InvoiceDocument,
    Line,
    Named,
    Party,
    PrecedingInvoice,
    Totals,
    UnreadableDocument,
)
from assets.invoicing.xml_tree import Node

ROOTS = ("Invoice", "CreditNote")

# Peppol wants an order number; who has none but knows the seller's own writes this (PEPPOL-EN16931-R003).
_NO_ORDER = "NA"
_PROJECT_REFERENCE = "50"


def read_ubl(root: Node) -> InvoiceDocument:
    """The invoice or credit note under `root`. Raises UnreadableDocument when it contradicts itself or lacks a part."""
    number = root.need("ID").identifier() or _missing(root, "ID")
    supplier = read_party(root.one("AccountingSupplierParty", "Party"))
    customer = read_party(root.one("AccountingCustomerParty", "Party"))
    try:
        return _read(root, number, supplier, customer)
    except UnreadableDocument as refusal:
        raise refusal.of(Named(number, supplier, customer)) from None


def _read(root: Node, number: str, supplier: Party, customer: Party) -> InvoiceDocument:
    is_credit_note = root.name == "CreditNote"
    currency = root.currency("DocumentCurrencyCode")
    totals = _totals(root, currency)
    type_code = root.text("InvoiceTypeCode|CreditNoteTypeCode") or ("381" if is_credit_note else "380")
    issued_on = root.iso_date("IssueDate") or _no_date(root, "IssueDate")
    lines = tuple(_line(node, currency) for node in root.all("InvoiceLine", "CreditNoteLine"))
    check_totals(totals, lines, root.need("LegalMonetaryTotal").position)
    means = root.all("PaymentMeans")
    terms = _joined(node.text("Note") for node in root.all("PaymentTerms"))
    mandates = [mandate for each in means if (mandate := each.identifier("PaymentMandate", "ID"))]
    references = [text for each in means for node in each.all("PaymentID") if (text := node.identifier())]
    return InvoiceDocument(
        syntax="ubl",
        profile=root.text("CustomizationID") or "",
        number=number,
        kind=kind_of(type_code, totals.payable, root.position, is_credit_note=is_credit_note),
        type_code=type_code,
        issued_on=issued_on,
        due_on=_due_on(root, means),
        currency=currency,
        totals=totals,
        supplier=supplier,
        customer=customer,
        lines=lines,
        preceding=_preceding(root),
        buyer_reference=root.identifier("BuyerReference"),
        order_number=_order_number(root),
        project_number=_project_number(root),
        contract_number=_first(root.all("ContractDocumentReference"), "ID"),
        payment_reference=references[0] if references else None,
        payee_accounts=_accounts(means),
        mandate_id=mandates[0] if mandates else None,
        terms=terms,
        discount=best([*skonto(terms, issued_on, totals.payable), *_settlement_discounts(root)]),
        delivered_on=_delivered_on(root),
    )


def read_party(node: Node | None) -> Party:
    """A `Party` element, as invoices and responses share it."""
    if node is None:
        return Party()
    legal = node.all("PartyLegalEntity")
    registered = [name for each in legal if (name := each.text("RegistrationName"))]
    trading = [name for each in node.all("PartyName") if (name := each.text("Name"))]
    address = node.one("PostalAddress")
    return Party(
        name=(registered or trading or [""])[0],
        trading_name=trading[0] if registered and trading else "",
        vat_number=_vat_number(node),
        legal_id=next((found for each in legal if (found := _identifier(each.one("CompanyID")))), None),
        endpoint=_identifier(node.one("EndpointID")),
        identifiers=tuple(
            found for each in node.all("PartyIdentification") if (found := _identifier(each.one("ID"))) is not None
        ),
        country=(address.text("Country", "IdentificationCode") or "").upper() if address else "",
        postal_code=(address.text("PostalZone") or "") if address else "",
        city=(address.text("CityName") or "") if address else "",
    )


def _vat_number(party: Node) -> str:
    """The VAT number: a party may have other tax registrations beside it (BT-32)."""
    for scheme in party.all("PartyTaxScheme"):
        if (scheme.text("TaxScheme", "ID") or "").upper() == "VAT" and (found := scheme.identifier("CompanyID")):
            return found
    return ""


def _identifier(node: Node | None) -> Identifier | None:
    text = node.identifier() if node is not None else None
    return Identifier(text, node.attribute("schemeID")) if node is not None and text else None


def _totals(root: Node, currency: str) -> Totals:
    total = root.need("LegalMonetaryTotal")
    inclusive = total.need("TaxInclusiveAmount").own_amount(currency)
    return Totals(
        tax_inclusive=inclusive,
        payable=total.need("PayableAmount").own_amount(currency),
        prepaid=total.amount("PrepaidAmount", currency=currency) or Decimal(0),
        rounding=total.amount("PayableRoundingAmount", currency=currency) or Decimal(0),
        lines=total.amount("LineExtensionAmount", currency=currency),
        allowances=total.amount("AllowanceTotalAmount", currency=currency) or Decimal(0),
        charges=total.amount("ChargeTotalAmount", currency=currency) or Decimal(0),
        tax_exclusive=total.amount("TaxExclusiveAmount", currency=currency),
        tax=_tax(root, currency),
    )


def _tax(root: Node, currency: str) -> Decimal | None:
    """The VAT in the document's currency; beside it may stand the same in the currency of the tax office (BT-111)."""
    amounts = [
        amount.own_amount()
        for total in root.all("TaxTotal")
        for amount in total.all("TaxAmount")
        if amount.attribute("currencyID") in ("", currency)
    ]
    return amounts[0] if len(amounts) == 1 else None


def _line(node: Node, currency: str) -> Line:
    item = node.one("Item")
    price = node.one("Price", "PriceAmount")
    quantity = node.one("InvoicedQuantity|CreditedQuantity")
    names = [item.text("Name")] + [each.own_text() for each in item.all("Description")] if item else []
    line_id = node.identifier("ID") or ""
    return Line(
        line_id=line_id,
        description=next((name for name in names if name), None) or node.text("Note") or line_id,
        line_amount=node.need("LineExtensionAmount").own_amount(currency),
        quantity=format(quantity.own_number(), "f") if quantity else None,
        unit_price=format(price.own_number(), "f") if price else None,
        order_line=_first(node.all("OrderLineReference"), "LineID"),
    )


def _due_on(root: Node, means: Sequence[Node]) -> date | None:
    """When it must be paid. Of several dates (instalments) the last: before it not all is due."""
    stated = root.iso_date("DueDate")
    if stated:
        return stated
    dates = [day for each in means if (day := each.iso_date("PaymentDueDate"))]
    dates += [day for each in root.all("PaymentTerms") if (day := each.iso_date("PaymentDueDate"))]
    return max(dates, default=None)


def _preceding(root: Node) -> tuple[PrecedingInvoice, ...]:
    found = (
        PrecedingInvoice(number, reference.iso_date("IssueDate"))
        for billing in root.all("BillingReference")
        for reference in billing.all("InvoiceDocumentReference")
        if (number := reference.identifier("ID"))
    )
    return tuple(dict.fromkeys(found))


def _order_number(root: Node) -> str | None:
    number = root.identifier("OrderReference", "ID")
    return None if number == _NO_ORDER else number


def _project_number(root: Node) -> str | None:
    """An invoice has an element for it; a credit note writes it as a document of type 50."""
    direct = _first(root.all("ProjectReference"), "ID")
    if direct:
        return direct
    return next(
        (
            number
            for each in root.all("AdditionalDocumentReference")
            if each.text("DocumentTypeCode") == _PROJECT_REFERENCE and (number := each.identifier("ID"))
        ),
        None,
    )


def _accounts(means: Sequence[Node]) -> tuple[str, ...]:
    found = (
        account for each in means for node in each.all("PayeeFinancialAccount") if (account := node.identifier("ID"))
    )
    return tuple(dict.fromkeys(account.replace(" ", "").upper() for account in found))


def _delivered_on(root: Node) -> date | None:
    return max((day for each in root.all("Delivery") if (day := each.iso_date("ActualDeliveryDate"))), default=None)


def _settlement_discounts(root: Node) -> list[Discount]:
    """Discounts in UBL's own elements, which the profiles leave out but ERPs write."""
    found = []
    for terms in root.all("PaymentTerms"):
        percent, until = terms.one("SettlementDiscountPercent"), terms.iso_date("SettlementPeriod", "EndDate")
        if percent and until:
            found.append(Discount(percent.own_number(), until))
    return found


def _first(nodes: Sequence[Node], name: str) -> str | None:
    return next((text for node in nodes if (text := node.identifier(name))), None)


def _joined(texts: Iterable[str | None]) -> str | None:
    return " ".join(text for text in texts if text) or None


def _missing(node: Node, name: str) -> str:
    raise UnreadableDocument("missing_element", f"{name} is empty", node.position)


def _no_date(node: Node, name: str) -> date:
    raise UnreadableDocument("missing_element", f"{name} is missing", node.position)
