"""A double payment, its refund and claimed costs, over three days through every layer."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

from click.testing import Result

from orchestration.home import Home
from tests.end_to_end.published import select
from tests.end_to_end.small import COMPANY, CUSTOMERS, TURNOVER, Payment, camt, invoice, write_csv

Tijdig = Callable[..., Result]

WEDNESDAY, THURSDAY, FRIDAY = (date(2026, 11, day) for day in (11, 12, 13))


def deliver(home: Home, day: date, opening: str, *payments: Payment) -> None:
    (home.bank_inbox / f"statement-{day}.xml").write_bytes(camt(day, opening, payments))


def run(tijdig: Tijdig, home: Home, day: date) -> None:
    result = tijdig("run", "--date", day.isoformat(), home=home)
    assert result.exit_code == 0, result.output


def refund_tasks(home: Home) -> list[tuple[object, ...]]:
    return select(home, "select customer_id, amount, status, reason from tasks.tasks where task_kind = 'refund'")


def test_money_paid_twice_is_a_task_until_it_went_back_and_costs_do_not_vanish(tmp_path: Path, tijdig: Tijdig) -> None:
    home = Home(tmp_path / "home")
    assert tijdig("init", home=home).exit_code == 0
    write_csv(home.billing_inbox, "companies", [COMPANY])
    write_csv(home.billing_inbox, "customers", CUSTOMERS)
    overdue = [
        invoice("2026-0001", "K1", "2026-09-24", "2026-10-24", "121.00"),
        invoice("2026-0002", "K2", "2026-09-24", "2026-10-24", "100.00", payment_reference="RF18539007547034"),
    ]
    write_csv(home.billing_inbox, "invoices", [*overdue, TURNOVER])
    recorded = tijdig(
        "record", "charges_claimed", "--company", "VB", "--by", "M. Visser", "--effective-on", "2026-11-01",
        "--invoice", "2026-0002", "--costs_amount", "40.00", "--interest_amount", "2.50", home=home,
    )  # fmt: skip
    assert recorded.exit_code == 0, recorded.output

    deliver(home, date(2026, 11, 9), "1000.00", Payment("121.00", "betaling 2026-0001"))
    deliver(
        home,
        date(2026, 11, 10),
        "1121.00",
        Payment("121.00", "betaling 2026-0001"),
        Payment("60.00", "RF18539007547034", iban="NL69INGB0123456789"),
    )
    run(tijdig, home, WEDNESDAY)
    first, second = select(home, "select entry_key from banking.entries where amount = 121 order by booked_on")
    ((customer, amount, status, reason),) = refund_tasks(home)
    assert (customer, amount, status) == ("K1", Decimal("121.00"), "open")
    for key in (first[0], second[0]):
        assert key in str(reason), "both bank entries"
    components = (
        "select component, amount from reconciliation.payment_allocations where invoice_id = '2026-0002' order by all"
    )
    split = [("costs", Decimal("40.00")), ("interest", Decimal("2.50")), ("principal", Decimal("17.50"))]
    assert select(home, components) == split
    paid = "select paid_amount, open_amount from receivables.invoice_balances where invoice_id = '2026-0002'"
    assert select(home, paid) == [(Decimal("17.50"), Decimal("82.50"))]

    # We send the money back; and the customer of the other invoice settles its principal.
    deliver(
        home,
        WEDNESDAY,
        "1302.00",
        Payment("-121.00", "terugbetaling 2026-0001"),
        Payment("82.50", "RF18539007547034", iban="NL69INGB0123456789"),
    )
    run(tijdig, home, THURSDAY)
    assert [(task[0], task[1], task[2]) for task in refund_tasks(home)] == [("K1", Decimal("121.00"), "done")]
    assert select(home, "select count(*) from reconciliation.unapplied_payments") == [(0,)]
    assert select(home, "select unapplied_credit from receivables.customer_balances where customer_id = 'K1'") == [(0,)]
    balance = "select paid_amount, open_amount from receivables.invoice_balances where invoice_id = '2026-0001'"
    assert select(home, balance) == [(Decimal("121.00"), Decimal("0.00"))]
    charges = "select component, claimed_amount, paid_amount, open_amount from receivables.charge_balances order by all"
    assert select(home, charges) == [
        ("costs", Decimal("40.00"), Decimal("40.00"), Decimal("0.00")),
        ("interest", Decimal("2.50"), Decimal("2.50"), Decimal("0.00")),
    ]
    known = (
        "select entry_key, invoice_id, component, amount, rule_id from reconciliation.payment_allocations order by all"
    )
    before = select(home, known)

    # What stands, stands.
    deliver(home, THURSDAY, "1263.50")
    run(tijdig, home, FRIDAY)
    assert refund_tasks(home) == []
    assert select(home, known) == before
