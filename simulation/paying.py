"""How customers pay what they were billed, with the noise that ordinary payments carry.

A household is a customer with its parent and subsidiaries: its members may pay for one another. Households never
influence each other, so adding one leaves the others' payments as they were.
"""

import heapq
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta

from simulation import bank_days, remittances
from simulation.casting import Arrangement, EventDraft, InvoiceOf, Scene, StrayPayment, euros
from simulation.customers import CAMT_ACCOUNT
from simulation.drafts import Draft, Plan
from simulation.identifiers import dutch_iban
from simulation.model import Behaviour, Customer, Invoice, Mandate, Profile, Role, Tier
from simulation.streams import bell, chance, stream

# Draws out of 1000. A class that does not apply (nothing to lump with, no family) becomes `full`, so the draws of
# those lie above the share they end up with; the tests hold the resulting shares.
NOISE_DRAWS = (
    ("full", 411),
    ("lumped", 255),
    ("typo", 50),
    ("lost", 55),
    ("split", 34),
    ("partial", 52),
    ("short", 24),
    ("none", 58),
    ("customer_number", 13),
    ("wrong_reference", 11),
    ("other_payer", 22),
    ("over", 6),
    ("double", 3),
    ("prepayment", 6),
)
LEAVES_A_DIFFERENCE = frozenset({"partial", "short", "over", "double", "prepayment"})
# Who pays for others: a payment provider, a factoring company, a bailiff's trust account.
FOREIGN_PAYERS = (
    "Stichting Derdengelden Betaalvoorbeeld",
    "Voorbeeld Factoring N.V.",
    "Derdengelden Gerechtsdeurwaarder",
)
BANK_COSTS_CENTS = (3_50, 5_00, 7_50, 12_50, 15_00)
SMALLEST_PARTIAL_CENTS = 300_00
EARLIEST, LATER = 0, 1


@dataclass(frozen=True, slots=True)
class Payment:
    """Money between a customer and the company; negative when it goes back."""

    booked_on: date
    kind: str  # transfer | collection | return
    customer_id: str | None
    account_iban: str
    amount_cents: int
    payer_name: str
    payer_iban: str
    payer_bic: str
    structured_reference: str | None
    remittance: tuple[str, ...]
    end_to_end_id: str | None
    mandate_id: str | None
    scheme: str | None
    return_reason: str | None
    noise: str
    allocations: tuple[tuple[str, int], ...]  # draft key and cents
    unapplied_cents: int
    needs_clerk: bool = False  # only a person can tell for certain what it pays


@dataclass(slots=True)
class Household:
    """The books of one household while its payments are played out."""

    rng: random.Random
    until: date
    customers: dict[str, Customer]
    behaviours: dict[str, Behaviour]
    mandates: dict[str, Mandate]
    drafts: dict[str, Draft]
    invoices: dict[str, Invoice]
    arrangements: dict[str, Arrangement]
    returned_on: date  # when the cast direct debit comes back
    open_cents: dict[str, int] = field(default_factory=dict)
    credits: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    agenda: list[tuple[date, int, int, str, str]] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    events: list[EventDraft] = field(default_factory=list)
    planned: int = 0

    def plan(self, day: date, order: int, action: str, subject: str) -> None:
        """Put an action on the agenda; what lies beyond the end of the world is forgotten."""
        if day <= self.until:
            heapq.heappush(self.agenda, (day, order, self.planned, action, subject))
            self.planned += 1

    def owner(self, key: str) -> Customer:
        return self.customers[self.drafts[key].customer_id]

    def pending(self, customer_id: str, day: date, within: int) -> list[str]:
        """Issued invoices this customer means to pay within so many days, soonest first."""
        return [
            key
            for planned_on, _, _, action, key in sorted(self.agenda)
            if action == "pay"
            and self.drafts[key].customer_id == customer_id
            and planned_on <= day + timedelta(days=within)
            and self.drafts[key].issued_on <= day
            and self.open_cents[key] > 0
        ]


