"""Invoices as the outside world sends them: UBL 2.1, UN/CEFACT CII, a PDF with XML inside, and a buyer's answer.

Everything a document says is in `Document`, so that one invoice can be written in each syntax and must mean the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from xml.sax.saxutils import escape, quoteattr

from pypdf import PdfWriter

PEPPOL = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"

_UBL = "urn:oasis:names:specification:ubl:schema:xsd"
_CII = "urn:un:unece:uncefact:data:standard"


@dataclass(frozen=True, slots=True)
class Trader:
    """A seller or buyer, with the numbers it is known by."""

    name: str
    country: str
    vat_number: str | None = None
    registration: tuple[str, str] | None = None  # scheme, number
    endpoint: tuple[str, str] | None = None
    number_with_us: str | None = None
    postal_code: str | None = None
    city: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    line_id: str
    description: str
    net_cents: int
    quantity: int = 1
    order_line: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or credit note; amounts are integer cents, the VAT is that of all lines together."""

    number: str
    seller: Trader
    buyer: Trader
    issued_on: date
    lines: tuple[DocumentLine, ...]
    vat_cents: int
    due_on: date | None = None
    is_credit_note: bool = False
    type_code: str | None = None
    currency: str = "EUR"
    prepaid_cents: int = 0
    rounding_cents: int = 0
    payable_cents: int | None = None  # set to contradict the other totals
    iban: str | None = None
    payment_reference: str | None = None
    buyer_reference: str | None = None
    order_number: str | None = None
    project_number: str | None = None
    contract_number: str | None = None
    mandate_id: str | None = None
    terms: str | None = None
    delivered_on: date | None = None
    preceding: tuple[tuple[str, date | None], ...] = ()
    profile: str = PEPPOL

    @property
    def net_cents(self) -> int:
        return sum(line.net_cents for line in self.lines)

    @property
    def total_cents(self) -> int:
        return self.net_cents + self.vat_cents

    @property
    def asked_cents(self) -> int:
        if self.payable_cents is not None:
            return self.payable_cents
        return self.total_cents - self.prepaid_cents + self.rounding_cents


def ubl(document: Document) -> bytes:
    """The document as UBL 2.1 Invoice or CreditNote."""
    root, line_name, quantity_name = (
        ("CreditNote", "CreditNoteLine", "CreditedQuantity")
        if document.is_credit_note
        else ("Invoice", "InvoiceLine", "InvoicedQuantity")
    )
    type_code = document.type_code or ("381" if document.is_credit_note else "380")
    due = document.due_on.isoformat() if document.due_on else None
    parts = [
        _text("cbc:CustomizationID", document.profile),
        "<cbc:ProfileID>urn:fdc:peppol.eu:2017:poacc:billing:01:1.0</cbc:ProfileID>",
        _text("cbc:ID", document.number),
        _text("cbc:IssueDate", document.issued_on.isoformat()),
        "" if document.is_credit_note else _text("cbc:DueDate", due),
        _text(f"cbc:{root}TypeCode", type_code),
        _text("cbc:DocumentCurrencyCode", document.currency),
        _text("cbc:BuyerReference", document.buyer_reference),
        _wrapped("cac:OrderReference", _text("cbc:ID", document.order_number)),
        *(_billing_reference(number, day) for number, day in document.preceding),
        _wrapped("cac:ContractDocumentReference", _text("cbc:ID", document.contract_number)),
        _project(document),
        f"<cac:AccountingSupplierParty>{_ubl_party(document.seller)}</cac:AccountingSupplierParty>",
        f"<cac:AccountingCustomerParty>{_ubl_party(document.buyer)}</cac:AccountingCustomerParty>",
        _wrapped(
            "cac:Delivery",
            _text("cbc:ActualDeliveryDate", document.delivered_on.isoformat() if document.delivered_on else None),
        ),
        _payment_means(document, due),
        _wrapped("cac:PaymentTerms", _text("cbc:Note", document.terms)),
        f"<cac:TaxTotal>{_amount('cbc:TaxAmount', document.vat_cents, document.currency)}</cac:TaxTotal>",
        _ubl_totals(document),
        *(_ubl_line(line, line_name, quantity_name, document.currency) for line in document.lines),
    ]
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>\n<{root} xmlns='{_UBL}:{root}-2'"
        f" xmlns:cac='{_UBL}:CommonAggregateComponents-2' xmlns:cbc='{_UBL}:CommonBasicComponents-2'>"
        f"{''.join(parts)}</{root}>\n"
    ).encode()


