"""What people may record, one declarative entry per kind of event.

Amounts are text with a dot and at most two decimals, dates are ISO text. `invoice` may be an invoice_id or an invoice
number: the warehouse resolves it, since only the warehouse knows invoices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from assets.task_answers import ALL_OUTCOMES, CHANNELS, outcomes_of


class Type(Enum):
    """How a field is read and written."""

    TEXT = "text"
    DATE = "date (YYYY-MM-DD)"
    AMOUNT = "amount (1250.00, above zero)"
    REFERENCES = "list of invoices"
    INSTALMENTS = "list of {due_on, amount}"


@dataclass(frozen=True)
class Field:
    """One field of a payload. `choices` closes the list of allowed words."""

    name: str
    type: Type = Type.TEXT
    required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Complaint:
    """A rule that a payload breaks: what is wrong, in which field, and what to do."""

    what: str
    where: str
    what_to_do: str


Payload = Mapping[str, object]
Rule = Callable[[Payload], Complaint | None]


@dataclass(frozen=True)
class Kind:
    """One kind of event: what it means, its fields, and the rules between them."""

    name: str
    meaning: str
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()

    def field(self, name: str) -> Field | None:
        """The field of that name, if this kind has it."""
        return next((field for field in self.fields if field.name == name), None)


def _exactly_one(first: str, second: str) -> Rule:
    def rule(payload: Payload) -> Complaint | None:
        if (first in payload) != (second in payload):
            return None
        return Complaint(
            f"needs either {first} or {second}, and not both", f"{first}, {second}", f"Give one of {first} and {second}"
        )

    return rule


def _at_least_one(first: str, second: str) -> Rule:
    def rule(payload: Payload) -> Complaint | None:
        if first in payload or second in payload:
            return None
        return Complaint(f"needs {first} or {second}", f"{first}, {second}", f"Give {first}, {second}, or both")

    return rule


def _needs_with(field: str, value: str, needed: str) -> Rule:
    def rule(payload: Payload) -> Complaint | None:
        if payload.get(field) != value or needed in payload:
            return None
        return Complaint(f"{field} {value} needs {needed}", needed, f"Give {needed}, or choose another {field}")

    return rule


def _instalments_in_order(payload: Payload) -> Complaint | None:
    # Ascending dates, each once, so that "the next instalment" is always one instalment. Amounts above zero are the
    # type's own rule, hence the sum is above zero too once there is one.
    instalments = payload["instalments"]
    assert isinstance(instalments, list)
    for earlier, later in pairwise(instalments):
        if later["due_on"] <= earlier["due_on"]:
            return Complaint(
                f"instalment due {later['due_on']} does not come after {earlier['due_on']}",
                "instalments",
                "Order the instalments by due date, one per date",
            )
    return None


def _an_outcome_of_its_task(payload: Payload) -> Complaint | None:
    # Without the kind of task (an extract of another system may not know it) any known outcome is taken.
    kind, outcome = payload.get("task_kind"), payload["outcome"]
    words = ALL_OUTCOMES if kind is None else outcomes_of(str(kind))
    if outcome in words:
        return None
    return Complaint(
        f"has outcome {str(outcome)!r}, which is no answer to {'any task' if kind is None else f'a task {kind}'}",
        "outcome",
        f"Choose one of: {', '.join(words)}",
    )


def _required(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name) for name in names)


def _optional(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, required=False) for name in names)


_INVOICES = Field("invoices", Type.REFERENCES)

# What each means for our own track is policy: the seed agency_statuses.
AGENCY_STATUSES = (
    "received",
    "in_progress",
    "arrangement",
    "part_paid",
    "paid",
    "at_court",
    "uncollectable",
    "returned",
    "closed",
)

_ALL = (
    Kind(
        "dispute_opened",
        "the customer contests an invoice or a line of it",
        (
            *_required("invoice", "reason"),
            *_optional("line_number"),
            Field("disputed_amount", Type.AMOUNT, required=False),
        ),
    ),
    Kind(
        "dispute_closed",
        "a dispute has ended",
        (
            Field("invoice"),
            Field("outcome", choices=("explanation", "credit_and_rebill", "rejected")),
            *_optional("line_number"),
        ),
    ),
    Kind(
        "promise_made",
        "the customer promised to pay",
        (_INVOICES, Field("promised_on", Type.DATE), Field("amount", Type.AMOUNT)),
    ),
    Kind("promise_withdrawn", "a promise no longer stands", (_INVOICES,)),
    Kind(
        "payment_expected",
        "a forecast of when an invoice will be paid; no promise",
        (Field("invoice"), Field("expected_on", Type.DATE)),
    ),
    Kind(
        "hold_placed",
        "a customer or an invoice is left alone",
        (*_optional("customer", "invoice"), Field("reason"), Field("until", Type.DATE, required=False)),
        (_exactly_one("customer", "invoice"),),
    ),
    Kind(
        "hold_lifted",
        "a hold has ended",
        _optional("customer", "invoice"),
        (_exactly_one("customer", "invoice"),),
    ),
    Kind(
        "arrangement_agreed",
        "the customer pays in instalments",
        (
            Field("customer"),
            _INVOICES,
            Field("instalments", Type.INSTALMENTS),
            Field("method", choices=("manual", "direct_debit")),
            Field("reason", choices=("cannot_pay", "temporarily_tight")),
            *_optional("interest_terms", "mandate_id", "arrangement_id"),
        ),
        (_instalments_in_order, _needs_with("method", "direct_debit", "mandate_id")),
    ),
    Kind("arrangement_cancelled", "an arrangement is called off", _required("arrangement_id")),
    Kind("terms_extended", "an invoice has a later due date", (Field("invoice"), Field("new_due_on", Type.DATE))),
    Kind(
        "task_outcome",
        "what came of a task",
        (
            *_required("task_id", "outcome"),
            *_optional("note"),
            Field("follow_up_on", Type.DATE, required=False),
            # What the task was about, so that its answer still has effect when the task itself is gone.
            *_optional("task_kind", "customer", "invoice"),
        ),
        (_an_outcome_of_its_task,),
    ),
    Kind(
        "invoice_sent_again",
        "an invoice that had not arrived went out a second time",
        (Field("invoice"), Field("channel", choices=CHANNELS), *_optional("address")),
    ),
    Kind(
        "match_confirmed",
        "a person says which invoice a bank entry pays",
        (*_required("entry_key", "invoice"), Field("amount", Type.AMOUNT, required=False)),
    ),
    Kind("match_rejected", "a person says which invoice a bank entry does not pay", _required("entry_key", "invoice")),
    Kind("write_off", "an amount is given up", (*_required("invoice", "reason"), Field("amount", Type.AMOUNT))),
    Kind(
        "charges_claimed",
        "interest and collection costs claimed on an invoice: what is claimed in all from that day on, paid or not",
        (
            Field("invoice"),
            Field("interest_amount", Type.AMOUNT, required=False),
            Field("costs_amount", Type.AMOUNT, required=False),
        ),
        (_at_least_one("interest_amount", "costs_amount"),),
    ),
    Kind(
        "charges_waived",
        "interest and collection costs not yet paid are no longer claimed",
        _required("invoice", "reason"),
    ),
    Kind(
        "call_made",
        "the customer was phoned",
        (
            *_required("customer", "outcome"),
            Field("invoices", Type.REFERENCES, required=False),
            *_optional("note"),
        ),
    ),
    Kind("contact_logged", "some other contact with the customer", _required("customer", "note")),
    Kind("complaint_opened", "the customer complains", (*_required("customer", "reason"), *_optional("invoice"))),
    Kind("complaint_closed", "a complaint has ended", (*_required("customer", "outcome"), *_optional("invoice"))),
    Kind(
        "conditions_set",
        "special terms of a customer or an invoice",
        _optional("customer", "invoice", "terms", "scenario_id"),
        (_exactly_one("customer", "invoice"), _at_least_one("terms", "scenario_id")),
    ),
    Kind(
        "registered_letter",
        "a registered letter was handed to the post, or received",
        (*_required("communication_id", "tracking_number"), Field("received_on", Type.DATE, required=False)),
    ),
    Kind(
        "handed_over",
        "invoices went to an agency, a lawyer or a court",
        (
            *_required("customer", "agency"),
            _INVOICES,
            Field("destination", required=False, choices=("agency", "lawyer", "court")),
            Field("fee_basis", required=False, choices=("paid_on_success", "fixed", "by_the_hour")),
            Field("success_fee_percent", Type.AMOUNT, required=False),
            *_optional("terms"),
        ),
        (_needs_with("fee_basis", "paid_on_success", "success_fee_percent"),),
    ),
    Kind(
        "agency_status",
        "what the agency reports of a hand-over, or of some of its invoices; of the newest one of the customer unless it names it",
        (
            *_required("customer"),
            Field("status", choices=AGENCY_STATUSES),
            *_optional("handover_id"),
            Field("invoices", Type.REFERENCES, required=False),
            Field("paid_amount", Type.AMOUNT, required=False),
            *_optional("reference", "note"),
        ),
    ),
    Kind(
        "insolvency", "the customer is insolvent", (*_required("customer", "insolvency_kind"), *_optional("reference"))
    ),
    Kind(
        "invoice_response",
        "the customer's answer to an invoice (Peppol Invoice Response, UNCL4343 subset)",
        (
            Field("invoice"),
            Field("code", choices=("AB", "IP", "UQ", "CA", "RE", "AP", "PD")),
            Field("expected_on", Type.DATE, required=False),
            *_optional("reason"),
        ),
    ),
    Kind(
        "release",
        "a held message, or a held batch, may leave",
        (*_optional("communication_id", "batch"), Field("reason")),
        (_exactly_one("communication_id", "batch"),),
    ),
    Kind(
        "refuse",
        "a held message, or a held batch, must not leave",
        (*_optional("communication_id", "batch"), Field("reason")),
        (_exactly_one("communication_id", "batch"),),
    ),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
