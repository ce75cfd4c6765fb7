"""Invoices before they have a number: what is billed, and how the customer will answer it."""

import random
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from simulation.model import Customer, InvoiceLine

DUTCH_VAT_PERCENT = 21
# Sold between two VAT-registered companies across the border, so the buyer accounts for the tax.
REVERSE_CHARGED = {"BE": 0, "NL": DUTCH_VAT_PERCENT}

GOODS = (
    "Bureaustoel Ergo 300", "Zit-sta bureau 160x80", "Kopieerpapier A4, doos", "Tonercartridge zwart", "Archiefkast",
    "Whiteboard 120x90", "Vergadertafel 240 cm", "LED-bureaulamp", "Ordners, per 20", "Monitorarm", "Enveloppen C5",
    "Pauzeruimte: koffiebonen 8 kg", "Presentatiescherm 75 inch", "Montage en levering", "Akoestische panelen",
)  # fmt: skip
SERVICES = ("Beheer werkplekken", "Onderhoud printers", "Koffieservice", "Archiefopslag", "Huur vergaderkasten")


class Plan(StrEnum):
    """Who decides when an invoice is paid."""

    BEHAVIOUR = "behaviour"  # the customer's own habits
    NEVER = "never"  # nobody, not within this world
    ON = "on"  # on `pay_on`, whatever the habits
    ARRANGED = "arranged"  # the instalments of an arrangement


@dataclass(frozen=True, slots=True)
class Dispute:
    opened_on: date
    closed_on: date | None
    outcome: str | None  # explanation | credit_and_rebill | rejected
    reason: str
    line_number: int | None = None
    disputed_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    key: str
    customer_id: str
    kind: str
    issued_on: date
    due_on: date
    lines: tuple[InvoiceLine, ...]
    description: str
    plan: Plan = Plan.BEHAVIOUR
    pay_on: date | None = None
    order_number: str | None = None
    project_number: str | None = None
    delivered_on: date | None = None
    delivery_status: str = "received"
    credits_key: str | None = None
    replaces_key: str | None = None
    discount_permille: int = 0
    discount_until: date | None = None
    cancelled_on: date | None = None
    dispute: Dispute | None = None

    @property
    def total_cents(self) -> int:
        return sum(line.net_cents + line.vat_cents for line in self.lines)


def vat_of(net_cents: int, percent: int) -> int:
    """VAT on a positive net amount, rounded half up to the cent."""
    return (net_cents * percent + 50) // 100


def split(rng: random.Random, total: int, parts: int) -> list[int]:
    """`total` in positive whole parts that add up to it."""
    weights = [rng.randint(30, 170) for _ in range(parts)]
    shares = [total * weight // sum(weights) for weight in weights[:-1]]
    return [*shares, total - sum(shares)]


def goods_lines(rng: random.Random, customer: Customer, gross_cents: int, count: int) -> tuple[InvoiceLine, ...]:
    """Invoice lines of about `gross_cents` including VAT; each line is quantity times price, exactly."""
    percent = REVERSE_CHARGED[customer.country]
    net_cents = max(gross_cents * 100 // (100 + percent), 100 * count)
    lines = []
    for number, share in enumerate(split(rng, net_cents, count), start=1):
        quantity = rng.choice((1, 1, 2, 3, 4, 5, 10))
        unit_price = max(share // quantity, 1)
        line_net = quantity * unit_price
        lines.append(
            InvoiceLine(
                line_number=number,
                description=rng.choice(GOODS),
                quantity=quantity,
                unit_price_cents=unit_price,
                net_cents=line_net,
                vat_cents=vat_of(line_net, percent),
                order_line=str(number * 10) if customer.required_references else None,
            )
        )
    return tuple(lines)


def service_line(customer: Customer, net_cents: int, service: str) -> tuple[InvoiceLine, ...]:
    percent = REVERSE_CHARGED[customer.country]
    return (InvoiceLine(1, service, 1, net_cents, net_cents, vat_of(net_cents, percent), None),)


def part_of_lines(
    lines: tuple[InvoiceLine, ...], percent: int, vat_percent: int, description: str
) -> tuple[InvoiceLine, ...]:
    """One line worth `percent` of 100 of the lines' net amount, with its VAT."""
    net_cents = max(sum(line.net_cents for line in lines) * percent // 100, 1)
    return (InvoiceLine(1, description, 1, net_cents, net_cents, vat_of(net_cents, vat_percent), None),)
