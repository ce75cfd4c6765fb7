"""What the world must show: shares, noise, a consistent truth, and every scripted situation at its end."""

import json
import random
from collections import Counter, defaultdict
from datetime import date, timedelta

import pytest

from simulation import bank_days, names
from simulation.customers import free_name
from simulation.model import Profile, Role, Tier, World
from simulation.register import open_at, paid_by_invoice
from simulation.world import build_world

OTHER_WORLDS = [(2, date(2026, 11, 22)), (3, date(2026, 1, 4)), (4, date(2027, 4, 6))]
NOT_A_PAYMENT = {"not_a_receipt", "collection", "return", "refund", "instalment", "unplaced"}


def still_open(world: World, day: date) -> dict[str, int]:
    """Open cents by invoice id at the end of `day`, from the truth and the recorded write-offs."""
    written_off: dict[str, int] = defaultdict(int)
    for event in world.register_events:
        if event.kind == "write_off" and event.effective_on <= day:
            payload = json.loads(event.payload)
            written_off[payload["invoice"]] += int(payload["amount"].replace(".", ""))
    booked_on = {entry.entry_id: entry.booked_on for entry in world.entries}
    return open_at(day, world.invoices, paid_by_invoice(world.truth, booked_on), dict(written_off))


def customers_cast_as(world: World, role: Role) -> list[str]:
    return [behaviour.customer_id for behaviour in world.behaviours if behaviour.role is role]


def assert_turnover_is_skewed(world: World) -> None:
    """A margin of a tenth around both lines, so that netting of credit notes or VAT does not move anybody."""
    tier = {behaviour.customer_id: behaviour.tier for behaviour in world.behaviours}
    for since in (world.start_on, world.until - timedelta(days=365)):
        billed: Counter[str] = Counter()
        for invoice in world.invoices:
            if invoice.kind == "invoice" and invoice.issued_on > since:
                billed[invoice.customer_id] += invoice.total_cents
        total = billed.total()
        for customer_id, cents in billed.items():
            permille = cents * 1000 // total
            match tier[customer_id]:
                case Tier.KEY:
                    assert permille >= 55
                case Tier.NEAR_KEY:
                    assert 22 <= permille <= 47
                case _:
                    assert permille <= 17


def test_turnover_makes_four_key_and_eight_near_key_customers(world: World) -> None:
    tiers = Counter(behaviour.tier for behaviour in world.behaviours)
    assert (tiers[Tier.KEY], tiers[Tier.NEAR_KEY], tiers[Tier.STANDARD]) == (4, 8, 208)
    assert_turnover_is_skewed(world)


def test_credit_facts_show_what_counts_what_is_too_old_and_what_nobody_dated(world: World) -> None:
    classed = [customer for customer in world.customers if customer.risk_class]
    dated = [customer for customer in classed if customer.risk_source and customer.risk_on]
    ages = [(world.until - customer.risk_on).days for customer in dated if customer.risk_on]
    assert 0 < len(dated) < len(classed)
    assert min(ages) < 365 < max(ages)
    assert all((customer.risk_source is None) == (customer.risk_on is None) for customer in world.customers)
    beyond_the_law = [
        customer
        for customer in world.customers
        if customer.size_class == "large" and customer.payment_terms_days > 30 and not customer.is_natural_person
    ]
    assert world.company.size_class == "sme"
    assert beyond_the_law
    assert any(customer.size_class is None and customer.payment_terms_days > 30 for customer in world.customers)


def test_the_world_is_as_large_as_a_demonstration_needs(world: World) -> None:
    assert 4_000 <= len(world.invoices) <= 6_000
    assert len({invoice.invoice_number for invoice in world.invoices}) == len(world.invoices)
    assert len({customer.name for customer in world.customers}) == len(world.customers)
    assert {customer.country for customer in world.customers} == {"NL", "BE"}
    assert {customer.language for customer in world.customers} == {"nl", "fr", "en"}
    assert any(customer.parent_customer_id for customer in world.customers)
    debited = sum(behaviour.uses_direct_debit for behaviour in world.behaviours)
    assert 5 <= debited * 100 // len(world.customers) <= 13
    assert {behaviour.profile for behaviour in world.behaviours} == set(Profile)


