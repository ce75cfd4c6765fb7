"""What each kind of message is: which invoices it may name, whether it asks for money, and what it must not leave out.

The wording lies in templates and may change; this is what a finished message is held to whatever the wording.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Kind:
    """`items`: what its invoices must be on the day of the message; `none` for a message about no invoice, `paid` for one whose invoices
    are paid. `asks`: whether it asks for money; `perhaps` when its row decides. `particulars`: what it must print beside its
    invoices. `has_parts`: it says what the reader does, what we do, and what follows otherwise.
    """

    items: Literal["overdue", "not_due", "any", "paid", "none"]
    asks: Literal["always", "perhaps", "never"] = "always"
    particulars: tuple[str, ...] = ()
    has_parts: bool = False


KINDS: Mapping[str, Kind] = {
    "pre_due_notice": Kind("not_due"),
    "reminder_1": Kind("overdue"),
    "reminder_2": Kind("overdue"),
    "formal_notice": Kind("overdue"),
    "agreement_confirmation": Kind("any", particulars=("agreed_on", "resumes_on"), has_parts=True),
    "dispute_received": Kind("any", asks="perhaps", particulars=("disputed_amount",)),
    "rebill_notice": Kind("any", particulars=("original_invoice_number", "credit_note_number")),
    "receipt_check": Kind("any"),
    "thank_you": Kind("paid", asks="never", particulars=("settled_amount",)),
    "unplaced_money_request": Kind(
        "none", asks="never", particulars=("received_on", "received_amount", "unplaced_amount")
    ),
}

# The three parts of a confirmation, as blocks of its wording, in the order they are read.
PARTS = ("customer_part", "our_part", "otherwise")


def kind_of(message_kind: str) -> Kind:
    """The kind of that name; one nobody has described may hold anything, and finds no template."""
    return KINDS.get(message_kind, Kind("any", asks="perhaps"))
