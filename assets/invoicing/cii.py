"""UN/CEFACT Cross Industry Invoices: D16B and D22B (XRechnung, Factur-X, ZUGFeRD 2), and the older ZUGFeRD 1.

ZUGFeRD 1 (CrossIndustryDocument) says the same under longer names; both are tried at each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
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

ROOTS = ("CrossIndustryInvoice", "CrossIndustryDocument")

_DOCUMENT = "ExchangedDocument|HeaderExchangedDocument"
_CONTEXT = "ExchangedDocumentContext|SpecifiedExchangedDocumentContext"
_TRANSACTION = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
_AGREEMENT = "ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement"
_DELIVERY = "ApplicableHeaderTradeDelivery|ApplicableSupplyChainTradeDelivery"
_SETTLEMENT = "ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement"
_SUMMATION = "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
_LINE_AGREEMENT = "SpecifiedLineTradeAgreement|SpecifiedSupplyChainTradeAgreement"
_LINE_DELIVERY = "SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery"
_LINE_SETTLEMENT = "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement"
_LINE_SUMMATION = "SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
_REFERENCE = "IssuerAssignedID|ID"

# Lines of an order tree (Factur-X EXTENDED) whose amounts are in other lines already, or in none.
_UNCOUNTED = frozenset({"GROUP", "INFORMATION"})
_DAYS = {"DAY": 1, "WEE": 7}


def read_cii(root: Node) -> InvoiceDocument:
    """The invoice under `root`. Raises UnreadableDocument when it contradicts itself or lacks a part."""
    document = root.need(_DOCUMENT)
    number = document.need("ID").identifier()
    if not number:
        raise UnreadableDocument("missing_element", "ExchangedDocument/ID is empty", document.position)
    agreement = root.need(_TRANSACTION, _AGREEMENT)
    supplier = _party(agreement.one("SellerTradeParty"))
    customer = _party(agreement.one("BuyerTradeParty"))
    try:
        return _read(root, document, agreement, number, supplier, customer)
    except UnreadableDocument as refusal:
        raise refusal.of(Named(number, supplier, customer)) from None


def _read(
    root: Node, document: Node, agreement: Node, number: str, supplier: Party, customer: Party
) -> InvoiceDocument:
    settlement = root.need(_TRANSACTION, _SETTLEMENT)
    currency = settlement.currency("InvoiceCurrencyCode")
    totals = _totals(settlement, currency)
    type_code = document.need("TypeCode").own_text() or ""
    issued_on = document.compact_date("IssueDateTime")
    if issued_on is None:
        raise UnreadableDocument("missing_element", "IssueDateTime is missing", document.position)
    items = root.need(_TRANSACTION).all("IncludedSupplyChainTradeLineItem")
    # A remark of ZUGFeRD 1 stands as a line without an amount.
    lines = tuple(line for item in items if (line := _line(item, currency)) is not None)
    summation = settlement.need(_SUMMATION)
    check_totals(totals, lines, summation.position)
    terms = settlement.all("SpecifiedTradePaymentTerms")
    said = " ".join(text for each in terms for node in each.all("Description") if (text := node.own_text())) or None
    means = settlement.all("SpecifiedTradeSettlementPaymentMeans")
    delivery = root.one(_TRANSACTION, _DELIVERY)
    return InvoiceDocument(
        syntax="cii",
        profile=_profile(root),
        number=number,
        kind=kind_of(type_code, totals.payable, document.position, is_credit_note=False),
        type_code=type_code,
        issued_on=issued_on,
        due_on=max((day for each in terms if (day := each.compact_date("DueDateDateTime"))), default=None),
        currency=currency,
        totals=totals,
        supplier=supplier,
        customer=customer,
        lines=lines,
        preceding=_preceding(settlement),
        buyer_reference=agreement.identifier("BuyerReference"),
        order_number=agreement.identifier("BuyerOrderReferencedDocument", _REFERENCE),
        project_number=agreement.identifier("SpecifiedProcuringProject", "ID"),
        contract_number=agreement.identifier("ContractReferencedDocument", _REFERENCE),
        payment_reference=settlement.identifier("PaymentReference"),
        payee_accounts=_accounts(means),
        mandate_id=next((found for each in terms if (found := each.identifier("DirectDebitMandateID"))), None),
        terms=said,
        discount=best([*skonto(said, issued_on, totals.payable), *_discounts(terms, issued_on, totals.payable)]),
        delivered_on=delivery.compact_date("ActualDeliverySupplyChainEvent", "OccurrenceDateTime")
        if delivery
        else None,
    )


def _party(node: Node | None) -> Party:
    if node is None:
        return Party()
    address = node.one("PostalTradeAddress")
    names = [text for each in node.all("Name") if (text := each.own_text())]
    taxes = [found for each in node.all("SpecifiedTaxRegistration") if (found := _identifier(each.one("ID")))]
    plain = [found for each in node.all("ID", "GlobalID") if (found := _identifier(each))]
    return Party(
        name=names[0] if names else "",
        trading_name=node.text("SpecifiedLegalOrganization", "TradingBusinessName") or "",
        vat_number=next((tax.value for tax in taxes if tax.scheme.upper() == "VA"), ""),
        legal_id=_identifier(node.one("SpecifiedLegalOrganization", "ID")),
        endpoint=_identifier(node.one("URIUniversalCommunication", "URIID")),
        identifiers=tuple(plain),
        country=(address.text("CountryID") or "").upper() if address else "",
        postal_code=(address.text("PostcodeCode") or "") if address else "",
        city=(address.text("CityName") or "") if address else "",
    )


def _identifier(node: Node | None) -> Identifier | None:
    text = node.identifier() if node is not None else None
    return Identifier(text, node.attribute("schemeID")) if node is not None and text else None


def _totals(settlement: Node, currency: str) -> Totals:
    total = settlement.need(_SUMMATION)
    inclusive = _in_currency(total, "GrandTotalAmount", currency)
    payable = total.amount("DuePayableAmount", currency=currency)
    if inclusive is None or payable is None:
        lacking = "DuePayableAmount" if inclusive is not None else "GrandTotalAmount"
        raise UnreadableDocument("missing_element", f"{lacking} is missing", total.position)
    return Totals(
        tax_inclusive=inclusive,
        payable=payable,
        prepaid=total.amount("TotalPrepaidAmount", currency=currency) or Decimal(0),
        rounding=total.amount("RoundingAmount", currency=currency) or Decimal(0),
        lines=total.amount("LineTotalAmount", currency=currency),
        allowances=total.amount("AllowanceTotalAmount", currency=currency) or Decimal(0),
        charges=total.amount("ChargeTotalAmount", currency=currency) or Decimal(0),
        tax_exclusive=_in_currency(total, "TaxBasisTotalAmount", currency),
        tax=_in_currency(total, "TaxTotalAmount", currency),
    )


def _in_currency(total: Node, name: str, currency: str) -> Decimal | None:
    """The amount in the document's currency; beside it may stand the same in the currency of the tax office."""
    amounts = [node for node in total.all(name) if node.attribute("currencyID") in ("", currency)]
    if len(amounts) > 1:
        raise UnreadableDocument("repeated_element", f"{name} stands there {len(amounts)} times", total.position)
    return amounts[0].own_amount() if amounts else None


