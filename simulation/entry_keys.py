"""The key by which a register event names a bank entry, computed here as the published contract words it.

Whoever answers for an entry outside the product (a clerk's own list, an extract) has to compute it this way too.
"""

from hashlib import sha256

from simulation.casting import euros
from simulation.model import BankEntry
from simulation.names import without_accents

KEY_LENGTH = 26


def letters_and_digits(text: str) -> str:
    return "".join(filter(str.isalnum, text.upper()))


def entry_key(entry: BankEntry, statement_format: str) -> str:
    """First 26 hex digits of SHA-256 over what the statement says of the entry.

    The occurrence number is 1: bank references are unique here outside a collection, end-to-end ids inside one.
    """
    text = "".join(entry.remittance)
    written = text if statement_format == "camt.053" else without_accents(text)
    content = "|".join(
        (
            "entry",
            "1",
            entry.account_iban,
            entry.booked_on.isoformat(),
            entry.valued_on.isoformat(),
            euros(entry.amount_cents),
            "EUR",
            letters_and_digits(entry.bank_reference),
            letters_and_digits(entry.end_to_end_id or ""),
            entry.counterparty_iban or "",
            letters_and_digits(entry.structured_reference or written),
            "1",
        )
    )
    return sha256(content.encode()).hexdigest()[:KEY_LENGTH]
