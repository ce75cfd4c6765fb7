"""A company that never was: eighteen months of business from one seed, the same to the byte every time."""

from collections import defaultdict
from datetime import date

from simulation import bank_days, cash_flows, casting, customers, invoicing, ledger, paying, register
from simulation.drafts import Draft
from simulation.model import Order, Role, World
from simulation.streams import stream

FEWEST_MONTHS = 12


def first_day(until: date, months: int) -> date:
    """The first day of the month that lies `months` before the month of `until`."""
    years, month = divmod(until.year * 12 + until.month - 1 - months, 12)
    return date(years, month + 1, 1)


def all_drafts(
    seed: int,
    portfolio: customers.Portfolio,
    scenes: list[casting.Scene],
    start_on: date,
    until: date,
    first_demonstration_day: date,
) -> list[Draft]:
    """Everything the company bills up to `until`: the regular business, the scripts, and what follows from both."""
    scene_of = {scene.customer.customer_id: scene for scene in scenes}
    orders_of: dict[str, list[Order]] = defaultdict(list)
    for order in portfolio.orders:
        orders_of[order.customer_id].append(order)
    drafts: list[Draft] = []
    for customer, behaviour in zip(portfolio.customers, portfolio.behaviours, strict=True):
        orders = tuple(orders_of[customer.customer_id])
        regular = invoicing.regular_drafts(seed, customer, behaviour, orders, start_on, until, first_demonstration_day)
        drafts += regular
        drafts += invoicing.consequences(seed, customer, regular, until)
        scene = scene_of.get(customer.customer_id)
        if scene is None:
            continue
        drafts += [draft for draft in scene.drafts if start_on <= draft.issued_on <= until]
        if behaviour.role is Role.LOOSE_CREDIT:
            percent = stream(seed, "loose credit", customer.customer_id).randint(25, 40)
            issued_on = bank_days.on_or_before(scene.day(-5 - scene.actor))
            source = scene.drafts[0]
            drafts.append(
                invoicing.credit_draft(
                    source, f"{source.key}/credit", issued_on, percent, customer.country, is_loose=True
                )
            )
    return drafts


def build_world(
    seed: int, until: date, *, customer_count: int = 220, months: int = 18, has_clerks: bool = True
) -> World:
    """Build the world up to and including `until`; the last three bank days are the ones to demonstrate.

    With `has_clerks` the register holds what people answered over the months about payments that no rule can place
    with certainty. Without, a reader of the statements stands alone, which is what measures the matching itself.

    Raises ValueError when there are too few customers or months for every role to be cast.
    """
    if months < FEWEST_MONTHS:
        raise ValueError(f"a world needs at least {FEWEST_MONTHS} months of history, not {months}")
    start_on = first_day(until, months)
    days = bank_days.demonstration_days(until)
    portfolio = customers.build_portfolio(seed, customer_count, start_on, until)
    scenes = casting.cast_scenes(seed, portfolio.customers, portfolio.behaviours, portfolio.mandates, days)
    drafts = all_drafts(seed, portfolio, scenes, start_on, until, days[0])
    by_number = {customer.customer_id: customer for customer in portfolio.customers}
    invoices = invoicing.numbered(drafts, by_number, start_on)
    payments, announced = paying.play_payments(
        seed,
        until,
        days[0],
        portfolio.customers,
        portfolio.behaviours,
        portfolio.mandates,
        drafts,
        invoices,
        scenes,
    )
    payments += cash_flows.other_flows(seed, start_on, until, payments, customer_count)
    entries, truth = ledger.book(seed, customers.COMPANY.accounts, payments, invoices)
    cut_over_on = days[0] - bank_days.ONE_DAY
    in_order = tuple(sorted(invoices.values(), key=lambda invoice: int(invoice.invoice_id)))
    if has_clerks:
        announced += register.answered_payments(
            seed,
            entries,
            truth,
            {invoice.invoice_id: key for key, invoice in invoices.items()},
            {account.iban: account.statement_format for account in customers.COMPANY.accounts},
            {customer.customer_id: customer.collector for customer in portfolio.customers},
            cut_over_on,
        )
    paid = register.paid_by_invoice(truth, {entry.entry_id: entry.booked_on for entry in entries})
    still_open = register.open_at(cut_over_on, in_order, paid, register.written_off(announced, invoices, cut_over_on))
    return World(
        seed=seed,
        start_on=start_on,
        until=until,
        demonstration_days=days,
        company=customers.COMPANY,
        customers=portfolio.customers,
        behaviours=portfolio.behaviours,
        mandates=portfolio.mandates,
        orders=portfolio.orders,
        invoices=in_order,
        entries=entries,
        statements=ledger.make_statements(customers.COMPANY.accounts, entries, start_on, until),
        register_events=register.register_events(drafts, scenes, announced, invoices, until),
        opening_stages=register.opening_stages(seed, cut_over_on, invoices, scenes, portfolio.behaviours, still_open),
        truth=truth,
    )