def payment_day(rng: random.Random, draft: Draft, behaviour: Behaviour) -> date:
    """The bank day on which this customer's habits settle an invoice."""
    if behaviour.discount_permille and chance(rng, 60):
        day = draft.issued_on + timedelta(days=rng.randint(4, 9))
    elif behaviour.profile is Profile.HABITUAL_LATE:
        day = draft.due_on + timedelta(days=max(bell(rng, behaviour.mean_days_late, behaviour.spread_days), 2))
    elif behaviour.profile is Profile.SPORADIC_LATE and chance(rng, 20):
        day = draft.due_on + timedelta(days=rng.randint(8, 40))
    else:
        day = draft.due_on + timedelta(days=rng.randint(-6, 1))
    if draft.dispute and draft.dispute.closed_on:
        day = max(day, draft.dispute.closed_on + timedelta(days=rng.randint(3, 12)))
    day = max(day, draft.issued_on + timedelta(days=2))
    if behaviour.pay_weekday is not None:
        day += timedelta(days=(behaviour.pay_weekday - day.weekday()) % 7)
    return bank_days.on_or_after(day)


def open_agenda(household: Household) -> None:
    """Plan every credit note, collection, payment and instalment of the household."""
    for key, draft in household.drafts.items():
        behaviour = household.behaviours[draft.customer_id]
        household.open_cents[key] = draft.total_cents
        if draft.kind == "credit_note":
            household.plan(draft.issued_on, EARLIEST, "credit", key)
        elif draft.plan is Plan.ON and draft.pay_on:
            household.plan(draft.pay_on, LATER, "collect" if behaviour.uses_direct_debit else "pay", key)
        elif draft.plan is Plan.BEHAVIOUR:
            if behaviour.uses_direct_debit:
                household.plan(bank_days.on_or_after(draft.due_on), LATER, "collect", key)
            elif not (draft.dispute and draft.dispute.outcome == "credit_and_rebill"):
                day = payment_day(household.rng, draft, behaviour)
                household.plan(day, LATER, "pay", key)
                talk_about(household, draft, behaviour, day)
    for arrangement in household.arrangements.values():
        for part, agreed in enumerate(arrangement.instalments):
            if agreed.paid_on:
                household.plan(agreed.paid_on, LATER, "instalment", f"{arrangement.arrangement_id}#{part}")


def talk_about(household: Household, draft: Draft, behaviour: Behaviour, pays_on: date) -> None:
    """What the customer says beforehand: late payers promise a day, key accounts tell when they expect to pay."""
    rng = household.rng
    if behaviour.tier is Tier.KEY:
        if chance(rng, 12):
            said_on = draft.issued_on + timedelta(days=rng.randint(3, 10))
            account_manager = household.customers[draft.customer_id].account_manager or "debiteurenbeheer"
            household.events.append(
                EventDraft(
                    said_on,
                    "payment_expected",
                    {"invoice": InvoiceOf(draft.key), "expected_on": pays_on.isoformat()},
                    account_manager,
                )
            )
    elif (pays_on - draft.due_on).days > 18 and chance(rng, 20):
        household.events.append(
            EventDraft(
                pays_on - timedelta(days=rng.randint(4, 8)),
                "promise_made",
                {
                    "invoices": [InvoiceOf(draft.key)],
                    "promised_on": pays_on.isoformat(),
                    "amount": euros(draft.total_cents),
                },
                household.customers[draft.customer_id].collector,
            )
        )


PLAIN_ENOUGH = frozenset({"full", "split", "other_payer", "credit_netted", "unplaced", "double"})


def needs_clerk(
    household: Household,
    day: date,
    cents: int,
    noise: str,
    structured_reference: str | None,
    text: tuple[str, ...],
    keys: list[str],
) -> bool:
    """Whether a careful reader would rather ask than book: judged before the payment is booked."""
    if structured_reference or noise in PLAIN_ENOUGH:
        return False
    if noise == "lumped":
        return not all(household.invoices[key].invoice_number in " ".join(text) for key in keys)
    if noise in {"lost", "none", "customer_number"}:
        equals = [
            key
            for key, draft in household.drafts.items()
            if draft.customer_id == household.drafts[keys[0]].customer_id
            and draft.kind == "invoice"
            and draft.issued_on <= day
            and household.open_cents[key] == cents
        ]
        # A family's accounts pay for all its members, so an account alone proves nothing.
        return len(equals) > 1 or len(household.customers) > 1
    return True