@pytest.mark.parametrize(
    ("noise", "lowest", "highest"),
    [
        ("full", 520, 640), ("lumped", 70, 120), ("typo", 28, 60), ("lost", 35, 65), ("split", 20, 45),
        ("partial", 25, 50), ("short", 20, 55), ("credit_netted", 8, 30), ("none", 38, 68),
        ("customer_number", 5, 18), ("wrong_reference", 5, 18), ("other_payer", 12, 32), ("collective", 4, 18),
    ],
)  # fmt: skip
def test_payments_carry_ordinary_noise(world: World, noise: str, lowest: int, highest: int) -> None:
    counts = Counter(truth.noise for truth in world.truth if truth.noise not in NOT_A_PAYMENT)
    assert lowest <= counts[noise] * 1000 // counts.total() <= highest


def test_truth_accounts_for_every_cent_of_every_entry(world: World) -> None:
    entry_of = {entry.entry_id: entry for entry in world.entries}
    assert len(world.truth) == len(entry_of)
    for truth in world.truth:
        allocated = sum(cents for _, cents in truth.allocations)
        assert allocated + truth.unapplied_cents == entry_of[truth.entry_id].amount_cents
        assert truth.unapplied_cents == 0 or truth.noise in {"over", "double", "refund", "not_a_receipt", "unplaced"}


def test_no_invoice_is_paid_more_than_it_is_worth(world: World) -> None:
    worth = {invoice.invoice_id: invoice for invoice in world.invoices}
    paid: Counter[str] = Counter()
    for truth in world.truth:
        for invoice_id, cents in truth.allocations:
            paid[invoice_id] += cents
    for invoice_id, cents in paid.items():
        invoice = worth[invoice_id]
        if invoice.kind == "invoice":
            assert 0 <= cents <= invoice.total_cents
        else:
            assert -invoice.total_cents <= cents <= 0


def test_a_payment_is_for_the_payers_own_household(world: World) -> None:
    parent = {customer.customer_id: customer.parent_customer_id for customer in world.customers}
    owner = {invoice.invoice_id: invoice.customer_id for invoice in world.invoices}
    for truth in world.truth:
        if truth.customer_id is None:
            assert truth.noise == "not_a_receipt"
            continue
        households = {parent[owner[invoice]] or owner[invoice] for invoice, _ in truth.allocations}
        assert households <= {parent[truth.customer_id] or truth.customer_id}


def test_nothing_is_paid_before_it_is_issued_except_in_advance(world: World) -> None:
    issued_on = {invoice.invoice_id: invoice.issued_on for invoice in world.invoices}
    entry_of = {entry.entry_id: entry for entry in world.entries}
    for truth in world.truth:
        if truth.noise != "prepayment":
            assert all(issued_on[invoice] <= entry_of[truth.entry_id].booked_on for invoice, _ in truth.allocations)


def test_entries_are_booked_on_bank_days_within_the_world(world: World) -> None:
    for entry in world.entries:
        assert bank_days.is_bank_day(entry.booked_on)
        assert world.start_on <= entry.booked_on <= world.until
        assert entry.amount_cents != 0


def test_a_return_takes_back_a_collection_in_full(world: World) -> None:
    collected = {
        (entry.end_to_end_id, entry.mandate_id): entry for entry in world.entries if entry.kind == "collection"
    }
    returns = [entry for entry in world.entries if entry.kind == "return"]
    assert returns
    for entry in returns:
        original = collected[entry.end_to_end_id, entry.mandate_id]
        assert entry.amount_cents == -original.amount_cents
        assert entry.booked_on > original.booked_on
        assert entry.return_reason in {"AM04", "MS03", "MD06"}
        assert entry.return_reason != "MD06" or original.scheme == "CORE"


def test_a_returned_collection_leaves_the_invoice_open_until_it_is_paid_again(world: World) -> None:
    entry_of = {entry.entry_id: entry for entry in world.entries}
    history: dict[str, list[tuple[date, str, int]]] = defaultdict(list)
    for truth in world.truth:
        for invoice_id, cents in truth.allocations:
            entry = entry_of[truth.entry_id]
            history[invoice_id].append((entry.booked_on, entry.kind, cents))
    returned = [sorted(events) for events in history.values() if any(kind == "return" for _, kind, _ in events)]
    assert returned
    paid_again = 0
    for events in returned:
        kinds = [kind for _, kind, _ in events]
        assert kinds[:2] == ["collection", "return"]
        assert sum(cents for _, _, cents in events[:2]) == 0
        paid_again += kinds[2:] != []
    assert paid_again * 2 >= len(returned)


