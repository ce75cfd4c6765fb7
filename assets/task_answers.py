"""What may be answered to a task, and in which columns: shared by the worklists that ask and the register that reads.

The words are fixed here, since an answer is validated where no warehouse may exist yet. What an answer leads to (when
somebody tries again, which task comes next) is policy: the seed `outcome_rules`.
"""

from __future__ import annotations

from collections.abc import Mapping

# What a conversation about payment may end in, whoever began it.
_OF_A_CONVERSATION = (
    "promised",
    "date_given",
    "arrangement",
    "disputed",
    "complaint",
    "says_paid",
    "needs_copy",
    "no_result",
    "no_answer",
)

OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "receipt_check": ("received", "not_received", "no_answer"),
    "send_again": ("sent_again", "cannot_be_sent"),
    "conditions_check": ("correct", "incorrect", "no_answer"),
    "lines_check": ("as_expected", "disputed", "no_answer"),
    "expected_payment_date": ("date_given", "promised", "no_date", "no_answer"),
    "call": _OF_A_CONVERSATION,
    "follow_up": ("done", *_OF_A_CONVERSATION),
    "key_account_overdue": ("done", *_OF_A_CONVERSATION),
    "broken_promise": _OF_A_CONVERSATION,
    "arrangement_breach": ("done", *_OF_A_CONVERSATION),
    "ambiguous_payment": ("matched", "rejected"),
    "unplaced_money": ("matched", "not_found"),
    "refund": ("refunded", "placed"),
    "correction": ("corrected", "not_corrected"),
    "release_needed": ("released", "refused"),
    "in_doubt_delivery": ("arrived", "did_not_arrive", "cannot_tell"),
    "bounced_address": ("corrected", "no_address"),
    "statement_gap": ("delivered", "not_available"),
    "credit_and_rebill": ("done", "rejected"),
    "credit_review": ("done", "not_done"),
}

# A kind of task that is policy only: somebody added a row to the seed and no words of its own here.
OF_ANY_KIND = ("done", "not_done")

ALL_OUTCOMES = tuple(sorted({*OF_ANY_KIND, *(word for words in OUTCOMES.values() for word in words)}))


def outcomes_of(task_kind: str) -> tuple[str, ...]:
    """The answers a task of this kind may have."""
    return OUTCOMES.get(task_kind, OF_ANY_KIND)


# How an invoice goes out a second time.
CHANNELS = ("email", "letter", "portal", "peppol", "hand")

# The columns of a worklist that a person fills in, in order. Everything else on it is only for reading.
TASK_ID = "task_id"
WORKLIST_ON = "worklist_on"
OWNER = "owner"
ANSWERS = (
    "outcome",
    "note",
    "follow_up_on",
    "promised_on",
    "promised_amount",
    "expected_on",
    "disputed_line",
    "disputed_amount",
    "instalments",
    "hardship",
    "sent_by",
    "answered_by",
    "answered_on",
)
HARDSHIPS = ("cannot_pay", "temporarily_tight")
