"""Two matchers to compare with, in plain Python on the same worlds: what a script of an afternoon does, and what the
bookkeeping programs of the day do. Both take the payments one by one in order of arrival, and never look back."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable

from benchmarks.matching.score import Outcome
from benchmarks.matching.worlds import Document, Receipt, World

MIN_DIGITS = 4


def digits_of(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


class _Ledger:
    """What is open, as the matcher believes, and the words by which an invoice is found."""

    def __init__(self, world: World) -> None:
        self.open = {key: document.cents for key, document in world.documents.items() if document.cents > 0}
        self.documents = world.documents
        self.by_digits: dict[str, list[Document]] = defaultdict(list)
        self.by_cents: dict[int, list[Document]] = defaultdict(list)
        self.of_customer: dict[str, list[Document]] = defaultdict(list)
        for document in sorted(world.documents.values(), key=lambda each: (each.due_on, each.invoice_id)):
            if document.cents > 0:
                for text in {digits_of(document.number), digits_of(document.reference)} - {""}:
                    self.by_digits[text].append(document)
                self.by_cents[document.cents].append(document)
                self.of_customer[document.customer.customer_id].append(document)

    def is_open(self, document: Document, receipt: Receipt) -> bool:
        """Issued, not settled, and in the currency that was paid."""
        return (
            self.open[document.invoice_id] > 0
            and document.issued_on <= receipt.booked_on
            and document.currency == receipt.currency
        )

    def hits(self, receipt: Receipt) -> list[Document]:
        """Open invoices whose digits are the digits of a word of the text, oldest first."""
        words = {digits_of(word) for word in re.split(r"[\s,;+]+", f"{receipt.text} {receipt.structured or ''}")}
        found = [
            document
            for word in words
            if len(word) >= MIN_DIGITS
            for document in self.by_digits.get(word, ())
            if self.is_open(document, receipt)
        ]
        return sorted(found, key=lambda each: (each.due_on, each.invoice_id))

    def fill(self, documents: list[Document], cents: int) -> dict[str, int]:
        """Greedily, in the order given, until the money is gone."""
        placed: dict[str, int] = {}
        for document in documents:
            share = min(cents - sum(placed.values()), self.open[document.invoice_id])
            if share > 0 and document.invoice_id not in placed:
                placed[document.invoice_id] = share
        return placed

    def book(self, placed: dict[str, int]) -> Outcome:
        for key, cents in placed.items():
            self.open[key] -= cents
        return Outcome(placed, rules=dict.fromkeys(placed, "booked"))


def naive(world: World) -> list[Outcome]:
    """A word of four digits or more that hits an open invoice, else the oldest open invoice of the amount. Books always."""
    ledger = _Ledger(world)
    outcomes = []
    for receipt in world.receipts:
        if receipt.cents <= 0:
            outcomes.append(Outcome())
            continue
        equals = [
            document
            for document in ledger.by_cents.get(receipt.cents, ())
            if ledger.is_open(document, receipt) and ledger.open[document.invoice_id] == receipt.cents
        ]
        outcomes.append(ledger.book(ledger.fill(ledger.hits(receipt) or equals[:1], receipt.cents)))
    return outcomes


def sequential(world: World) -> list[Outcome]:
    """Who paid by account (as declared, or as first booked); among that customer's invoices those the text hits, by due date,
    filled until the money is gone and booked when they come out exactly or one of them is paid in part; without a hit the
    customer's oldest invoice of the amount, or its oldest invoices that add up to it."""
    ledger = _Ledger(world)
    owners = {each.ibans[0]: each.customer_id for each in world.customers if each.is_iban_known}
    outcomes = []
    for receipt in world.receipts:
        customer_id = owners.get(receipt.payer_iban)
        outcome = ledger.book(_choose(ledger, receipt, customer_id)) if receipt.cents > 0 else Outcome()
        for key in outcome.placed:
            owners.setdefault(receipt.payer_iban, ledger.documents[key].customer.customer_id)
        outcomes.append(outcome)
    return outcomes


def _choose(ledger: _Ledger, receipt: Receipt, customer_id: str | None) -> dict[str, int]:
    hits = [each for each in ledger.hits(receipt) if customer_id in (None, each.customer.customer_id)]
    if hits:
        placed = ledger.fill(hits, receipt.cents)
        return placed if sum(placed.values()) == receipt.cents else {}
    if customer_id is None:
        return {}
    waiting = [each for each in ledger.of_customer[customer_id] if ledger.is_open(each, receipt)]
    equal = [each for each in waiting if ledger.open[each.invoice_id] == receipt.cents]
    if equal:
        return ledger.fill(equal[:1], receipt.cents)
    total, oldest = 0, []
    for document in waiting:
        oldest.append(document)
        total += ledger.open[document.invoice_id]
        if total >= receipt.cents:
            break
    return ledger.fill(oldest, receipt.cents) if total == receipt.cents else {}


BASELINES: dict[str, Callable[[World], list[Outcome]]] = {"naive": naive, "sequential": sequential}