def test_lines_add_up_to_the_invoice(world: World) -> None:
    for invoice in world.invoices:
        assert sum(line.net_cents + line.vat_cents for line in invoice.lines) == invoice.total_cents > 0
        assert all(line.quantity * line.unit_price_cents == line.net_cents for line in invoice.lines)


def test_numbers_run_without_a_hole_in_order_of_issue(world: World) -> None:
    previous: dict[tuple[str, int], tuple[int, date]] = {}
    for invoice in world.invoices:
        series = (invoice.invoice_number[0], invoice.issued_on.year)
        number = int(invoice.invoice_number[6:])
        if series in previous:
            assert number == previous[series][0] + 1
            assert invoice.issued_on >= previous[series][1]
        previous[series] = (number, invoice.issued_on)


def test_credit_notes_and_replacements_name_invoices_that_exist(world: World) -> None:
    of_number = {invoice.invoice_number: invoice for invoice in world.invoices}
    named = [invoice for invoice in world.invoices if invoice.credits_invoice_number]
    loose = [
        invoice for invoice in world.invoices if invoice.kind == "credit_note" and not invoice.credits_invoice_number
    ]
    replaced = [invoice for invoice in world.invoices if invoice.replaces_invoice_number]
    assert named
    assert loose
    assert replaced
    for invoice in named:
        assert of_number[invoice.credits_invoice_number or ""].customer_id == invoice.customer_id
        assert invoice.total_cents <= of_number[invoice.credits_invoice_number or ""].total_cents
    for invoice in replaced:
        assert of_number[invoice.replaces_invoice_number or ""].customer_id == invoice.customer_id


@pytest.fixture(scope="module", params=[None, *OTHER_WORLDS], ids=["default", "sunday", "new-year", "easter"])
def any_world(request: pytest.FixtureRequest, world: World) -> World:
    """The default world, one that ends on a Sunday, one around New Year and one around Easter."""
    return world if request.param is None else build_world(*request.param)


