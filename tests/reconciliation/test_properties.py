"""What must hold of reconciliation whatever comes in: money is neither made nor lost, and what does not matter changes
nothing. One build by the real dbt over one warehouse, one company for each way of telling a world."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import pytest

from assets.landing.change_log import append_rows
from assets.landing.warehouse import reading, writing
from assets.warehouse.dbt import DbtHome
from benchmarks.matching.measure import read_outcomes
from benchmarks.matching.score import Outcome
from benchmarks.matching.warehouse import AS_OF, chapters, fill, set_day
from benchmarks.matching.worlds import Receipt, World, iban
from tests.reconciliation.variants import TOLD, Variant, all_tellings, first_telling


@dataclass(frozen=True, slots=True)
class Built:
    """The warehouse after the build, and the variants and receipts in it."""

    warehouse: Path
    variants: dict[tuple[str, str], Variant]
    receipts: dict[str, Receipt]
    outcomes: dict[str, Outcome]

    def allocations(self, portfolio: str, telling: str) -> Counter[object]:
        return self.variants[portfolio, telling].allocations(self.outcomes, self.receipts)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with reading(self.warehouse) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Every telling, and a company whose people have answered, refused and written off, up to the balances."""
    folder: Path = tmp_path_factory.mktemp("properties")
    home = DbtHome(folder / "warehouse.duckdb", folder / "target")
    variants = all_tellings()
    answered = first_telling("wholesale")
    answered.account_iban = iban("NL", "TRIO", 99)
    with writing(home.warehouse) as connection:
        receipts = fill(connection, [*(variant.world for variant in variants.values()), answered])
        mine = {id(receipt) for receipt in answered.receipts}
        events = answers(answered, {key: each for key, each in receipts.items() if id(each) in mine})
        append_rows(connection, "register_events", events)
        set_day(connection, register_seq=len(events))
    chapters(home, "receivables")
    return Built(home.warehouse, variants, receipts, read_outcomes(home.warehouse, receipts))