def _line(node: Node, currency: str) -> Line | None:
    amount = node.amount(_LINE_SETTLEMENT, _LINE_SUMMATION, "LineTotalAmount", currency=currency)
    if amount is None:
        return None
    head = node.one("AssociatedDocumentLineDocument")
    product = node.one("SpecifiedTradeProduct")
    price = node.one(_LINE_AGREEMENT, "NetPriceProductTradePrice", "ChargeAmount")
    quantity = node.one(_LINE_DELIVERY, "BilledQuantity")
    line_id = (head.identifier("LineID") if head else None) or ""
    status = (head.text("LineStatusReasonCode") if head else None) or ""
    said = [product.text("Name"), product.text("Description")] if product else []
    return Line(
        line_id=line_id,
        description=next((text for text in said if text), None) or line_id,
        line_amount=amount,
        quantity=format(quantity.own_number(), "f") if quantity else None,
        unit_price=format(price.own_number(), "f") if price else None,
        order_line=node.identifier(_LINE_AGREEMENT, "BuyerOrderReferencedDocument", "LineID"),
        is_counted=status.upper() not in _UNCOUNTED,
    )


def _preceding(settlement: Node) -> tuple[PrecedingInvoice, ...]:
    found = (
        PrecedingInvoice(number, reference.compact_date("FormattedIssueDateTime"))
        for reference in settlement.all("InvoiceReferencedDocument")
        if (number := reference.identifier(_REFERENCE))
    )
    return tuple(dict.fromkeys(found))


def _accounts(means: Sequence[Node]) -> tuple[str, ...]:
    found = (
        account
        for each in means
        for node in each.all("PayeePartyCreditorFinancialAccount")
        if (account := node.identifier("IBANID") or node.identifier("ProprietaryID"))
    )
    return tuple(dict.fromkeys(account.replace(" ", "").upper() for account in found))


def _discounts(terms: Sequence[Node], issued_on: date, payable: Decimal) -> list[Discount]:
    """Discounts in CII's own elements, of the whole amount and with a term in days or weeks, or a date."""
    found = []
    for each in terms:
        for discount in each.all("ApplicableTradePaymentDiscountTerms"):
            percent, measure = discount.one("CalculationPercent"), discount.one("BasisPeriodMeasure")
            basis_on, basis = discount.compact_date("BasisDateTime"), discount.amount("BasisAmount")
            if percent is None or (basis is not None and basis != payable):
                continue
            unit = _DAYS.get(measure.attribute("unitCode") if measure else "", 0)
            count = measure.own_number() if measure else Decimal(0)
            if unit and 0 < count <= 400 and count == int(count):
                found.append(
                    Discount(percent.own_number(), (basis_on or issued_on) + timedelta(days=int(count) * unit))
                )
            elif measure is None and basis_on is not None:
                found.append(Discount(percent.own_number(), basis_on))
    return found


def _profile(root: Node) -> str:
    context = root.one(_CONTEXT)
    return (context.text("GuidelineSpecifiedDocumentContextParameter", "ID") if context else None) or ""