class TestTheLastDaysShow:
    """The same situations at any seed and any last day."""

    def test_customers_of_every_tier(self, any_world: World) -> None:
        assert_turnover_is_skewed(any_world)

    def test_invoices_about_to_fall_due_and_overdue_ones_of_every_age(self, any_world: World) -> None:
        last = any_world.demonstration_days[2]
        open_cents = still_open(any_world, last - bank_days.ONE_DAY)
        ages = [
            (last - invoice.due_on).days
            for invoice in any_world.invoices
            if open_cents.get(invoice.invoice_id, 0) > 25_00
        ]
        for lowest, highest, fewest in ((-5, 0, 20), (1, 12, 15), (13, 30, 15), (31, 60, 8), (61, 200, 8)):
            assert sum(lowest <= age <= highest for age in ages) >= fewest, (lowest, highest)

    def test_every_earlier_reminder_level(self, any_world: World) -> None:
        first = any_world.demonstration_days[0]
        open_cents = still_open(any_world, first - bank_days.ONE_DAY)
        invoice_of = {invoice.invoice_id: invoice for invoice in any_world.invoices}
        newest: dict[str, int] = {}
        for stage in any_world.opening_stages:
            assert invoice_of[stage.invoice_id].due_on < stage.dispatched_on < first
            newest[stage.invoice_id] = max(newest.get(stage.invoice_id, 0), stage.stage_no)
        levels = Counter(level for invoice, level in newest.items() if open_cents[invoice] > 0)
        assert min(levels[1], levels[2], levels[3]) >= 3

    def test_key_accounts_with_fresh_invoices_and_without_earlier_reminders(self, any_world: World) -> None:
        key = {behaviour.customer_id for behaviour in any_world.behaviours if behaviour.tier is Tier.KEY}
        last = any_world.demonstration_days[2]
        fresh = [
            invoice
            for invoice in any_world.invoices
            if invoice.customer_id in key and 1 <= (last - invoice.issued_on).days <= 15
        ]
        assert {invoice.customer_id for invoice in fresh} == key
        reminded = {stage.invoice_id for stage in any_world.opening_stages}
        assert not {invoice.invoice_id for invoice in any_world.invoices if invoice.customer_id in key} & reminded

    def test_open_disputes_one_of_them_on_a_line(self, any_world: World) -> None:
        opened, closed = {}, set()
        for event in any_world.register_events:
            payload = json.loads(event.payload)
            if event.kind == "dispute_opened":
                opened[payload["invoice"]] = payload
            elif event.kind == "dispute_closed":
                closed.add(payload["invoice"])
        running = [payload for number, payload in opened.items() if number not in closed]
        assert len(running) >= 4
        assert any("line_number" in payload for payload in running)
        assert closed <= set(opened)

    def test_arrangements_kept_broken_and_running_with_an_instalment_just_due(self, any_world: World) -> None:
        second = any_world.demonstration_days[1]
        agreed = [
            json.loads(event.payload) for event in any_world.register_events if event.kind == "arrangement_agreed"
        ]
        total = {invoice.invoice_number: invoice.total_cents for invoice in any_world.invoices}
        assert len(agreed) == 5
        for arrangement in agreed:
            instalments = sum(int(part["amount"].replace(".", "")) for part in arrangement["instalments"])
            assert instalments == sum(total[number] for number in arrangement["invoices"])
        due = [part["due_on"] for arrangement in agreed for part in arrangement["instalments"]]
        assert second.isoformat() in due
        open_cents = still_open(any_world, any_world.until)
        number_of = {invoice.invoice_number: invoice.invoice_id for invoice in any_world.invoices}
        left = [sum(open_cents[number_of[number]] for number in arrangement["invoices"]) for arrangement in agreed]
        assert left.count(0) == 1  # the one that was kept to the end

    def test_money_of_a_known_customer_that_says_nothing(self, any_world: World) -> None:
        entry_of = {entry.entry_id: entry for entry in any_world.entries}
        ibans = {customer.customer_id: customer.ibans for customer in any_world.customers}
        unplaced = [truth for truth in any_world.truth if truth.noise == "unplaced"]
        assert len(unplaced) == 2
        for truth in unplaced:
            entry = entry_of[truth.entry_id]
            assert entry.counterparty_iban in ibans[truth.customer_id or ""]
            assert not any(character.isdigit() for character in " ".join(entry.remittance))
            totals = {invoice.total_cents for invoice in any_world.invoices if invoice.customer_id == truth.customer_id}
            assert entry.amount_cents not in totals

    def test_a_loose_credit_note_of_a_customer_in_arrears(self, any_world: World) -> None:
        open_cents = still_open(any_world, any_world.until)
        for customer_id in customers_cast_as(any_world, Role.LOOSE_CREDIT):
            own = [invoice for invoice in any_world.invoices if invoice.customer_id == customer_id]
            loose = [invoice for invoice in own if invoice.kind == "credit_note" and not invoice.credits_invoice_number]
            assert any(open_cents.get(invoice.invoice_id, 0) > loose[-1].total_cents for invoice in own)

    def test_payments_seen_on_the_very_morning_a_reminder_would_go(self, any_world: World) -> None:
        entry_of = {entry.entry_id: entry for entry in any_world.entries}
        invoice_of = {invoice.invoice_id: invoice for invoice in any_world.invoices}
        seen_on = set()
        cast = set(customers_cast_as(any_world, Role.PAID_JUST_IN_TIME))
        for truth in any_world.truth:
            booked_on = entry_of[truth.entry_id].booked_on
            for invoice_id, _ in truth.allocations:
                invoice = invoice_of[invoice_id]
                read_on = bank_days.bank_days_later(booked_on, 1)
                if invoice.customer_id in cast and (read_on - invoice.due_on).days == 5:
                    seen_on.add(read_on)
        assert seen_on >= set(any_world.demonstration_days)

    def test_a_direct_debit_that_came_back_the_day_before(self, any_world: World) -> None:
        (cast,) = customers_cast_as(any_world, Role.RETURNED_DIRECT_DEBIT)
        truth_of = {truth.entry_id: truth for truth in any_world.truth}
        returned = [
            entry
            for entry in any_world.entries
            if entry.kind == "return" and truth_of[entry.entry_id].customer_id == cast
        ]
        assert [entry.booked_on for entry in returned] == [
            bank_days.bank_days_later(any_world.demonstration_days[0], -1)
        ]

    def test_customers_without_email_and_without_any_address_are_in_arrears(self, any_world: World) -> None:
        customer_of = {customer.customer_id: customer for customer in any_world.customers}
        (without,) = customers_cast_as(any_world, Role.NO_CONTACT)
        assert (customer_of[without].email, customer_of[without].street) == (None, None)
        assert all(customer_of[one].email is None for one in customers_cast_as(any_world, Role.NO_EMAIL))
        assert all(customer_of[one].street for one in customers_cast_as(any_world, Role.NO_EMAIL))
        assert all(customer_of[one].is_natural_person for one in customers_cast_as(any_world, Role.SOLE_TRADER))


