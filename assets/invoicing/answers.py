"""Buyers' answers to our invoices (Peppol Invoice Responses), on their way into the register."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from assets.invoicing.customers import Customers
from assets.invoicing.documents import InvoiceResponse
from assets.invoicing.identity import Known, company_of, contradicts, customer_of
from assets.invoicing.response import ORDER
from assets.invoicing.whose import NotTaken
from assets.landing.quarantine import Refused


@dataclass(frozen=True, slots=True)
class Answer:
    """A buyer's answer to one of our invoices, ready for the register."""

    company_id: str
    invoice_number: str
    code: str
    effective_on: date
    recorded_by: str
    external_id: str
    reason: str


# Records an answer; false when it had been recorded before. Raises Refusal when the register does not take it.
Recorder = Callable[[Answer], bool]


def said_at(response: InvoiceResponse) -> tuple[date, str, int]:
    return response.issued_on, response.issued_at, ORDER.index(response.code)


def answer_of(
    response: InvoiceResponse, companies: Sequence[Known], customers: Customers, today: date
) -> Answer | NotTaken:
    """The answer, if it is to an invoice of ours and from the customer it is of."""
    match = company_of(response.receiver, (), companies)
    company = match.only
    if company is None:
        return NotTaken(
            Refused(
                "not_our_document" if not match.found else "ambiguous_supplier",
                f"the answer is to {response.receiver.described()}, and no one company here is that",
            )
        )
    owners = customers.of_invoice(company.identity, response.invoice_number)
    if not owners:
        return NotTaken(
            Refused(
                "unknown_invoice",
                f"the answer is about invoice {response.invoice_number}, which {company.identity} has not sent;"
                " if it is new, deliver the answer again when the invoice has landed",
            )
        )
    sender = customer_of(response.sender, [owner for owner in owners if not contradicts(response.sender, owner)])
    if sender.only is None:
        return NotTaken(
            Refused(
                "not_the_customer",
                f"invoice {response.invoice_number} is not of {response.sender.described()}, who answers it;"
                " add the sender's numbers to the customer if it is the same",
            )
        )
    endpoint = response.sender.endpoint or response.sender.legal_id
    by = f"{endpoint.scheme}:{endpoint.value}" if endpoint else response.sender.name
    return Answer(
        company_id=company.identity,
        invoice_number=response.invoice_number,
        code=response.code,
        # It has arrived, so it is known: a day to come would only keep a rejection from being heard.
        effective_on=min(response.effective_on or response.issued_on, response.issued_on, today),
        recorded_by=_plain(f"Peppol {by}")[:200],
        external_id=_short(_plain(f"invoice-response/{by}/{response.document_id}")),
        reason=_plain("; ".join([*response.reasons, *response.actions, *response.texts]))[:2000],
    )


def _plain(text: str) -> str:
    """Text without characters nobody sees: the register refuses those, and a rejection must not be lost over one."""
    return "".join(mark for mark in text if unicodedata.category(mark) not in ("Cc", "Cf", "Cs"))


def _short(text: str) -> str:
    """An id of at most 200 characters: what is longer is told apart by its hash."""
    return text if len(text) <= 200 else f"{text[:100]}/{hashlib.sha256(text.encode()).hexdigest()}"