def transfer(
    household: Household,
    day: date,
    customer: Customer,
    amount_cents: int,
    noise: str,
    text: tuple[str, ...],
    allocations: list[tuple[str, int]],
    structured_reference: str | None = None,
    payer: tuple[str, str, str] | None = None,
) -> Payment:
    """Book a credit transfer on the account this customer uses."""
    rng = household.rng
    own_account = -1 if chance(rng, 30) else 0
    name, payer_iban, bic = payer or (customer.name, customer.ibans[own_account], customer.bics[own_account])
    payment = Payment(
        booked_on=day,
        kind="transfer",
        customer_id=customer.customer_id,
        account_iban=household.behaviours[customer.customer_id].pays_to_iban,
        amount_cents=amount_cents,
        payer_name=name,
        payer_iban=payer_iban,
        payer_bic=bic,
        structured_reference=structured_reference,
        remittance=text,
        end_to_end_id=f"{rng.choice(('PAY', 'BET', 'RUN'))}{day:%y%m%d}-{rng.randint(1, 999)}"
        if chance(rng, 35)
        else None,
        mandate_id=None,
        scheme=None,
        return_reason=None,
        noise=noise,
        allocations=tuple(allocations),
        unapplied_cents=amount_cents - sum(cents for _, cents in allocations),
        needs_clerk=needs_clerk(
            household, day, amount_cents, noise, structured_reference, text, [key for key, _ in allocations]
        ),
    )
    household.payments.append(payment)
    for key, cents in allocations:
        household.open_cents[key] -= abs(cents)
    return payment


def reference_or_text(household: Household, key: str) -> tuple[str | None, tuple[str, ...]]:
    """A faultless reference: the structured one, or the whole number in the text."""
    customer, invoice = household.owner(key), household.invoices[key]
    if invoice.payment_reference and chance(
        household.rng, household.behaviours[customer.customer_id].structured_percent
    ):
        return "".join(filter(str.isalnum, invoice.payment_reference)), ()
    return None, remittances.full(household.rng, customer, invoice)


def draw_noise(household: Household, key: str) -> str:
    """The noise class of the payment of an invoice; scripted payments carry none."""
    rng = household.rng
    draft = household.drafts[key]
    customer = household.owner(key)
    behaviour = household.behaviours[customer.customer_id]
    if draft.plan is Plan.ON:
        return "full"
    if household.credits[customer.customer_id] and chance(rng, 75):
        return "credit_netted"
    if len(household.customers) > 1 and chance(rng, 45):
        return "collective"
    if behaviour.discount_permille:
        return "short" if chance(rng, 55) else "full"
    noise = rng.choices([name for name, _ in NOISE_DRAWS], [weight for _, weight in NOISE_DRAWS])[0]
    # A cast customer's older business leaves nothing behind that would blur its script.
    return "full" if behaviour.role is not Role.NONE and noise in LEAVES_A_DIFFERENCE else noise


def pay(household: Household, day: date, key: str) -> None:
    """Pay an invoice on its day, in the way its noise class says; what does not apply is paid plainly."""
    if household.open_cents[key] <= 0:
        return
    noise = draw_noise(household, key)
    if noise in PLAIN_TEXTS:
        pay_with_text(household, day, key, noise)
    elif not SPECIAL_PAYMENTS.get(noise, pay_plainly)(household, day, key):
        pay_plainly(household, day, key)


def pay_plainly(household: Household, day: date, key: str) -> bool:
    reference, text = reference_or_text(household, key)
    cents = household.open_cents[key]
    transfer(household, day, household.owner(key), cents, "full", text, [(key, cents)], reference)
    return True


PLAIN_TEXTS = frozenset({"typo", "lost", "split", "none", "customer_number"})


def pay_with_text(household: Household, day: date, key: str, noise: str) -> None:
    """The right amount from the right account; only the text is at fault."""
    rng, customer, invoice = household.rng, household.owner(key), household.invoices[key]
    match noise:
        case "typo":
            text = remittances.typo(rng, customer, invoice)
        case "lost":
            text = remittances.lost(rng, customer, invoice)
        case "split":
            text = remittances.broken(rng, customer, invoice)
        case "customer_number":
            text = remittances.customer_number(rng, customer, invoice)
        case _:
            text = remittances.nothing(rng, customer)
    cents = household.open_cents[key]
    transfer(household, day, customer, cents, noise, text, [(key, cents)])