def _billing_reference(number: str, day: date | None) -> str:
    issued = _text("cbc:IssueDate", day.isoformat() if day else None)
    reference = _wrapped("cac:InvoiceDocumentReference", _text("cbc:ID", number) + issued)
    return f"<cac:BillingReference>{reference}</cac:BillingReference>"


def _project(document: Document) -> str:
    number = _text("cbc:ID", document.project_number)
    if document.is_credit_note and number:
        return f"<cac:AdditionalDocumentReference>{number}<cbc:DocumentTypeCode>50</cbc:DocumentTypeCode></cac:AdditionalDocumentReference>"
    return _wrapped("cac:ProjectReference", number)


def _payment_means(document: Document, due: str | None) -> str:
    inside = [
        _text("cbc:PaymentMeansCode", "59" if document.mandate_id else "30"),
        _text("cbc:PaymentDueDate", due) if document.is_credit_note else "",
        _text("cbc:PaymentID", document.payment_reference),
        _wrapped("cac:PayeeFinancialAccount", _text("cbc:ID", document.iban)),
        _wrapped("cac:PaymentMandate", _text("cbc:ID", document.mandate_id)),
    ]
    return f"<cac:PaymentMeans>{''.join(inside)}</cac:PaymentMeans>" if any(inside[1:]) else ""


def _ubl_party(trader: Trader) -> str:
    address = (
        _text("cbc:CityName", trader.city)
        + _text("cbc:PostalZone", trader.postal_code)
        + f"<cac:Country>{_text('cbc:IdentificationCode', trader.country)}</cac:Country>"
    )
    tax = f"{_text('cbc:CompanyID', trader.vat_number)}<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"
    legal = _text("cbc:RegistrationName", trader.name) + _numbered("cbc:CompanyID", trader.registration)
    parts = [
        _numbered("cbc:EndpointID", trader.endpoint),
        _wrapped("cac:PartyIdentification", _text("cbc:ID", trader.number_with_us)),
        f"<cac:PostalAddress>{address}</cac:PostalAddress>",
        f"<cac:PartyTaxScheme>{tax}</cac:PartyTaxScheme>" if trader.vat_number else "",
        f"<cac:PartyLegalEntity>{legal}</cac:PartyLegalEntity>",
    ]
    return f"<cac:Party>{''.join(parts)}</cac:Party>"


def _ubl_totals(document: Document) -> str:
    currency = document.currency
    inside = [
        _amount("cbc:LineExtensionAmount", document.net_cents, currency),
        _amount("cbc:TaxExclusiveAmount", document.net_cents, currency),
        _amount("cbc:TaxInclusiveAmount", document.total_cents, currency),
        _amount("cbc:PrepaidAmount", document.prepaid_cents, currency) if document.prepaid_cents else "",
        _amount("cbc:PayableRoundingAmount", document.rounding_cents, currency) if document.rounding_cents else "",
        _amount("cbc:PayableAmount", document.asked_cents, currency),
    ]
    return f"<cac:LegalMonetaryTotal>{''.join(inside)}</cac:LegalMonetaryTotal>"


def _ubl_line(line: DocumentLine, name: str, quantity_name: str, currency: str) -> str:
    inside = [
        _text("cbc:ID", line.line_id),
        f"<cbc:{quantity_name} unitCode='C62'>{line.quantity}</cbc:{quantity_name}>",
        _amount("cbc:LineExtensionAmount", line.net_cents, currency),
        _wrapped("cac:OrderLineReference", _text("cbc:LineID", line.order_line)),
        f"<cac:Item>{_text('cbc:Name', line.description)}</cac:Item>",
        f"<cac:Price><cbc:PriceAmount currencyID='{currency}'>{_price(line)}</cbc:PriceAmount></cac:Price>",
    ]
    return f"<cac:{name}>{''.join(inside)}</cac:{name}>"


