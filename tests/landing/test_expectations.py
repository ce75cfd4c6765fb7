"""The suites on what lands: each shown with one file that it stops and that every reader takes without a word.

Every row of such a file is valid by itself. What is wrong is the file as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from assets.banking.landing import land_statements
from assets.billing.landing import land_files
from assets.landing.expectations import FEWEST_ROWS, SUITES, Outcome, look
from assets.landing.warehouse import writing
from tests.banking.build import Payment, camt053
from tests.billing.files import CUSTOMER, INVOICE, written
from tests.landing.rooms import COMPANY, Rooms

ENOUGH = 30


def looked(rooms: Rooms, *accepted: int) -> dict[str, Outcome]:
    with writing(rooms.room.warehouse) as connection:
        return {outcome.table: outcome for outcome in look(connection, frozenset(accepted))}


def land_billing(rooms: Rooms, run_id: str, name: str, rows: Sequence[dict[str, str]]) -> None:
    rooms.put("billing", name, written(rows))
    landed = land_files(rooms.run(run_id), rooms.room.billing_inbox)
    assert (landed.taken, landed.quarantined) == (1, 0), "every reader takes the file"
    assert [table.refused for table in landed.tables] == [0], "and every row of it"


def invoices(first: int, count: int = ENOUGH, factor: int = 1, **changes: str) -> list[dict[str, str]]:
    """Invoices from 80.00 to a few hundreds; `factor` 100 is the export that forgot it was writing cents."""
    return [
        INVOICE | {"invoice_id": f"I{number}", "total_amount": f"{(80 + number % 300) * factor}.00"} | changes
        for number in range(first, first + count)
    ]


def customers(count: int = ENOUGH, **changes: str) -> list[dict[str, str]]:
    contact = {"email": "boek@klant.example", "street": "Kade 1", "postal_code": "1011 AB", "city": "Amsterdam"}
    return [CUSTOMER | contact | {"customer_id": f"K{number}"} | changes for number in range(count)]


def land_bank(rooms: Rooms, run_id: str, payments: Sequence[Payment], statement_id: str) -> None:
    rooms.put("billing", f"companies-{statement_id}.csv", COMPANY + f"C-{statement_id},Ander,NL,NL02ABNA0123456789\n")
    land_files(rooms.run(run_id), rooms.room.billing_inbox)
    rooms.put("bank", f"{statement_id}.xml", camt053(payments, statement_id=statement_id))
    landed = land_statements(rooms.run(run_id), rooms.room.bank_inbox)
    assert (landed.taken, landed.quarantined, landed.entries) == (1, 0, len(payments)), "its totals agree to the cent"


def payments(count: int = ENOUGH, text: str = "Factuur 2026-000{}", **changes: str) -> list[Payment]:
    return [
        replace(Payment(10_000 + number), text=text.format(100 + number), bank_reference=f"R{number}", **changes)  # type: ignore[arg-type]
        for number in range(count)
    ]


def test_nothing_landed_is_nothing_unusual(rooms: Rooms) -> None:
    assert {outcome.is_met for outcome in looked(rooms).values()} == {True}
    assert rooms.rows("select count(*) from raw.expectation_results") == [(0,)]


def test_normal_files_pass_and_are_not_looked_at_again(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "customers.csv", customers())
    land_billing(rooms, "monday", "invoices.csv", invoices(0, 100))
    land_bank(rooms, "monday", payments(), "S-1")
    outcomes = looked(rooms)
    assert {table: (outcome.is_met, outcome.rows) for table, outcome in outcomes.items()} == {
        "invoices": (True, 100),
        "customers": (True, ENOUGH),
        "bank_entries": (True, ENOUGH),
    }
    assert {outcome.rows for outcome in looked(rooms).values()} == {0}
    assert rooms.rows("select count(*), bool_and(is_met) from raw.expectation_results") == [(len(SUITES), True)]


def test_amounts_in_cents_are_stopped(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, 100))
    assert looked(rooms)["invoices"].is_met
    land_billing(rooms, "tuesday", "invoices.csv", invoices(100, factor=100))
    stopped = looked(rooms)["invoices"]
    assert (stopped.is_met, stopped.batch_id, stopped.rows) == (False, 2, ENOUGH)
    assert stopped.message == (
        "expect_column_median_to_be_between on total_amount: "
        "wanted {'min_value': 6.475, 'max_value': 2590.0}, found {'observed_value': 19450.0}"
    )
    assert rooms.rows("select batch_id, table_name, is_met from raw.expectation_results order by all") == [
        (1, "invoices", True),
        (2, "invoices", False),
    ]


def test_amounts_that_lost_their_decimal_point_are_stopped_even_as_the_first_file(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, factor=100_000))
    assert not looked(rooms)["invoices"].is_met


def test_dates_that_changed_places_are_stopped(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, issued_on="2026-01-31", due_on="2026-01-01"))
    stopped = looked(rooms)["invoices"]
    assert not stopped.is_met
    assert "days_to_pay" in stopped.message


def test_a_growing_business_is_not_stopped(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, 100))
    assert looked(rooms)["invoices"].is_met
    land_billing(rooms, "tuesday", "invoices.csv", invoices(100, factor=10))
    assert looked(rooms)["invoices"].is_met


def test_customers_without_contact_columns_are_stopped(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "customers.csv", customers())
    assert looked(rooms)["customers"].is_met
    bare = [{name: row[name] for name in CUSTOMER} for row in customers()]
    land_billing(rooms, "tuesday", "customers.csv", bare)
    stopped = looked(rooms)["customers"]
    assert not stopped.is_met
    assert "reachable_by" in stopped.message


def test_customers_reached_by_letter_alone_are_not_stopped(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "customers.csv", customers(email=""))
    assert looked(rooms)["customers"].is_met


@pytest.mark.parametrize("end_to_end_id", ["NOTPROVIDED", ""])
def test_payments_that_lost_what_payers_wrote_are_stopped(rooms: Rooms, end_to_end_id: str) -> None:
    land_bank(rooms, "monday", payments(), "S-1")
    assert looked(rooms)["bank_entries"].is_met
    land_bank(rooms, "tuesday", payments(text="", end_to_end_id=end_to_end_id), "S-2")
    stopped = looked(rooms)["bank_entries"]
    assert not stopped.is_met
    assert "payer_text" in stopped.message


def test_a_stopped_day_stays_stopped_until_better_rows_come(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, 100))
    looked(rooms)
    land_billing(rooms, "tuesday", "invoices.csv", invoices(100, factor=100))
    assert not looked(rooms)["invoices"].is_met
    assert not looked(rooms)["invoices"].is_met, "trying again is not mending"
    land_billing(rooms, "wednesday", "invoices.csv", invoices(200, 5))
    assert not looked(rooms)["invoices"].is_met, "a few good rows beside them mend nothing"
    land_billing(rooms, "thursday", "invoices.csv", invoices(100))
    healed = looked(rooms)["invoices"]
    assert healed.is_met
    assert healed.rows == ENOUGH + 5, "everything since Monday was looked at"
    assert looked(rooms)["invoices"].rows == 0


def test_a_person_may_accept_the_batch(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, 100))
    looked(rooms)
    land_billing(rooms, "tuesday", "invoices.csv", invoices(100, factor=100))
    assert not looked(rooms)["invoices"].is_met
    assert looked(rooms, 2)["invoices"].is_met
    land_billing(rooms, "wednesday", "customers.csv", [CUSTOMER | {"customer_id": f"K{n}"} for n in range(ENOUGH)])
    assert not looked(rooms, 2)["customers"].is_met, "one batch was accepted, not the next"


def test_a_batch_that_has_not_come_yet_cannot_be_accepted(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, factor=100_000))
    assert not looked(rooms, 99)["invoices"].is_met


def test_too_few_rows_say_nothing_alone_but_are_not_forgotten(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, FEWEST_ROWS - 1, factor=100_000))
    few = looked(rooms)["invoices"]
    assert (few.is_met, few.rows) == (True, 0)
    land_billing(rooms, "tuesday", "invoices.csv", invoices(FEWEST_ROWS, 1, factor=100_000))
    assert not looked(rooms)["invoices"].is_met