def pay_lumped(household: Household, day: date, key: str) -> bool:
    customer = household.owner(key)
    others = [other for other in household.pending(customer.customer_id, day, 16) if other != key]
    if not others:
        return False
    keys = [key, *others[: household.rng.choice((1, 1, 2, 3, 5))]]
    allocations = [(chosen, household.open_cents[chosen]) for chosen in keys]
    text = remittances.several(household.rng, customer, [household.invoices[chosen] for chosen in keys])
    transfer(household, day, customer, sum(cents for _, cents in allocations), "lumped", text, allocations)
    return True


def pay_collectively(household: Household, day: date, key: str) -> bool:
    """The parent pays for itself and another member of the family in one amount."""
    own = household.drafts[key].customer_id
    others = [
        other for member in household.customers if member != own for other in household.pending(member, day, 16)[:1]
    ]
    parents = [customer for customer in household.customers.values() if customer.parent_customer_id is None]
    if not others or not parents:
        return False
    keys = [key, *others]
    allocations = [(chosen, household.open_cents[chosen]) for chosen in keys]
    text = remittances.several(household.rng, parents[0], [household.invoices[chosen] for chosen in keys])
    transfer(household, day, parents[0], sum(cents for _, cents in allocations), "collective", text, allocations)
    return True


def pay_in_part(household: Household, day: date, key: str) -> bool:
    cents = household.open_cents[key]
    if cents < SMALLEST_PARTIAL_CENTS:
        return False
    part = cents * household.rng.randint(30, 70) // 100 // 10_00 * 10_00
    reference, text = reference_or_text(household, key)
    transfer(household, day, household.owner(key), part, "partial", text, [(key, part)], reference)
    rest_on = bank_days.on_or_after(day + timedelta(days=household.rng.randint(7, 30)))
    household.plan(rest_on, LATER, "pay", key)
    return True


def pay_short(household: Household, day: date, key: str) -> bool:
    """Less by the cash discount or by bank costs; the difference stays open until somebody writes it off."""
    draft, cents, rng = household.drafts[key], household.open_cents[key], household.rng
    if draft.discount_permille and draft.discount_until and (day - draft.discount_until).days <= 3:
        difference, cause = (draft.total_cents * draft.discount_permille + 500) // 1000, "Betalingskorting"
    else:
        difference, cause = rng.choice(BANK_COSTS_CENTS), "Bankkosten"
    if difference * 4 > cents:
        return False
    reference, text = reference_or_text(household, key)
    paid = cents - difference
    transfer(household, day, household.owner(key), paid, "short", text, [(key, paid)], reference)
    if chance(rng, 92):
        household.events.append(
            EventDraft(
                day + timedelta(days=rng.randint(20, 50)),
                "write_off",
                {
                    "invoice": InvoiceOf(key),
                    "amount": euros(difference),
                    "reason": cause,
                },
                household.owner(key).collector,
            )
        )
    return True


def pay_less_credit(household: Household, day: date, key: str) -> bool:
    customer = household.owner(key)
    cents = household.open_cents[key]
    usable = [
        credit
        for credit in household.credits[customer.customer_id]
        if 0 < household.open_cents[credit] < cents and household.drafts[credit].issued_on <= day
    ]
    if not usable:
        return False
    credit = usable[0]
    credit_cents = household.open_cents[credit]
    text = remittances.less_credit(customer, household.invoices[key], household.invoices[credit])
    allocations = [(key, cents), (credit, -credit_cents)]
    transfer(household, day, customer, cents - credit_cents, "credit_netted", text, allocations)
    household.credits[customer.customer_id].remove(credit)
    return True


def pay_with_wrong_reference(household: Household, day: date, key: str) -> bool:
    """Quotes a number of its own that is long paid, or one that never existed."""
    customer = household.owner(key)
    paid = [
        other
        for other, draft in household.drafts.items()
        if draft.customer_id == customer.customer_id
        and draft.kind == "invoice"
        and household.open_cents[other] == 0
        and draft.issued_on < day
    ]
    if paid and chance(household.rng, 70):
        number = household.invoices[household.rng.choice(paid)].invoice_number
    else:
        number = f"F{day.year}-{household.rng.randint(80_000, 89_999)}"
    cents = household.open_cents[key]
    transfer(household, day, customer, cents, "wrong_reference", (f"Factuur {number}",), [(key, cents)])
    return True


