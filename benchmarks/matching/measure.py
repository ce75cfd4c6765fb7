"""Runs the worlds of several portfolios and seeds through the real rules, and through the matchers to compare with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from assets.landing.warehouse import reading, writing
from assets.warehouse.dbt import DbtHome
from benchmarks.matching.baselines import BASELINES
from benchmarks.matching.score import Outcome, Score, is_designated, is_right, judged, outcomes_of
from benchmarks.matching.warehouse import AS_OF, answer_old_questions, build, chapters, let_stand
from benchmarks.matching.worlds import MISNAMED, Portfolio, Receipt, World, make_world

ANSWERED_AFTER = 14  # days: older money that was not placed, a clerk has placed by now
ANSWERED_UNTIL = AS_OF - timedelta(days=ANSWERED_AFTER)


@dataclass(slots=True)
class Reminders:
    """What would be sent on the first bank day after the last payments, when a clerk has placed all that is older than a
    fortnight and was not placed; what the rules placed of it stands.

    An invoice is paid when nothing is owed on it any more; what of a discount or of a rounding stays open is not owed. A
    customer is wronged by a message when none of the invoices in it is owed; an invoice, when it is in a message although
    paid. Both count as `unknowable` when one of the payments was. An invoice that a loose credit note covers, which the
    payer silently took off, is not among the wrong: the message takes it off as well.
    """

    messages: int = 0
    customers: int = 0
    wrong_messages: int = 0
    wrong_customers: int = 0
    unknowable_messages: int = 0
    unknowable_customers: int = 0
    covered_by_credit: int = 0
    small_differences: int = 0
    owed_and_due: int = 0
    owed_and_reminded: int = 0
    paid_unplaced: int = 0
    wrong: list[str] = field(default_factory=list)

    def __add__(self, other: Reminders) -> Reminders:
        names = [name for name in Reminders.__slots__ if name != "wrong"]
        return Reminders(
            **{name: getattr(self, name) + getattr(other, name) for name in names}, wrong=self.wrong + other.wrong
        )

    def __str__(self) -> str:
        return (
            f"{self.messages} invoices in messages to {self.customers} customers; paid though knowable: "
            f"{self.wrong_messages} invoices, and nothing but such to {self.wrong_customers} customers; paid and "
            f"unknowable: {self.unknowable_messages}, to {self.unknowable_customers}; covered by a loose credit note: "
            f"{self.covered_by_credit}; about a small difference only: {self.small_differences}; of "
            f"{self.owed_and_due} invoices truly overdue {self.owed_and_reminded} in a message; of those paid "
            f"{self.paid_unplaced} looked open"
        )


@dataclass(slots=True)
class Measured:
    """All there is to say of one portfolio, over its seeds."""

    score: Score = field(default_factory=Score)
    baselines: dict[str, Score] = field(default_factory=lambda: {name: Score() for name in BASELINES})
    reminders: Reminders | None = None
    fortnight: Score = field(default_factory=Score)
    """Of the receipts of the last fortnight only, when all before them are placed: as a company in use sees it."""
    receipts: int = 0
    invoices: int = 0


def measure(
    folder: Path, portfolios: Sequence[Portfolio], seeds: Sequence[int], *, reminders: bool = False, **size: int
) -> dict[str, Measured]:
    """The figures by portfolio. `size` goes to `make_world`."""
    worlds = [make_world(portfolio, seed, **size) for portfolio in portfolios for seed in seeds]
    receipts = build(folder, worlds)
    home = DbtHome(folder / "warehouse.duckdb", folder / "target")
    outcomes = read_outcomes(home.warehouse, receipts)
    measured = {portfolio.name: Measured() for portfolio in portfolios}
    keys = by_world(worlds, receipts)
    for world in worlds:
        found = measured[world.portfolio.name]
        found.score += judged(world, [(receipts[key], outcomes[key]) for key in keys[world.company_id]])
        for name, matcher in BASELINES.items():
            found.baselines[name] += judged(world, zip(world.receipts, matcher(world), strict=True))
        found.receipts += len(world.receipts)
        found.invoices += len(world.documents)
    if reminders:
        with writing(home.warehouse) as connection:
            let_stand(connection, ANSWERED_UNTIL)
            answer_old_questions(
                connection,
                [
                    (key, world, receipts[key], outcomes[key].placed)
                    for world in worlds
                    for key in keys[world.company_id]
                ],
                ANSWERED_UNTIL,
            )
        chapters(home, "dunning")
        outcomes = read_outcomes(home.warehouse, receipts)
        for world in worlds:
            found = measured[world.portfolio.name]
            late = [(receipts[key], outcomes[key]) for key in keys[world.company_id] if is_late(receipts[key])]
            found.fortnight += judged(world, late)
            mine = [(receipts[key], outcomes[key]) for key in keys[world.company_id]]
            found.reminders = (found.reminders or Reminders()) + reminded(home.warehouse, world, mine)
    return measured


def is_late(receipt: Receipt) -> bool:
    """Came in since the clerk last looked."""
    return receipt.booked_on > ANSWERED_UNTIL


def by_world(worlds: Sequence[World], receipts: dict[str, Receipt]) -> dict[str, list[str]]:
    """Entry keys by company."""
    places = {id(receipt): world.company_id for world in worlds for receipt in world.receipts}
    keys: dict[str, list[str]] = defaultdict(list)
    for key, receipt in receipts.items():
        keys[places[id(receipt)]].append(key)
    return keys


def read_outcomes(warehouse: Path, receipts: dict[str, Receipt]) -> dict[str, Outcome]:
    """What the rules said of each receipt."""
    with reading(warehouse) as connection:
        allocations = connection.execute(
            "select entry_key, invoice_id, amount, rule_id from reconciliation.payment_allocations"
        ).fetchall()
        proposals = connection.execute(
            "select entry_key, invoice_id, rank from reconciliation.match_proposals"
        ).fetchall()
        unapplied = connection.execute(
            "select entry_key, customer_id from reconciliation.unapplied_payments"
        ).fetchall()
    return outcomes_of(allocations, proposals, unapplied, receipts)


def mix_ups(world: World, outcomes: Iterable[tuple[Receipt, Outcome]]) -> set[tuple[str | None, int]]:
    """Customer and amount of payments that name another document of the payer's own: which of his invoices of that amount
    he has paid since, nobody can tell."""
    return {
        (receipt.customer_id, receipt.cents)
        for receipt, outcome in outcomes
        if receipt.noise in MISNAMED
        or (outcome.placed and not is_right(outcome, receipt) and is_designated(world, receipt, outcome))
    }


def reminded(warehouse: Path, world: World, outcomes: Iterable[tuple[Receipt, Outcome]]) -> Reminders:
    """Who would hear from us, and who of them rightly."""
    mixed_up = mix_ups(world, outcomes)
    with reading(warehouse) as connection:
        decisions = connection.execute(
            """
            select decisions.invoice_id, decisions.action, decisions.reason_code, balances.open_amount
            from dunning.dunning_decisions as decisions
            inner join receivables.invoice_balances as balances
                on decisions.company_id = balances.company_id and decisions.invoice_id = balances.invoice_id
            where decisions.company_id = ?
            """,
            [world.company_id],
        ).fetchall()
    payers: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in world.receipts:
        for invoice_id, _ in receipt.pays:
            payers[invoice_id].append(receipt)
    found = Reminders()
    owing: dict[str, set[str]] = defaultdict(set)  # customer -> what the invoices of its message are
    wrong: dict[str, list[str]] = defaultdict(list)
    for invoice_id, action, reason, open_amount in decisions:
        document = world.documents[invoice_id]
        customer_id = document.customer.customer_id
        is_message = action == "message"
        is_paid = document.open_cents <= document.granted_cents
        found.paid_unplaced += int(is_paid and open_amount * 100 > document.granted_cents)
        if not is_paid and document.due_on < AS_OF:
            found.owed_and_due += 1
            found.owed_and_reminded += int(is_message)
        if not is_message:
            continue
        found.messages += 1
        if not is_paid:
            owing[customer_id].add("owed")
            found.small_differences += int(document.open_cents <= 15_00 and document.open_cents < document.cents)
        elif any(
            receipt.noise == "loose_credit" and sum(min(cents, 0) for _, cents in receipt.pays) == -open_amount * 100
            for receipt in payers[invoice_id]
        ):
            owing[customer_id].add("covered")
            found.covered_by_credit += 1
        elif not all(
            receipt.is_knowable and (receipt.customer_id, receipt.cents) not in mixed_up
            for receipt in payers[invoice_id]
        ):
            owing[customer_id].add("unknowable")
            found.unknowable_messages += 1
        else:
            owing[customer_id].add("knowable")
            found.wrong_messages += 1
            said = "; ".join(
                f"{receipt.noise} {receipt.booked_on} {receipt.cents / 100:.2f} {receipt.text!r}"
                for receipt in payers[invoice_id]
            )
            wrong[customer_id].append(
                f"{world.company_id}: {document.number} of {customer_id}, {open_amount} open, {reason}; paid by {said}"
            )
    for customer_id, lines in wrong.items():
        mark = "" if "owed" in owing[customer_id] else "**owes nothing** "
        found.wrong += [mark + line for line in lines]
    found.customers = len(owing)
    found.wrong_customers = sum("knowable" in kinds and "owed" not in kinds for kinds in owing.values())
    found.unknowable_customers = sum(
        "unknowable" in kinds and not kinds & {"owed", "knowable"} for kinds in owing.values()
    )
    return found