def cii(document: Document) -> bytes:
    """The document as UN/CEFACT Cross Industry Invoice (D16B and later)."""
    type_code = document.type_code or ("381" if document.is_credit_note else "380")
    head = (
        f"{_text('ram:ID', document.number)}{_text('ram:TypeCode', type_code)}"
        f"<ram:IssueDateTime>{_cii_day(document.issued_on)}</ram:IssueDateTime>"
    )
    agreement = [
        _text("ram:BuyerReference", document.buyer_reference),
        f"<ram:SellerTradeParty>{_cii_party(document.seller)}</ram:SellerTradeParty>",
        f"<ram:BuyerTradeParty>{_cii_party(document.buyer)}</ram:BuyerTradeParty>",
        _wrapped("ram:BuyerOrderReferencedDocument", _text("ram:IssuerAssignedID", document.order_number)),
        _wrapped("ram:ContractReferencedDocument", _text("ram:IssuerAssignedID", document.contract_number)),
        _wrapped("ram:SpecifiedProcuringProject", _text("ram:ID", document.project_number)),
    ]
    delivery = (
        "<ram:ActualDeliverySupplyChainEvent><ram:OccurrenceDateTime>"
        f"{_cii_day(document.delivered_on)}</ram:OccurrenceDateTime></ram:ActualDeliverySupplyChainEvent>"
        if document.delivered_on
        else ""
    )
    due = f"<ram:DueDateDateTime>{_cii_day(document.due_on)}</ram:DueDateDateTime>" if document.due_on else ""
    terms = _text("ram:Description", document.terms) + due + _text("ram:DirectDebitMandateID", document.mandate_id)
    account = _wrapped("ram:PayeePartyCreditorFinancialAccount", _text("ram:IBANID", document.iban))
    settlement = [
        _text("ram:PaymentReference", document.payment_reference),
        _text("ram:InvoiceCurrencyCode", document.currency),
        f"<ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>30</ram:TypeCode>{account}</ram:SpecifiedTradeSettlementPaymentMeans>",
        _wrapped("ram:SpecifiedTradePaymentTerms", terms),
        _cii_totals(document),
        *(_invoice_reference(number, day) for number, day in document.preceding),
    ]
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>\n<rsm:CrossIndustryInvoice xmlns:rsm='{_CII}:CrossIndustryInvoice:100'"
        f" xmlns:ram='{_CII}:ReusableAggregateBusinessInformationEntity:100' xmlns:udt='{_CII}:UnqualifiedDataType:100'"
        f" xmlns:qdt='{_CII}:QualifiedDataType:100'>"
        f"<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>{_text('ram:ID', document.profile)}"
        f"</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>"
        f"<rsm:ExchangedDocument>{head}</rsm:ExchangedDocument><rsm:SupplyChainTradeTransaction>"
        f"{''.join(_cii_line(line) for line in document.lines)}"
        f"<ram:ApplicableHeaderTradeAgreement>{''.join(agreement)}</ram:ApplicableHeaderTradeAgreement>"
        f"<ram:ApplicableHeaderTradeDelivery>{delivery}</ram:ApplicableHeaderTradeDelivery>"
        f"<ram:ApplicableHeaderTradeSettlement>{''.join(settlement)}</ram:ApplicableHeaderTradeSettlement>"
        "</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>\n"
    ).encode()


def _cii_party(trader: Trader) -> str:
    tax = f"<ram:ID schemeID='VA'>{escape(trader.vat_number)}</ram:ID>" if trader.vat_number else ""
    return "".join(
        [
            _text("ram:ID", trader.number_with_us),
            _text("ram:Name", trader.name),
            _wrapped("ram:SpecifiedLegalOrganization", _numbered("ram:ID", trader.registration)),
            "<ram:PostalTradeAddress>",
            _text("ram:PostcodeCode", trader.postal_code),
            _text("ram:CityName", trader.city),
            _text("ram:CountryID", trader.country),
            "</ram:PostalTradeAddress>",
            _wrapped("ram:URIUniversalCommunication", _numbered("ram:URIID", trader.endpoint)),
            _wrapped("ram:SpecifiedTaxRegistration", tax),
        ]
    )


def _cii_totals(document: Document) -> str:
    inside = [
        _amount("ram:LineTotalAmount", document.net_cents),
        _amount("ram:TaxBasisTotalAmount", document.net_cents),
        _amount("ram:TaxTotalAmount", document.vat_cents, document.currency),
        _amount("ram:RoundingAmount", document.rounding_cents) if document.rounding_cents else "",
        _amount("ram:GrandTotalAmount", document.total_cents),
        _amount("ram:TotalPrepaidAmount", document.prepaid_cents) if document.prepaid_cents else "",
        _amount("ram:DuePayableAmount", document.asked_cents),
    ]
    name = "ram:SpecifiedTradeSettlementHeaderMonetarySummation"
    return f"<{name}>{''.join(inside)}</{name}>"


def _cii_line(line: DocumentLine) -> str:
    order = _wrapped("ram:BuyerOrderReferencedDocument", _text("ram:LineID", line.order_line))
    return (
        "<ram:IncludedSupplyChainTradeLineItem>"
        f"<ram:AssociatedDocumentLineDocument>{_text('ram:LineID', line.line_id)}</ram:AssociatedDocumentLineDocument>"
        f"<ram:SpecifiedTradeProduct>{_text('ram:Name', line.description)}</ram:SpecifiedTradeProduct>"
        f"<ram:SpecifiedLineTradeAgreement>{order}<ram:NetPriceProductTradePrice>"
        f"<ram:ChargeAmount>{_price(line)}</ram:ChargeAmount></ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>"
        f"<ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode='C62'>{line.quantity}</ram:BilledQuantity></ram:SpecifiedLineTradeDelivery>"
        "<ram:SpecifiedLineTradeSettlement><ram:SpecifiedTradeSettlementLineMonetarySummation>"
        f"{_amount('ram:LineTotalAmount', line.net_cents)}"
        "</ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>"
        "</ram:IncludedSupplyChainTradeLineItem>"
    )