def pay_through_another(household: Household, day: date, key: str) -> bool:
    customer, rng = household.owner(key), household.rng
    parent = household.customers.get(customer.parent_customer_id or "")
    if parent:
        payer = (parent.name, parent.ibans[0], parent.bics[0])
    else:
        # One trust account serves many customers, so its number depends on the payer's name alone.
        name = rng.choice(FOREIGN_PAYERS)
        iban, bic = dutch_iban(stream(0, "foreign payer", name))
        payer = (name, iban, bic)
    cents = household.open_cents[key]
    text = remittances.full(rng, customer, household.invoices[key])
    transfer(household, day, customer, cents, "other_payer", text, [(key, cents)], payer=payer)
    return True


def pay_too_much(household: Household, day: date, key: str) -> bool:
    cents, rng = household.open_cents[key], household.rng
    paid = (cents // 100_00 + 1) * 100_00 if chance(rng, 60) else cents + rng.randint(1_00, 90_00)
    reference, text = reference_or_text(household, key)
    payment = transfer(household, day, household.owner(key), paid, "over", text, [(key, cents)], reference)
    if chance(rng, 80):
        give_back(household, payment, payment.unapplied_cents)
    return True


def pay_twice(household: Household, day: date, key: str) -> bool:
    pay_plainly(household, day, key)
    first = household.payments[-1]
    again_on = bank_days.bank_days_later(day, household.rng.randint(1, 7))
    if again_on > household.until:
        return True
    customer = household.owner(key)
    second = transfer(
        household,
        again_on,
        customer,
        first.amount_cents,
        "double",
        first.remittance,
        [],
        first.structured_reference,
        (first.payer_name, first.payer_iban, first.payer_bic),
    )
    if chance(household.rng, 80):
        give_back(household, second, second.amount_cents)
    return True


def give_back(household: Household, payment: Payment, cents: int) -> None:
    """The company returns money it should not have, some weeks later."""
    refund(
        household,
        payment.customer_id,
        (payment.payer_name, payment.payer_iban, payment.payer_bic),
        cents,
        bank_days.on_or_after(payment.booked_on + timedelta(days=household.rng.randint(9, 25))),
        f"Terugbetaling dubbel of te veel betaald d.d. {payment.booked_on:%d-%m-%Y}",
    )


def refund(
    household: Household, customer_id: str | None, payee: tuple[str, str, str], cents: int, day: date, text: str
) -> None:
    """Money to a customer, from the company's main account; what would leave after the last day does not leave."""
    if day > household.until:
        return
    name, iban, bic = payee
    household.payments.append(
        Payment(
            booked_on=day,
            kind="transfer",
            customer_id=customer_id,
            account_iban=CAMT_ACCOUNT.iban,
            amount_cents=-cents,
            payer_name=name,
            payer_iban=iban,
            payer_bic=bic,
            structured_reference=None,
            remittance=(text,),
            end_to_end_id=f"REFUND-{customer_id}-{day:%y%m%d}",
            mandate_id=None,
            scheme=None,
            return_reason=None,
            noise="refund",
            allocations=(),
            unapplied_cents=-cents,
        )
    )


def pay_in_advance(household: Household, day: date, key: str) -> bool:
    """Beside this invoice the customer already pays the next one, which has not been issued yet."""
    customer_id = household.drafts[key].customer_id
    coming = [
        later
        for planned_on, _, _, action, later in sorted(household.agenda)
        if action == "pay"
        and household.drafts[later].customer_id == customer_id
        and day < household.drafts[later].issued_on <= day + timedelta(days=25)
        and household.open_cents[later] == household.drafts[later].total_cents
    ]
    if not coming:
        return False
    cents = household.open_cents[coming[0]]
    transfer(household, day, household.owner(key), cents, "prepayment", ("Voorschot",), [(coming[0], cents)])
    return pay_plainly(household, day, key)


SPECIAL_PAYMENTS = {
    "lumped": pay_lumped,
    "collective": pay_collectively,
    "partial": pay_in_part,
    "short": pay_short,
    "credit_netted": pay_less_credit,
    "wrong_reference": pay_with_wrong_reference,
    "other_payer": pay_through_another,
    "over": pay_too_much,
    "double": pay_twice,
    "prepayment": pay_in_advance,
}


def credit(household: Household, day: date, key: str) -> None:
    """A credit note lowers the invoice it names while that is open; when that was paid already the money goes back.

    A loose one names none: the customer keeps it in mind and takes it off a later payment.
    """
    draft = household.drafts[key]
    cents = household.open_cents[key]
    if draft.credits_key is None:
        household.credits[draft.customer_id].append(key)
        return
    lowered = min(cents, household.open_cents[draft.credits_key])
    household.open_cents[draft.credits_key] -= lowered
    household.open_cents[key] = 0
    if lowered < cents:
        customer = household.owner(key)
        refund(
            household,
            customer.customer_id,
            (customer.name, customer.ibans[0], customer.bics[0]),
            cents - lowered,
            bank_days.on_or_after(day + timedelta(days=household.rng.randint(4, 15))),
            f"Creditnota {household.invoices[key].invoice_number}",
        )


def debit(household: Household, day: date, mandate: Mandate, cents: int, key: str, noise: str) -> Payment:
    """One collection under a mandate; our end-to-end id is the invoice number."""
    customer = household.customers[mandate.customer_id]
    payment = Payment(
        booked_on=day,
        kind="collection",
        customer_id=customer.customer_id,
        account_iban=CAMT_ACCOUNT.iban,
        amount_cents=cents,
        payer_name=customer.name,
        payer_iban=mandate.iban,
        payer_bic=mandate.bic,
        structured_reference=None,
        remittance=(f"Factuur {household.invoices[key].invoice_number}",),
        end_to_end_id=household.invoices[key].invoice_number,
        mandate_id=mandate.mandate_id,
        scheme=mandate.scheme,
        return_reason=None,
        noise=noise,
        allocations=((key, cents),),
        unapplied_cents=0,
        needs_clerk=noise == "instalment",
    )
    household.payments.append(payment)
    household.open_cents[key] -= cents
    return payment


def collect(household: Household, day: date, key: str) -> None:
    cents = household.open_cents[key]
    if cents <= 0:
        return
    rng = household.rng
    customer_id = household.drafts[key].customer_id
    payment = debit(household, day, household.mandates[customer_id], cents, key, "collection")
    is_cast = household.behaviours[customer_id].role is Role.RETURNED_DIRECT_DEBIT and (
        household.drafts[key].plan is Plan.ON
    )
    is_regular = household.behaviours[customer_id].role is Role.NONE
    if not is_cast and not (is_regular and chance(rng, 5)):
        return
    reason = "MS03" if is_cast else rng.choices(("AM04", "MS03", "MD06"), (60, 25, 15))[0]
    if reason == "MD06" and payment.scheme == "CORE":
        returned_on = bank_days.on_or_after(day + timedelta(days=rng.randint(10, 40)))
    else:
        reason = "AM04" if reason == "MD06" else reason
        returned_on = bank_days.bank_days_later(day, rng.randint(2, 3))
    if is_cast:
        returned_on = household.returned_on
    household.plan(returned_on, EARLIEST, "return", f"{key}#{len(household.payments) - 1}#{reason}")


def bring_back(household: Household, day: date, subject: str) -> None:
    """The bank debits a collection again; three in four customers then pay by transfer."""
    key, position, reason = subject.split("#")
    payment = household.payments[int(position)]
    household.payments.append(
        Payment(
            booked_on=day,
            kind="return",
            customer_id=payment.customer_id,
            account_iban=payment.account_iban,
            amount_cents=-payment.amount_cents,
            payer_name=payment.payer_name,
            payer_iban=payment.payer_iban,
            payer_bic=payment.payer_bic,
            structured_reference=None,
            remittance=payment.remittance,
            end_to_end_id=payment.end_to_end_id,
            mandate_id=payment.mandate_id,
            scheme=payment.scheme,
            return_reason=reason,
            noise="return",
            allocations=((key, -payment.amount_cents),),
            unapplied_cents=0,
        )
    )
    household.open_cents[key] += payment.amount_cents
    if household.drafts[key].plan is not Plan.ON and chance(household.rng, 75):
        household.plan(bank_days.on_or_after(day + timedelta(days=household.rng.randint(7, 25))), LATER, "pay", key)


def pay_instalment(household: Household, day: date, subject: str) -> None:
    """An instalment settles the covered invoices, oldest first."""
    arrangement_id, part = subject.split("#")
    arrangement = household.arrangements[arrangement_id]
    left = arrangement.instalments[int(part)].amount_cents
    customer = household.customers[arrangement.customer_id]
    mandate = household.mandates.get(arrangement.customer_id)
    if arrangement.mandate_id and mandate:
        for key in arrangement.draft_keys:
            cents = min(left, household.open_cents[key])
            if cents:
                debit(household, day, mandate, cents, key, "instalment")
                left -= cents
        return
    allocations = []
    for key in arrangement.draft_keys:
        cents = min(left, household.open_cents[key])
        if cents:
            allocations.append((key, cents))
            left -= cents
    invoice = household.invoices[allocations[0][0]]
    paid = sum(cents for _, cents in allocations)
    if len(allocations) == 1 and invoice.payment_reference:
        reference = "".join(filter(str.isalnum, invoice.payment_reference))
        transfer(household, day, customer, paid, "instalment", (), allocations, reference)
    else:
        text = remittances.instalment(customer, invoice, int(part) + 1)
        transfer(household, day, customer, paid, "instalment", text, allocations)


def pay_without_a_word(household: Household, stray: StrayPayment) -> None:
    customer = household.customers[stray.customer_id]
    left, allocations = stray.amount_cents, []
    for key in stray.draft_keys:
        cents = min(left, household.open_cents[key])
        if cents:
            allocations.append((key, cents))
            left -= cents
    text = ("Diverse openstaande posten",)
    transfer(household, stray.booked_on, customer, stray.amount_cents, "unplaced", text, allocations)


ACTIONS = {
    "pay": pay,
    "credit": credit,
    "collect": collect,
    "return": bring_back,
    "instalment": pay_instalment,
}


def play(household: Household, strays: list[StrayPayment]) -> None:
    """Play the household's agenda out, day by day."""
    open_agenda(household)
    while household.agenda:
        day, _, _, action, subject = heapq.heappop(household.agenda)
        ACTIONS[action](household, day, subject)
    for stray in strays:
        pay_without_a_word(household, stray)


def households_of(customers: tuple[Customer, ...]) -> list[list[Customer]]:
    """Customers with their parent and its other subsidiaries, in order of the household's first number."""
    members: dict[str, list[Customer]] = {}
    for customer in customers:
        members.setdefault(customer.parent_customer_id or customer.customer_id, []).append(customer)
    return list(members.values())


def play_payments(
    seed: int,
    until: date,
    first_demonstration_day: date,
    customers: tuple[Customer, ...],
    behaviours: tuple[Behaviour, ...],
    mandates: tuple[Mandate, ...],
    drafts: list[Draft],
    invoices: dict[str, Invoice],
    scenes: list[Scene],
) -> tuple[list[Payment], list[EventDraft]]:
    """All customer payments up to `until` in booking order, and what customers announced or clerks wrote off."""
    behaviour_of = {behaviour.customer_id: behaviour for behaviour in behaviours}
    mandate_of = {mandate.customer_id: mandate for mandate in mandates}
    drafts_of: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        drafts_of[draft.customer_id].append(draft)
    scene_of = {scene.customer.customer_id: scene for scene in scenes}
    payments: list[Payment] = []
    events: list[EventDraft] = []
    for members in households_of(customers):
        own = [draft for member in members for draft in drafts_of[member.customer_id]]
        own_scenes = [scene_of[member.customer_id] for member in members if member.customer_id in scene_of]
        household = Household(
            rng=stream(seed, "payments", members[0].customer_id),
            until=until,
            customers={member.customer_id: member for member in members},
            behaviours={member.customer_id: behaviour_of[member.customer_id] for member in members},
            mandates={
                member.customer_id: mandate_of[member.customer_id]
                for member in members
                if member.customer_id in mandate_of
            },
            drafts={draft.key: draft for draft in own},
            invoices={draft.key: invoices[draft.key] for draft in own},
            arrangements={
                arrangement.arrangement_id: arrangement for scene in own_scenes for arrangement in scene.arrangements
            },
            returned_on=bank_days.bank_days_later(first_demonstration_day, -1),
        )
        play(household, [stray for scene in own_scenes for stray in scene.strays])
        payments += household.payments
        events += household.events
    payments.sort(key=lambda payment: (payment.booked_on, payment.account_iban, payment.customer_id or ""))
    return payments, events