def answers(world: World, receipts: dict[str, Receipt]) -> list[tuple[object, ...]]:
    """People refuse one placement in ten, confirm half of another, and write something off a third."""
    rows: list[tuple[object, ...]] = []
    for number, (key, receipt) in enumerate(receipts.items()):
        for invoice_id, cents in receipt.pays[:1]:
            kind, amount = {
                0: ("match_rejected", 0),
                1: ("match_confirmed", cents // 2),
                2: ("write_off", 10_00),
            }.get(number % 10, ("", 0))
            if kind and cents > 0 and not receipt.is_other_currency:
                payload = {"entry_key": key, "invoice": invoice_id, "amount": f"{amount / 100:.2f}", "reason": "test"}
                at = datetime.combine(AS_OF, time(9))
                seq = len(rows) + 1
                rows.append((seq, f"event-{seq}", at, "clerk", world.company_id, AS_OF, kind, json.dumps(payload)))
    return rows


# -- money --------------------------------------------------------------------------------------------------------------


def test_every_cent_of_an_entry_is_placed_or_unapplied(built: Built) -> None:
    wrong = built.rows(
        """
        select entries.entry_key, entries.amount, placed.amount, unapplied.unapplied_amount
        from banking.entries as entries
        left join (
            select entry_key, sum(amount) as amount from reconciliation.payment_allocations group by entry_key
        ) as placed on entries.entry_key = placed.entry_key
        left join reconciliation.unapplied_payments as unapplied on entries.entry_key = unapplied.entry_key
        where entries.amount <> coalesce(placed.amount, 0) + coalesce(unapplied.unapplied_amount, 0)
        """
    )
    assert wrong == []
    assert len(built.receipts) == built.rows("select count(*) from banking.entries")[0][0]


def test_an_entry_is_never_unapplied_twice(built: Built) -> None:
    assert (
        built.rows("select entry_key from reconciliation.unapplied_payments group by entry_key having count(*) > 1")
        == []
    )


def test_every_cent_of_an_invoice_is_open_paid_credited_or_written_off(built: Built) -> None:
    wrong = built.rows(
        """
        select balances.company_id, balances.invoice_id, balances.total_amount, balances.open_amount, placed.amount
        from receivables.invoice_balances as balances
        left join (
            select company_id, invoice_id, sum(amount) as amount
            from reconciliation.payment_allocations
            where component = 'principal'
            group by company_id, invoice_id
        ) as placed on balances.company_id = placed.company_id and balances.invoice_id = placed.invoice_id
        left join (
            select company_id, invoice_id, sum(amount) as amount
            from (
                select company_id, invoice_id, amount from reconciliation.credit_settlements
                union all
                select company_id, credit_note_id, -amount from reconciliation.credit_settlements
            )
            group by company_id, invoice_id
        ) as credited on balances.company_id = credited.company_id and balances.invoice_id = credited.invoice_id
        where
            balances.total_amount
            <> balances.open_amount
            + coalesce(placed.amount, 0)
            + coalesce(credited.amount, 0)
            + balances.written_off_amount
        """
    )
    assert wrong == []


def test_no_document_is_paid_beyond_its_amount(built: Built) -> None:
    wrong = built.rows(
        """
        select company_id, invoice_id, total_amount, open_amount
        from receivables.invoice_balances
        where sign(open_amount) * sign(total_amount) < 0
        """
    )
    assert wrong == []


def test_what_people_wrote_off_and_confirmed_is_part_of_the_sums(built: Built) -> None:
    """The sums above would hold emptily if no answer had had an effect."""
    assert built.rows("select count(*) from receivables.invoice_balances where written_off_amount > 0")[0][0] > 5  # type: ignore[operator]
    confirmed = "select count(*) from reconciliation.payment_allocations where rule_id = 'human_confirmed'"
    assert built.rows(confirmed)[0][0] > 5  # type: ignore[operator]


def test_entry_invoice_and_allocation_are_in_one_currency(built: Built) -> None:
    wrong = built.rows(
        """
        select allocations.entry_key
        from reconciliation.payment_allocations as allocations
        inner join banking.entries as entries on allocations.entry_key = entries.entry_key
        inner join receivables.invoice_balances as balances
            on allocations.company_id = balances.company_id and allocations.invoice_id = balances.invoice_id
        where allocations.currency <> entries.currency or allocations.currency <> balances.currency
        """
    )
    assert wrong == []


def test_an_entry_pays_documents_of_its_own_company_only(built: Built) -> None:
    wrong = built.rows(
        """
        select allocations.entry_key
        from reconciliation.payment_allocations as allocations
        inner join banking.entries as entries on allocations.entry_key = entries.entry_key
        where allocations.company_id <> entries.company_id
        """
    )
    assert wrong == []


# -- what does not matter -------------------------------------------------------------------------------------------------


def differences(one: Counter[object], other: Counter[object]) -> list[tuple[str, object]]:
    """The first few allocations that only one of them has."""
    return [("only before", each) for each in (one - other)][:5] + [("only after", each) for each in (other - one)][:5]


@pytest.mark.parametrize("portfolio", TOLD)
@pytest.mark.parametrize("telling", ["shuffled", "among_others", "renamed"])
def test_what_does_not_matter_changes_no_allocation(built: Built, portfolio: str, telling: str) -> None:
    before = built.allocations(portfolio, "as_it_is")
    assert len(before) > 300
    assert differences(before, built.allocations(portfolio, telling)) == []


@pytest.mark.parametrize("portfolio", TOLD)
def test_larger_amounts_are_placed_alike(built: Built, portfolio: str) -> None:
    before = built.allocations(portfolio, "unscaled")
    assert len(before) > 300
    assert differences(before, built.allocations(portfolio, "scaled")) == []