def _invoice_reference(number: str, day: date | None) -> str:
    issued = (
        f"<ram:FormattedIssueDateTime><qdt:DateTimeString format='102'>{day:%Y%m%d}</qdt:DateTimeString></ram:FormattedIssueDateTime>"
        if day
        else ""
    )
    return f"<ram:InvoiceReferencedDocument>{_text('ram:IssuerAssignedID', number)}{issued}</ram:InvoiceReferencedDocument>"


def pdf_with(*attachments: tuple[str, bytes], password: str | None = None) -> bytes:
    """A one-page PDF with files embedded, as Factur-X and ZUGFeRD are sent."""
    writer = PdfWriter()
    writer.add_blank_page(width=595, height=842)
    for name, content in attachments:
        writer.add_attachment(name, content)
    if password is not None:
        writer.encrypt(password, algorithm="AES-128")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def invoice_response(
    invoice_number: str,
    code: str,
    *,
    sender: Trader,
    receiver: Trader,
    document_id: str = "response-1",
    issued_on: date,
    issued_at: str | None = None,
    reasons: Iterable[tuple[str, str, str]] = (),
    effective_on: date | None = None,
) -> bytes:
    """A Peppol Invoice Response (T111). `reasons` are (list: OPStatusReason or OPStatusAction, code, text)."""
    statuses = "".join(
        f"<cac:Status><cbc:StatusReasonCode listID={quoteattr(list_id)}>{escape(reason)}</cbc:StatusReasonCode>"
        f"{_text('cbc:StatusReason', text)}</cac:Status>"
        for list_id, reason, text in reasons
    )
    effective = _text("cbc:EffectiveDate", effective_on.isoformat() if effective_on else None)
    response = (
        f"<cac:Response><cbc:ResponseCode listID='UNCL4343OpSubset'>{escape(code)}</cbc:ResponseCode>"
        f"{effective}{statuses}</cac:Response>"
    )
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>\n<ApplicationResponse xmlns='{_UBL}:ApplicationResponse-2'"
        f" xmlns:cac='{_UBL}:CommonAggregateComponents-2' xmlns:cbc='{_UBL}:CommonBasicComponents-2'>"
        "<cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:invoice_response:3</cbc:CustomizationID>"
        "<cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:invoice_response:3</cbc:ProfileID>"
        f"{_text('cbc:ID', document_id)}{_text('cbc:IssueDate', issued_on.isoformat())}{_text('cbc:IssueTime', issued_at)}"
        f"<cac:SenderParty>{_answering(sender)}</cac:SenderParty><cac:ReceiverParty>{_answering(receiver)}</cac:ReceiverParty>"
        f"<cac:DocumentResponse>{response}<cac:DocumentReference>{_text('cbc:ID', invoice_number)}"
        "<cbc:DocumentTypeCode>380</cbc:DocumentTypeCode></cac:DocumentReference></cac:DocumentResponse></ApplicationResponse>\n"
    ).encode()


def _answering(trader: Trader) -> str:
    legal = _wrapped("cac:PartyLegalEntity", _text("cbc:RegistrationName", trader.name))
    return f"{_numbered('cbc:EndpointID', trader.endpoint)}{legal}"


def _text(name: str, text: str | None) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _wrapped(name: str, inside: str) -> str:
    return f"<{name}>{inside}</{name}>" if inside else ""


def _numbered(name: str, numbered: tuple[str, str] | None) -> str:
    if numbered is None:
        return ""
    scheme, number = numbered
    attribute = f" schemeID={quoteattr(scheme)}" if scheme else ""
    return f"<{name}{attribute}>{escape(number)}</{name}>"


def _amount(name: str, cents: int, currency: str = "") -> str:
    attribute = f" currencyID='{currency}'" if currency else ""
    return f"<{name}{attribute}>{_money(cents)}</{name}>"


def _money(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def _price(line: DocumentLine) -> str:
    """Price of one, to four decimals."""
    parts = abs(line.net_cents) * 100 // max(abs(line.quantity), 1)
    return f"{parts // 10000}.{parts % 10000:04}"


def _cii_day(day: date | None) -> str:
    return f"<udt:DateTimeString format='102'>{day:%Y%m%d}</udt:DateTimeString>" if day else ""
