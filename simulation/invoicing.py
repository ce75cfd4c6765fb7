"""What the company bills: regular invoices, credit notes, cancellations, disputes and what they lead to."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from simulation import bank_days
from simulation.drafts import (
    REVERSE_CHARGED,
    SERVICES,
    Dispute,
    Draft,
    Plan,
    goods_lines,
    part_of_lines,
    service_line,
    split,
)
from simulation.identifiers import creditor_reference, structured_communication
from simulation.model import Behaviour, Customer, Invoice, Order, Role, Tier
from simulation.streams import chance, stream

SMALLEST_INVOICE_CENTS = 60_00
# A cast customer's ordinary business ends this long before the demonstration, so that its script stands alone.
SCRIPT_HORIZON = timedelta(days=120)
FIRST_INVOICE_ID = 500_001
DISPUTE_REASONS = (
    "Prijs wijkt af van de offerte",
    "Aantal geleverd klopt niet",
    "Beschadigd ontvangen",
    "Ordernummer ontbreekt of is onjuist",
    "Niet besteld",
)


def month_starts(start_on: date, until: date) -> Iterator[date]:
    day = start_on.replace(day=1)
    while day <= until:
        yield day
        day = (day + timedelta(days=32)).replace(day=1)


def month_end(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1) - bank_days.ONE_DAY


def gross_amounts(rng: random.Random, behaviour: Behaviour) -> list[int]:
    """The gross amounts billed in one month. Larger customers are billed their share of the year exactly."""
    invoices, remainder = divmod(behaviour.monthly_invoice_permille, 1000)
    count = invoices + (1 if rng.randrange(1000) < remainder else 0)
    if behaviour.tier is not Tier.STANDARD:
        return split(rng, behaviour.annual_turnover_cents // 12, max(count + rng.randint(-1, 1), 1))
    usual = behaviour.annual_turnover_cents * 1000 // (12 * behaviour.monthly_invoice_permille)
    return [max(usual * rng.randint(50, 150) // 100, SMALLEST_INVOICE_CENTS) for _ in range(count)]


def references(rng: random.Random, customer: Customer, orders: tuple[Order, ...]) -> tuple[str | None, str | None]:
    """Order and project number as the order clerk entered them: at times missing, at times unknown to the customer."""
    if not orders:
        return (f"PO{rng.randrange(460_000, 469_999)}" if chance(rng, 15) else None), None
    if chance(rng, 5):
        return None, None
    if chance(rng, 3):
        return f"PO{rng.randrange(470_000, 479_999)}", None
    order = rng.choice(orders)
    return order.order_number, order.project_number


def delivery(rng: random.Random, issued_on: date) -> tuple[date | None, str]:
    """When the invoice was confirmed as received, if ever, and what became of it."""
    status = rng.choices(("received", "sent", "failed"), (92, 6, 2))[0]
    return (issued_on + timedelta(days=rng.randint(0, 1)) if status == "received" else None), status


def regular_dispute(rng: random.Random, draft: Draft) -> Dispute | None:
    if not chance(rng, 2) or not chance(rng, 75):
        return None
    opened_on = draft.issued_on + timedelta(days=rng.randint(4, (draft.due_on - draft.issued_on).days + 8))
    outcome = rng.choices(("explanation", "credit_and_rebill", "rejected"), (50, 30, 20))[0]
    return Dispute(opened_on, opened_on + timedelta(days=rng.randint(4, 24)), outcome, rng.choice(DISPUTE_REASONS))


def regular_drafts(
    seed: int,
    customer: Customer,
    behaviour: Behaviour,
    orders: tuple[Order, ...],
    start_on: date,
    until: date,
    first_demonstration_day: date,
) -> list[Draft]:
    """A customer's ordinary invoices over the whole period, in order of issue."""
    rng = stream(seed, "invoices", customer.customer_id)
    last_on = until if behaviour.role is Role.NONE else min(until, first_demonstration_day - SCRIPT_HORIZON)
    service = rng.choice(SERVICES)
    monthly_net = max(behaviour.annual_turnover_cents // 12 * 100 // 121 // 2_50 * 2_50, 50_00)
    drafts: list[Draft] = []
    for first in month_starts(max(start_on, customer.created_on), until):
        days = list(bank_days.bank_days_between(first, month_end(first)))
        amounts = [0] if behaviour.is_subscription else gross_amounts(rng, behaviour)
        issue_days = sorted(days[0] if behaviour.is_subscription else rng.choice(days) for _ in amounts)
        for issued_on, gross_cents in zip(issue_days, amounts, strict=True):
            lines = (
                service_line(customer, monthly_net, f"{service} {first:%m-%Y}")
                if behaviour.is_subscription
                else goods_lines(rng, customer, gross_cents, rng.randint(1, 4))
            )
            order_number, project_number = references(rng, customer, orders)
            delivered_on, delivery_status = delivery(rng, issued_on)
            draft = Draft(
                key=f"{customer.customer_id}/{len(drafts):04d}",
                customer_id=customer.customer_id,
                kind="invoice",
                issued_on=issued_on,
                due_on=issued_on + timedelta(days=customer.payment_terms_days),
                lines=lines,
                description="Abonnement" if behaviour.is_subscription else "Levering kantoorinrichting",
                order_number=order_number,
                project_number=project_number,
                delivered_on=delivered_on,
                delivery_status=delivery_status,
                discount_permille=behaviour.discount_permille,
                discount_until=issued_on + timedelta(days=8) if behaviour.discount_permille else None,
            )
            if chance(rng, 1) and chance(rng, 50):
                draft = replace(draft, plan=Plan.NEVER, cancelled_on=issued_on + timedelta(days=rng.randint(0, 3)))
            elif chance(rng, 1) and chance(rng, 40) and behaviour.role is Role.NONE and behaviour.tier is Tier.STANDARD:
                draft = replace(draft, plan=Plan.NEVER)  # lost in the customer's own administration
            elif not behaviour.uses_direct_debit and behaviour.role is Role.NONE:
                draft = replace(draft, dispute=regular_dispute(rng, draft))
            drafts.append(draft)
    return [draft for draft in drafts if start_on <= draft.issued_on <= last_on]


def credit_draft(source: Draft, key: str, issued_on: date, percent: int, country: str, *, is_loose: bool) -> Draft:
    """A credit note on an invoice; a loose one does not say which."""
    lines = (
        source.lines if percent == 100 else part_of_lines(source.lines, percent, REVERSE_CHARGED[country], "Correctie")
    )
    return Draft(
        key=key,
        customer_id=source.customer_id,
        kind="credit_note",
        issued_on=issued_on,
        due_on=issued_on,
        lines=lines,
        description="Bonus" if is_loose else "Creditnota",
        delivered_on=issued_on,
        credits_key=None if is_loose else source.key,
    )


def consequences(seed: int, customer: Customer, drafts: list[Draft], until: date) -> list[Draft]:
    """Credit notes and replacement invoices that follow from disputes, damage and bonuses."""
    rng = stream(seed, "credits", customer.customer_id)
    following: list[Draft] = []
    for draft in drafts:
        dispute = draft.dispute
        if dispute and dispute.outcome == "credit_and_rebill" and dispute.closed_on and dispute.closed_on <= until:
            closed_on = bank_days.on_or_after(dispute.closed_on)
            following.append(
                credit_draft(draft, f"{draft.key}/credit", closed_on, 100, customer.country, is_loose=False)
            )
            percent = rng.randint(80, 98)
            following.append(
                replace(
                    draft,
                    key=f"{draft.key}/rebill",
                    issued_on=closed_on,
                    due_on=closed_on + timedelta(days=customer.payment_terms_days),
                    lines=part_of_lines(
                        draft.lines, percent, REVERSE_CHARGED[customer.country], "Levering, gecorrigeerd"
                    ),
                    description="Vervangende factuur",
                    delivered_on=closed_on,
                    delivery_status="received",
                    replaces_key=draft.key,
                    discount_permille=0,
                    discount_until=None,
                    dispute=None,
                )
            )
        elif draft.plan is Plan.BEHAVIOUR and not dispute and chance(rng, 3):
            is_loose = chance(rng, 50)
            issued_on = bank_days.on_or_after(draft.issued_on + timedelta(days=rng.randint(3, 25)))
            following.append(
                credit_draft(
                    draft, f"{draft.key}/credit", issued_on, rng.randint(5, 40), customer.country, is_loose=is_loose
                )
            )
    return [draft for draft in following if draft.issued_on <= until]


def numbered(drafts: list[Draft], customers: dict[str, Customer], start_on: date) -> dict[str, Invoice]:
    """Invoices by draft key. Numbers run per calendar year in order of issue, as the tax office wants them."""
    in_order = sorted(drafts, key=lambda draft: (draft.issued_on, draft.customer_id, draft.key))
    # A company that exists longer than this world has already billed the earlier months of the first year.
    counters = {("invoice", start_on.year): 281 * (start_on.month - 1), ("credit_note", start_on.year): 0}
    numbers: dict[str, tuple[str, int]] = {}
    for draft in in_order:
        counter = (draft.kind, draft.issued_on.year)
        counters[counter] = counters.get(counter, 0) + 1
        letter = "F" if draft.kind == "invoice" else "C"
        numbers[draft.key] = (f"{letter}{draft.issued_on.year}-{counters[counter]:05d}", counters[counter])
    return {
        draft.key: Invoice(
            invoice_id=str(FIRST_INVOICE_ID + position),
            invoice_number=numbers[draft.key][0],
            customer_id=draft.customer_id,
            kind=draft.kind,
            issued_on=draft.issued_on,
            due_on=draft.due_on,
            total_cents=draft.total_cents,
            payment_reference=payment_reference(draft, customers[draft.customer_id].country, numbers[draft.key][1]),
            order_number=draft.order_number,
            project_number=draft.project_number,
            delivered_on=draft.delivered_on,
            delivery_status=draft.delivery_status,
            credits_invoice_number=numbers[draft.credits_key][0] if draft.credits_key else None,
            replaces_invoice_number=numbers[draft.replaces_key][0] if draft.replaces_key else None,
            discount_permille=draft.discount_permille,
            discount_until=draft.discount_until,
            cancelled_on=draft.cancelled_on,
            description=draft.description,
            lines=draft.lines,
        )
        for position, draft in enumerate(in_order)
    }


def payment_reference(draft: Draft, country: str, number: int) -> str | None:
    """What the invoice asks the payer to quote: RF for the Netherlands, a structured communication for Belgium."""
    if draft.kind != "invoice":
        return None
    body = draft.issued_on.year * 1_000_000 + number
    return structured_communication(body) if country == "BE" else creditor_reference(str(body))
