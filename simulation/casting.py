"""The scripts of cast customers: what must be seen on the demonstration days, whatever the seed.

Every date is relative to the three demonstration days, so the last days of a world look alike at any `until`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from simulation import bank_days
from simulation.drafts import Dispute, Draft, Plan, goods_lines, split
from simulation.model import Behaviour, Customer, Mandate, Role
from simulation.streams import stream

SMALLEST_SCRIPTED_CENTS = 240_00
# When a first reminder is due in the policy this project ships; another policy only shifts what the scripts show.
DAYS_TO_REMINDER = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class InvoiceOf:
    """Stands for the number an invoice will get, inside the payload of a register event."""

    draft_key: str


@dataclass(frozen=True, slots=True)
class EventDraft:
    effective_on: date
    kind: str
    payload: dict[str, object]
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Instalment:
    due_on: date
    amount_cents: int
    paid_on: date | None


@dataclass(frozen=True, slots=True)
class Arrangement:
    arrangement_id: str
    customer_id: str
    draft_keys: tuple[str, ...]
    agreed_on: date
    instalments: tuple[Instalment, ...]
    mandate_id: str | None


@dataclass(frozen=True, slots=True)
class StageDraft:
    draft_key: str
    stage_no: int
    dispatched_on: date


@dataclass(frozen=True, slots=True)
class StrayPayment:
    """Money from a known account that says nothing and equals nothing."""

    customer_id: str
    booked_on: date
    amount_cents: int
    draft_keys: tuple[str, ...]  # what the payer meant it for, in that order


@dataclass(slots=True)
class Scene:
    """One cast customer's script while it is being written."""

    seed: int
    customer: Customer
    behaviour: Behaviour
    mandate: Mandate | None
    actor: int  # which of the customers with this role, from 0
    days: tuple[date, date, date]
    drafts: list[Draft] = field(default_factory=list)
    arrangements: list[Arrangement] = field(default_factory=list)
    events: list[EventDraft] = field(default_factory=list)
    stages: list[StageDraft] = field(default_factory=list)
    strays: list[StrayPayment] = field(default_factory=list)

    def day(self, offset: int) -> date:
        """The day `offset` days from the first demonstration day."""
        return self.days[0] + timedelta(days=offset)

    def bill(
        self,
        due_on: date,
        plan: Plan = Plan.NEVER,
        pay_on: date | None = None,
        lines: int = 2,
        dispute: Dispute | None = None,
    ) -> Draft:
        """An invoice due on that very day, issued a payment term earlier."""
        key = f"{self.customer.customer_id}/script{len(self.drafts):02d}"
        rng = stream(self.seed, "script", key)
        usual = self.behaviour.annual_turnover_cents * 1000 // (12 * self.behaviour.monthly_invoice_permille)
        issued_on = bank_days.on_or_before(due_on - timedelta(days=self.customer.payment_terms_days))
        draft = Draft(
            key=key,
            customer_id=self.customer.customer_id,
            kind="invoice",
            issued_on=issued_on,
            due_on=due_on,
            lines=goods_lines(
                rng, self.customer, max(usual * rng.randint(60, 140) // 100, SMALLEST_SCRIPTED_CENTS), lines
            ),
            description="Levering kantoorinrichting",
            plan=plan,
            pay_on=pay_on,
            delivered_on=issued_on,
            dispute=dispute,
        )
        self.drafts.append(draft)
        return draft

    def reminded(self, draft: Draft, *dispatched_on: date) -> None:
        """The earlier system sent a reminder on each of these days, one level up each time."""
        self.stages += [StageDraft(draft.key, level, day) for level, day in enumerate(dispatched_on, start=1)]

    def record(self, effective_on: date, kind: str, **payload: object) -> None:
        self.events.append(EventDraft(effective_on, kind, payload, self.customer.collector))

    def arrange(
        self, drafts: list[Draft], agreed_on: date, instalments: list[tuple[date, date | None]], reason: str
    ) -> None:
        """An arrangement over whole invoices; each instalment with its due day and the day it is paid, if ever."""
        rng = stream(self.seed, "arrangement", self.customer.customer_id)
        amounts = split(rng, sum(draft.total_cents for draft in drafts), len(instalments))
        arrangement = Arrangement(
            arrangement_id=f"R{agreed_on:%y%m}-{self.customer.customer_id}",
            customer_id=self.customer.customer_id,
            draft_keys=tuple(draft.key for draft in drafts),
            agreed_on=agreed_on,
            instalments=tuple(
                Instalment(due_on, amount, paid_on)
                for (due_on, paid_on), amount in zip(instalments, amounts, strict=True)
            ),
            mandate_id=self.mandate.mandate_id if self.mandate else None,
        )
        self.arrangements.append(arrangement)
        payload: dict[str, object] = {
            "arrangement_id": arrangement.arrangement_id,
            "customer": self.customer.customer_id,
            "invoices": [InvoiceOf(key) for key in arrangement.draft_keys],
            "instalments": [
                {"due_on": part.due_on.isoformat(), "amount": euros(part.amount_cents)}
                for part in arrangement.instalments
            ],
            "method": "direct_debit" if arrangement.mandate_id else "manual",
            "reason": reason,
        }
        if arrangement.mandate_id:
            payload["mandate_id"] = arrangement.mandate_id
        self.record(agreed_on, "arrangement_agreed", **payload)


def euros(cents: int) -> str:
    """Cents as exact text with a dot and two decimals."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def stage_1(scene: Scene) -> None:
    draft = scene.bill(scene.day(-18 - 2 * scene.actor))
    scene.reminded(draft, scene.day(-6 - 2 * scene.actor))
    if scene.actor % 2:
        scene.bill(scene.day(-2))


def stage_2(scene: Scene) -> None:
    draft = scene.bill(scene.day(-38 - 4 * scene.actor))
    scene.reminded(draft, scene.day(-26 - 4 * scene.actor), scene.day(-8 - 3 * scene.actor))


def stage_3(scene: Scene) -> None:
    draft = scene.bill(scene.day(-70 - 8 * scene.actor))
    scene.reminded(
        draft, scene.day(-58 - 8 * scene.actor), scene.day(-36 - 6 * scene.actor), scene.day(-10 - 4 * scene.actor)
    )
    scene.bill(scene.day(-12))


def never_pays(scene: Scene) -> None:
    for age in range(6):
        due_on = scene.day(-150 + 30 * age - scene.actor)
        draft = scene.bill(due_on)
        reminders = [due_on + timedelta(days=wait) for wait in (12, 28, 46)]
        scene.reminded(draft, *[day for day in reminders if day < scene.day(-2)])


def just_overdue(scene: Scene) -> None:
    scene.bill(scene.day(-1 - scene.actor), Plan.ON, scene.days[2] + timedelta(days=3 + scene.actor))


def pre_due(scene: Scene) -> None:
    due_on = scene.days[2] + timedelta(days=1 + scene.actor % 5)
    scene.bill(due_on, Plan.ON, bank_days.on_or_after(due_on))


def paid_just_in_time(scene: Scene) -> None:
    """Overdue for the first reminder on a demonstration day, with the money on the statement read that very morning."""
    seen_on = scene.days[scene.actor % 3]
    scene.bill(seen_on - DAYS_TO_REMINDER, Plan.ON, bank_days.bank_days_later(seen_on, -1))


def dispute_open(scene: Scene) -> None:
    opened_on = scene.days[1] if scene.actor == 0 else scene.day(-3 - 4 * scene.actor)
    reason = ("Prijs wijkt af van de offerte", "Aantal geleverd klopt niet", "Beschadigd ontvangen")[scene.actor % 3]
    scene.bill(scene.day(-14 - 6 * scene.actor), dispute=Dispute(opened_on, None, None, reason))


def line_dispute_open(scene: Scene) -> None:
    draft = scene.bill(scene.day(-9), lines=3)
    second = draft.lines[1]
    scene.record(
        scene.day(-6),
        "dispute_opened",
        invoice=InvoiceOf(draft.key),
        line_number=second.line_number,
        disputed_amount=euros(second.net_cents + second.vat_cents),
        reason="Regel 2 niet besteld",
    )


def arrangement_fulfilled(scene: Scene) -> None:
    drafts = [scene.bill(scene.day(-260), Plan.ARRANGED), scene.bill(scene.day(-240), Plan.ARRANGED)]
    due = [scene.day(-offset) for offset in (200, 170, 140, 110)]
    scene.arrange(drafts, scene.day(-215), [(day, bank_days.on_or_before(day)) for day in due], "temporarily_tight")


def arrangement_broken(scene: Scene) -> None:
    drafts = [scene.bill(scene.day(-110), Plan.ARRANGED), scene.bill(scene.day(-95), Plan.ARRANGED)]
    for draft in drafts:
        scene.reminded(draft, draft.due_on + timedelta(days=11))
    due = [scene.day(offset) for offset in (-66, -36, -6, 24, 54)]
    paid: list[date | None] = [bank_days.on_or_before(due[0]), None, None, None, None]
    scene.arrange(drafts, scene.day(-80), list(zip(due, paid, strict=True)), "cannot_pay")


def arrangement_instalment_due(scene: Scene) -> None:
    """Two instalments kept; the third falls due on the second demonstration day and has not been paid."""
    drafts = [scene.bill(scene.day(-75), Plan.ARRANGED), scene.bill(scene.day(-62), Plan.ARRANGED)]
    for draft in drafts:
        scene.reminded(draft, draft.due_on + timedelta(days=10))
    due = [scene.day(-40), scene.day(-10), scene.days[1], scene.day(31)]
    paid = [bank_days.on_or_before(due[0]), bank_days.on_or_before(due[1]), None, None]
    scene.arrange(drafts, scene.day(-50), list(zip(due, paid, strict=True)), "temporarily_tight")


def arrangement_instalment_paid(scene: Scene) -> None:
    """The second instalment is paid on its day, the third comes up within days."""
    draft = scene.bill(scene.day(-60), Plan.ARRANGED)
    scene.reminded(draft, scene.day(-49))
    due = [scene.day(-32), scene.days[0], scene.days[2] + timedelta(days=3)]
    paid = [bank_days.on_or_before(due[0]), scene.days[0], None]
    scene.arrange([draft], scene.day(-45), list(zip(due, paid, strict=True)), "temporarily_tight")


def arrangement_direct_debit(scene: Scene) -> None:
    draft = scene.bill(scene.day(-70), Plan.ARRANGED)
    scene.reminded(draft, scene.day(-59))
    due = [bank_days.on_or_after(scene.day(-31)), scene.days[0], bank_days.on_or_after(scene.day(29))]
    scene.arrange([draft], scene.day(-52), [(due[0], due[0]), (due[1], due[1]), (due[2], None)], "temporarily_tight")


def unplaced_money(scene: Scene) -> None:
    """The first actor's money lowers what may be claimed; the second's is more than all it owes, so nothing may be."""
    if scene.actor == 0:
        older, newer = scene.bill(scene.day(-16), lines=3), scene.bill(scene.day(-12))
        booked_on = bank_days.bank_days_later(scene.days[0], -1)
        amount = max(older.total_cents * 58 // 100 // 25_00 * 25_00, 25_00)
    else:
        due_on = scene.days[2] - DAYS_TO_REMINDER
        older, newer = scene.bill(due_on, lines=3), scene.bill(due_on)
        booked_on = scene.days[1]
        amount = ((older.total_cents + newer.total_cents) // 25_00 + 2) * 25_00
    scene.strays.append(StrayPayment(scene.customer.customer_id, booked_on, amount, (older.key, newer.key)))


def loose_credit(scene: Scene) -> None:
    """The credit note itself is written by the invoicing module, from this invoice."""
    scene.bill(scene.day(-14 - scene.actor))


def promise_open(scene: Scene) -> None:
    draft = scene.bill(scene.day(-20 - scene.actor))
    scene.reminded(draft, scene.day(-9))
    promise(scene, draft, scene.day(-3), scene.days[2] + timedelta(days=4))


def promise_broken(scene: Scene) -> None:
    draft = scene.bill(scene.day(-35 - scene.actor))
    scene.reminded(draft, scene.day(-23))
    promise(scene, draft, scene.day(-14), scene.day(-6) if scene.actor == 0 else scene.day(-1))


def promise(scene: Scene, draft: Draft, made_on: date, promised_on: date) -> None:
    scene.record(
        made_on,
        "promise_made",
        invoices=[InvoiceOf(draft.key)],
        promised_on=promised_on.isoformat(),
        amount=euros(draft.total_cents),
    )


def customer_on_hold(scene: Scene) -> None:
    """On hold now, and once before: that hold was lifted."""
    own = scene.customer.customer_id
    scene.record(scene.day(-96), "hold_placed", customer=own, reason="Wacht op creditnota")
    scene.record(scene.day(-88), "hold_lifted", customer=own)
    scene.bill(scene.day(-25))
    scene.bill(scene.day(-15))
    until = scene.days[2] + timedelta(days=20)
    scene.record(
        scene.day(-10),
        "hold_placed",
        customer=scene.customer.customer_id,
        reason="Overleg met directie loopt",
        until=until.isoformat(),
    )


def complaint_open(scene: Scene) -> None:
    """One complaint open, an earlier one about service closed."""
    own = scene.customer.customer_id
    scene.record(scene.day(-75), "complaint_opened", customer=own, reason="Onbereikbare klantenservice")
    scene.record(scene.day(-70), "complaint_closed", customer=own, outcome="explanation")
    draft = scene.bill(scene.day(-16))
    scene.record(
        scene.day(-8),
        "complaint_opened",
        customer=scene.customer.customer_id,
        invoice=InvoiceOf(draft.key),
        reason="Levering te laat",
    )


def terms_extended(scene: Scene) -> None:
    draft = scene.bill(scene.day(-6))
    new_due_on = scene.days[2] + timedelta(days=12)
    scene.record(scene.day(-8), "terms_extended", invoice=InvoiceOf(draft.key), new_due_on=new_due_on.isoformat())


def insolvent(scene: Scene) -> None:
    scene.reminded(scene.bill(scene.day(-50)), scene.day(-38), scene.day(-20))
    scene.bill(scene.day(-20))
    scene.record(
        scene.day(-4),
        "insolvency",
        customer=scene.customer.customer_id,
        insolvency_kind="bankruptcy",
        reference=f"F.10/{scene.day(-4):%y}/001",
    )


def returned_direct_debit(scene: Scene) -> None:
    """Collected on its due day; the paying module books the return on the day before the first demonstration day."""
    collected_on = bank_days.on_or_before(scene.day(-9))
    scene.bill(collected_on, Plan.ON, collected_on)


def no_email(scene: Scene) -> None:
    scene.bill(scene.day(-13 - 2 * scene.actor))


def sole_trader(scene: Scene) -> None:
    draft = scene.bill(scene.day(-12 - 21 * scene.actor))
    if scene.actor:
        scene.reminded(draft, scene.day(-17))


SCRIPTS: dict[Role, Callable[[Scene], None]] = {
    Role.STAGE_1: stage_1,
    Role.STAGE_2: stage_2,
    Role.STAGE_3: stage_3,
    Role.NEVER_PAYS: never_pays,
    Role.JUST_OVERDUE: just_overdue,
    Role.PRE_DUE: pre_due,
    Role.PAID_JUST_IN_TIME: paid_just_in_time,
    Role.DISPUTE_OPEN: dispute_open,
    Role.LINE_DISPUTE_OPEN: line_dispute_open,
    Role.ARRANGEMENT_FULFILLED: arrangement_fulfilled,
    Role.ARRANGEMENT_BROKEN: arrangement_broken,
    Role.ARRANGEMENT_INSTALMENT_DUE: arrangement_instalment_due,
    Role.ARRANGEMENT_INSTALMENT_PAID: arrangement_instalment_paid,
    Role.ARRANGEMENT_DIRECT_DEBIT: arrangement_direct_debit,
    Role.UNPLACED_MONEY: unplaced_money,
    Role.LOOSE_CREDIT: loose_credit,
    Role.PROMISE_OPEN: promise_open,
    Role.PROMISE_BROKEN: promise_broken,
    Role.CUSTOMER_ON_HOLD: customer_on_hold,
    Role.COMPLAINT_OPEN: complaint_open,
    Role.TERMS_EXTENDED: terms_extended,
    Role.INSOLVENT: insolvent,
    Role.RETURNED_DIRECT_DEBIT: returned_direct_debit,
    Role.NO_EMAIL: no_email,
    Role.NO_CONTACT: no_email,
    Role.SOLE_TRADER: sole_trader,
}


def cast_scenes(
    seed: int,
    customers: tuple[Customer, ...],
    behaviours: tuple[Behaviour, ...],
    mandates: tuple[Mandate, ...],
    days: tuple[date, date, date],
) -> list[Scene]:
    """The script of every cast customer, in order of customer number."""
    mandate_of = {mandate.customer_id: mandate for mandate in mandates}
    actors: dict[Role, int] = {}
    scenes = []
    for customer, behaviour in zip(customers, behaviours, strict=True):
        if behaviour.role is Role.NONE:
            continue
        actor = actors.get(behaviour.role, 0)
        actors[behaviour.role] = actor + 1
        scene = Scene(seed, customer, behaviour, mandate_of.get(customer.customer_id), actor, days)
        SCRIPTS[behaviour.role](scene)
        scenes.append(scene)
    return scenes
