"""Whose an invoice document is, and of which customer; or why it is refused, and whom that concerns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assets.invoicing.customers import Customers
from assets.invoicing.documents import InvoiceDocument, Party, UnreadableDocument
from assets.invoicing.identity import Known, company_of
from assets.invoicing.rows import Whose
from assets.landing.quarantine import Refused


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A refused document, and whose it is as far as that is known: that customer is held until it is mended."""

    refused: Refused
    company_id: str | None = None
    customer_id: str | None = None
    number: str | None = None


def whose_document(
    read: InvoiceDocument | UnreadableDocument, companies: Sequence[Known], customers: Customers
) -> Whose | NotTaken:
    """Whose document it is; or why it is refused, and whom that concerns as far as it can be told."""
    if isinstance(read, UnreadableDocument):
        refused = Refused(read.code, read.message, read.position)
        if read.named is None:
            return NotTaken(refused)
        company = company_of(read.named.supplier, (), companies).only
        if company is None:
            return NotTaken(refused)
        customer = customers.matching(company, read.named.customer, read.named.number).only
        identity = customer.identity if customer else None
        return NotTaken(refused, company.identity if identity else None, identity, read.named.number)
    match = company_of(read.supplier, read.payee_accounts, companies)
    company = match.only
    if company is None:
        return NotTaken(_not_ours(read, match.found, companies))
    customer_match = customers.matching(company, read.customer, read.number)
    customer = customer_match.only
    if customer is None:
        return NotTaken(_unknown_customer(company, read.customer, customer_match.found))
    if read.payee_accounts and not company.accounts & set(read.payee_accounts):
        # Money that goes elsewhere is never seen here: whoever paid would be reminded for ever.
        message = (
            f"it asks for payment to {', '.join(read.payee_accounts[:3])}, which is no account of {company.identity};"
            " if it is, add it to companies.iban"
        )
        return NotTaken(Refused("unknown_payee_account", message), company.identity, customer.identity, read.number)
    return Whose(read, company.identity, customer)


def _not_ours(read: InvoiceDocument, found: Sequence[Known], companies: Sequence[Known]) -> Refused:
    if found:
        names = ", ".join(sorted(each.identity for each in found))
        return Refused(
            "ambiguous_supplier", f"the seller {read.supplier.described()} may be each of the companies {names}"
        )
    if company_of(read.customer, (), companies).found:
        return Refused(
            "not_our_document",
            f"this is a purchase invoice: we are its buyer, the seller is {read.supplier.described()}",
        )
    return Refused(
        "unknown_supplier",
        f"no company here is the seller {read.supplier.described()}; if it is one, add its VAT or registration number"
        " to companies",
    )


def _unknown_customer(company: Known, buyer: Party, found: Sequence[Known]) -> Refused:
    if found:
        names = ", ".join(sorted(each.identity for each in found[:5]))
        return Refused("ambiguous_customer", f"the buyer {buyer.described()} may be each of the customers {names}")
    return Refused(
        "unknown_customer",
        f"no customer of {company.identity} is the buyer {buyer.described()}; add the customer, or its numbers, and"
        " deliver the file again",
    )


_KEY_WORDS = ("customer", "kind", "date", "due date", "currency", "amount incl. VAT", "amount payable", "references")


def conflicting(offered: Whose, before: str, now: str) -> NotTaken:
    """The refusal of a document whose number was taken before with another claim; both are `rows.content_key`s."""
    differing = [
        f"{word} was {old or 'empty'}, is {new or 'empty'}"
        for word, old, new in zip(_KEY_WORDS, before.split("|"), now.split("|"), strict=False)
        if old != new
    ]
    message = (
        f"{offered.document.number} was taken before with other content: {'; '.join(differing)};"
        " a corrected document needs its own number, or the billing extract to say which one holds"
    )
    refused = Refused("conflicting_document", message)
    return NotTaken(refused, offered.company_id, offered.customer.identity, offered.document.number)