def test_a_world_too_small_to_cast_every_role_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 100 customers"):
        build_world(1, date(2026, 11, 20), customer_count=99)
    with pytest.raises(ValueError, match="at least 12 months"):
        build_world(1, date(2026, 11, 20), months=11)


def test_the_smallest_world_still_casts_every_role() -> None:
    small = build_world(1, date(2026, 11, 20), customer_count=100, months=12)
    assert {behaviour.role for behaviour in small.behaviours} == set(Role)
    assert_turnover_is_skewed(small)


def test_namesakes_in_a_crowded_world_get_a_number() -> None:
    combinations = {
        f"{trade} {stem}{ending}"
        for trade in names.FRENCH_TRADES
        for stem in names.FRENCH_STEMS
        for ending in names.FRENCH_ENDINGS
    }
    taken = set(combinations)
    rng = random.Random(3)
    given = [free_name(rng, taken, speaks_french=True, is_natural_person=False) for _ in range(50)]
    assert len(set(given)) == 50
    assert all(name.rsplit(" ", 1)[0] in combinations and name[-1].isdigit() for name in given)


def test_register_events_use_the_contracts_words(world: World) -> None:
    numbers = {invoice.invoice_number for invoice in world.invoices}
    customers = {customer.customer_id for customer in world.customers}
    required = {
        "dispute_opened": {"invoice", "reason"},
        "dispute_closed": {"invoice", "outcome"},
        "promise_made": {"invoices", "promised_on", "amount"},
        "payment_expected": {"invoice", "expected_on"},
        "match_confirmed": {"entry_key", "invoice", "amount"},
        "hold_placed": {"customer", "reason"},
        "hold_lifted": {"customer"},
        "arrangement_agreed": {"arrangement_id", "customer", "invoices", "instalments", "method", "reason"},
        "terms_extended": {"invoice", "new_due_on"},
        "write_off": {"invoice", "amount", "reason"},
        "complaint_opened": {"customer", "reason"},
        "complaint_closed": {"customer", "outcome"},
        "insolvency": {"customer", "insolvency_kind"},
    }
    allowed = {
        "dispute_opened": {"line_number", "disputed_amount"},
        "hold_placed": {"until"},
        "arrangement_agreed": {"mandate_id"},
        "complaint_opened": {"invoice"},
        "insolvency": {"reference"},
    }
    assert {event.kind for event in world.register_events} == set(required)
    assert len({event.external_id for event in world.register_events}) == len(world.register_events)
    for event in world.register_events:
        payload = json.loads(event.payload)
        assert required[event.kind] <= set(payload) <= required[event.kind] | allowed.get(event.kind, set())
        named = payload.get("invoices", []) + ([payload["invoice"]] if "invoice" in payload else [])
        assert set(named) <= numbers
        assert payload.get("customer", world.customers[0].customer_id) in customers
        assert event.effective_on <= world.until


def test_clerks_answered_for_doubtful_payments_but_for_those_of_the_last_week(world: World) -> None:
    entry_of = {entry.entry_id: entry for entry in world.entries}
    first = world.demonstration_days[0]
    answers = [json.loads(event.payload) for event in world.register_events if event.kind == "match_confirmed"]
    doubtful = [truth for truth in world.truth if truth.needs_clerk]
    fresh = [truth for truth in doubtful if (first - entry_of[truth.entry_id].booked_on).days <= 7]
    assert len({answer["entry_key"] for answer in answers}) == len(doubtful) - len(fresh)
    assert fresh
    assert not any(truth.needs_clerk for truth in world.truth if entry_of[truth.entry_id].structured_reference)


def test_without_clerks_the_money_is_the_same_and_nobody_answered(world: World) -> None:
    alone = build_world(world.seed, world.until, has_clerks=False)
    assert (alone.invoices, alone.entries, alone.truth) == (world.invoices, world.entries, world.truth)
    assert "match_confirmed" not in {event.kind for event in alone.register_events}
    assert len(alone.register_events) < len(world.register_events)
