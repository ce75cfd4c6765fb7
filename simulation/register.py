"""What the finance department recorded: decisions as events, and the reminders of the system before this one."""

import json
from datetime import date, timedelta

from simulation.casting import EventDraft, InvoiceOf, Scene, StageDraft, euros
from simulation.customers import COLLECTORS, COMPANY_ID
from simulation.drafts import Draft
from simulation.entry_keys import entry_key
from simulation.model import BankEntry, Behaviour, EntryTruth, Invoice, OpeningStage, RegisterEvent, Role, Tier
from simulation.streams import chance, stream

# Days after the due day on which the earlier system sent its reminders.
FORMER_REMINDER_DAYS = (12, 27, 45)
# What it left alone: differences by bank costs and the like.
SMALLEST_REMINDED_CENTS = 25_00
FORMER_CHANNELS = ("email", "email", "letter")


def dispute_events(drafts: list[Draft]) -> list[EventDraft]:
    events = []
    for draft in drafts:
        dispute = draft.dispute
        if dispute is None:
            continue
        clerk = COLLECTORS[int(draft.customer_id) % len(COLLECTORS)]
        invoice = InvoiceOf(draft.key)
        events.append(
            EventDraft(dispute.opened_on, "dispute_opened", {"invoice": invoice, "reason": dispute.reason}, clerk)
        )
        if dispute.closed_on and dispute.outcome:
            events.append(
                EventDraft(dispute.closed_on, "dispute_closed", {"invoice": invoice, "outcome": dispute.outcome}, clerk)
            )
    return events


def answered_payments(
    seed: int,
    entries: tuple[BankEntry, ...],
    truth: tuple[EntryTruth, ...],
    drafts_of_invoices: dict[str, str],
    formats: dict[str, str],
    collectors: dict[str, str],
    cut_over_on: date,
) -> list[EventDraft]:
    """What the clerks answered about payments nobody could place by rule, up to a week before the cut-over.

    The newest such payments are still on their desks when the demonstration begins.
    """
    events = []
    for entry, known in zip(entries, truth, strict=True):
        if not known.needs_clerk or known.customer_id is None:
            continue
        answered_on = entry.booked_on + timedelta(days=stream(seed, "answer", entry.entry_id).randint(1, 3))
        if entry.booked_on > cut_over_on - timedelta(days=7):
            continue
        for invoice_id, cents in known.allocations:
            events.append(
                EventDraft(
                    answered_on,
                    "match_confirmed",
                    {
                        "entry_key": entry_key(entry, formats[entry.account_iban]),
                        "invoice": InvoiceOf(drafts_of_invoices[invoice_id]),
                        "amount": euros(cents),
                    },
                    collectors[known.customer_id],
                )
            )
    return events


def resolved(value: object, invoices: dict[str, Invoice]) -> object:
    """The payload with invoice numbers where it names invoices: people record what the paper says."""
    match value:
        case InvoiceOf(draft_key=key):
            return invoices[key].invoice_number
        case dict():
            return {name: resolved(part, invoices) for name, part in value.items()}
        case list():
            return [resolved(part, invoices) for part in value]
        case _:
            return value


def register_events(
    drafts: list[Draft],
    scenes: list[Scene],
    announced: list[EventDraft],
    invoices: dict[str, Invoice],
    until: date,
) -> tuple[RegisterEvent, ...]:
    """Every event up to `until`, in order of its day; its external id never changes once its day has passed."""
    events = dispute_events(drafts) + announced + [event for scene in scenes for event in scene.events]
    rows = sorted(
        (
            event.effective_on,
            event.kind,
            json.dumps(resolved(event.payload, invoices), ensure_ascii=False, sort_keys=True),
            event.recorded_by,
        )
        for event in events
        if event.effective_on <= until
    )
    return tuple(
        RegisterEvent(f"REG-{number:05d}", COMPANY_ID, effective_on, recorded_by, kind, payload)
        for number, (effective_on, kind, payload, recorded_by) in enumerate(rows, start=1)
    )


def written_off(announced: list[EventDraft], invoices: dict[str, Invoice], day: date) -> dict[str, int]:
    """Cents written off by invoice number up to and including `day`."""
    amounts: dict[str, int] = {}
    for event in announced:
        invoice = event.payload.get("invoice")
        if event.kind == "write_off" and isinstance(invoice, InvoiceOf) and event.effective_on <= day:
            number = invoices[invoice.draft_key].invoice_number
            amounts[number] = amounts.get(number, 0) + int(str(event.payload["amount"]).replace(".", ""))
    return amounts


def open_at(
    day: date,
    invoices: tuple[Invoice, ...],
    paid: dict[str, list[tuple[date, int]]],
    written_off_cents: dict[str, int],
) -> dict[str, int]:
    """Open cents by invoice id at the end of `day`, credit notes with a reference netted, write-offs gone."""
    credited = dict(written_off_cents)
    for invoice in invoices:
        if invoice.kind == "credit_note" and invoice.credits_invoice_number and invoice.issued_on <= day:
            number = invoice.credits_invoice_number
            credited[number] = credited.get(number, 0) + invoice.total_cents
    return {
        invoice.invoice_id: invoice.total_cents
        - credited.get(invoice.invoice_number, 0)
        - sum(cents for booked_on, cents in paid.get(invoice.invoice_id, ()) if booked_on <= day)
        for invoice in invoices
        if invoice.kind == "invoice" and invoice.issued_on <= day and invoice.cancelled_on is None
    }


def paid_by_invoice(truth: tuple[EntryTruth, ...], booked_on: dict[str, date]) -> dict[str, list[tuple[date, int]]]:
    """The payments of each invoice, by invoice id: booking day and cents."""
    paid: dict[str, list[tuple[date, int]]] = {}
    for entry in truth:
        for invoice_id, cents in entry.allocations:
            paid.setdefault(invoice_id, []).append((booked_on[entry.entry_id], cents))
    return paid


def former_stages(
    seed: int,
    cut_over_on: date,
    invoices: tuple[Invoice, ...],
    behaviours: tuple[Behaviour, ...],
    still_open: dict[str, int],
) -> list[OpeningStage]:
    """What the earlier system sent for uncast customers' invoices that are overdue at cut-over; it forgot some."""
    plain = {
        behaviour.customer_id
        for behaviour in behaviours
        if behaviour.role is Role.NONE and behaviour.tier is not Tier.KEY
    }
    stages = []
    for invoice in invoices:
        if invoice.customer_id not in plain or still_open.get(invoice.invoice_id, 0) < SMALLEST_REMINDED_CENTS:
            continue
        rng = stream(seed, "former reminders", invoice.invoice_id)
        if chance(rng, 15):
            continue
        for level, (wait, channel) in enumerate(zip(FORMER_REMINDER_DAYS, FORMER_CHANNELS, strict=True), start=1):
            sent_on = invoice.due_on + timedelta(days=wait + rng.randint(0, 2))
            if sent_on <= cut_over_on:
                stages.append(OpeningStage(invoice.invoice_id, level, sent_on, channel))
    return stages


def opening_stages(
    seed: int,
    cut_over_on: date,
    invoices: dict[str, Invoice],
    scenes: list[Scene],
    behaviours: tuple[Behaviour, ...],
    still_open: dict[str, int],
) -> tuple[OpeningStage, ...]:
    """All reminders sent up to the cut-over by the earlier system, for invoices then still open."""
    scripted: list[StageDraft] = [stage for scene in scenes for stage in scene.stages]
    stages = [
        OpeningStage(
            invoices[stage.draft_key].invoice_id,
            stage.stage_no,
            stage.dispatched_on,
            FORMER_CHANNELS[stage.stage_no - 1],
        )
        for stage in scripted
        if stage.dispatched_on <= cut_over_on
    ]
    stages += former_stages(seed, cut_over_on, tuple(invoices.values()), behaviours, still_open)
    return tuple(sorted(stages, key=lambda stage: (stage.invoice_id, stage.stage_no)))
