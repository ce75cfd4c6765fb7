"""The suites on what lands: each threshold from both sides, with rows that every reader takes without a word.

Every row of such a file is valid by itself. What is wrong is the file as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from assets.banking.landing import land_statements
from assets.billing.landing import land_files
from assets.billing.source import BillingSource, acceptance
from assets.landing.change_log import append_rows
from assets.landing.expectations import Outcome, look
from assets.landing.expected import ENOUGH_HISTORY, ENOUGH_WEEKDAYS, FEWEST_ROWS
from assets.landing.raw_tables import BILLING_TABLES, OTHER_TABLES
from assets.landing.suites import SUITES
from assets.landing.suites_of_customers import KEPT
from assets.landing.warehouse import writing
from tests.banking.build import Payment, camt053
from tests.billing.files import CUSTOMER, INVOICE, written
from tests.landing.rooms import DAY, Rooms

ENOUGH = 30

ACCOUNT = "NL91ABNA0417164300"
SENDER = {
    "company_id": "C1", "name": "Voorbeeld BV", "country": "NL", "iban": f"{ACCOUNT};BE68539007547034",
    "email_from": "boek@voorbeeld.example",
}  # fmt: skip

# The brakes on a whole delivery are let go, as a person may: what is shown is what the suites see behind them.
ACCEPTED = BillingSource(accepted=frozenset(acceptance(table.name, DAY) for table in BILLING_TABLES))

# A Wednesday, as the clock of the room says.
TODAY = date(2026, 3, 4)


def looked(rooms: Rooms, *accepted: int) -> dict[str, Outcome]:
    with writing(rooms.room.warehouse) as connection:
        return {outcome.suite.name: outcome for outcome in look(connection, frozenset(accepted), TODAY)}


def land_billing(rooms: Rooms, run_id: str, name: str, rows: Sequence[dict[str, str]]) -> None:
    rooms.put("billing", name, written(rows))
    landed = land_files(rooms.run(run_id), rooms.room.billing_inbox, ACCEPTED)
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
    rooms.put(
        "billing", f"companies-{statement_id}.csv", written([SENDER, SENDER | {"company_id": f"C-{statement_id}"}])
    )
    land_files(rooms.run(run_id), rooms.room.billing_inbox, ACCEPTED)
    rooms.put("bank", f"{statement_id}.xml", camt053(payments, statement_id=statement_id))
    landed = land_statements(rooms.run(run_id), rooms.room.bank_inbox)
    assert (landed.taken, landed.quarantined, landed.entries) == (1, 0, len(payments)), "its totals agree to the cent"


def payments(count: int = ENOUGH, text: str = "Factuur 2026-000{}", **changes: str) -> list[Payment]:
    return [
        replace(Payment(10_000 + number), text=text.format(100 + number), bank_reference=f"R{number}", **changes)  # type: ignore[arg-type]
        for number in range(count)
    ]


def test_a_suite_that_does_not_stop_expects_nothing_that_blocks() -> None:
    for suite in SUITES:
        expected = suite.expected({"rows": 0, "median_amount": None, "share_with_text": None})
        assert any(each.blocks for each in expected) is suite.stops, suite.name
        assert len({each.column for each in expected}) == len(expected), "an answer is found by its column"


def test_nothing_landed_is_nothing_unusual(rooms: Rooms) -> None:
    assert {outcome.is_met for outcome in looked(rooms).values()} == {True}
    assert rooms.rows("select count(*) from raw.expectation_results") == [(0,)]


def test_normal_files_pass_and_are_not_looked_at_again(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "customers.csv", customers())
    land_billing(rooms, "monday", "invoices.csv", invoices(0, 100))
    land_bank(rooms, "monday", payments(), "S-1")
    outcomes = looked(rooms)
    assert {name: (outcome.words, outcome.rows) for name, outcome in outcomes.items()} == {
        "invoices": ("", 100),
        "invoices_by_company": ("", 1),
        "customers": ("", ENOUGH),
        "customers_by_company": ("", 1),
        "companies": ("", 2),
        "bank_statements": ("", 1),
        "bank_entries": ("", ENOUGH),
        "bank_entries_by_account": ("", 1),
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
        "total_amount must have a median between 6.475 and 2590, found 19450 "
        "(an export in cents, or without its decimal point)"
    )
    said = "select batch_id, table_name, is_met from raw.expectation_results where table_name = 'invoices' order by all"
    assert rooms.rows(said) == [
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


# --- Figures by company, against what is usual for it ------------------------------------------------------------------


def told(rooms: Rooms, *accepted: int) -> dict[str, tuple[bool, str]]:
    """What is unusual: suite by suite, whether the day may go on and what was said."""
    return {name: (each.is_met, each.words) for name, each in looked(rooms, *accepted).items() if each.words}


def documents(first: int, count: int, **changes: str) -> list[dict[str, str]]:
    """Invoices as a company issues them over five months, with references and order numbers."""
    return [
        INVOICE
        | {
            "invoice_id": f"I{number}",
            "invoice_number": f"2026-{number}",
            "total_amount": f"{80 + number % 300}.00",
            "issued_on": f"2025-{8 + number % 5:02d}-01",
            "due_on": f"2025-{8 + number % 5:02d}-28",
            "payment_reference": f"RF18{number:08d}",
            "order_number": f"PO-{number}",
        }
        | changes
        for number in range(first, first + count)
    ]


@pytest.fixture
def billed(rooms: Rooms) -> Rooms:
    """A company, its customer, and as many invoices of the past as make a usual."""
    land_billing(rooms, "monday", "companies.csv", [SENDER])
    land_billing(rooms, "monday", "customers.csv", [CUSTOMER | {"email": "boek@klant.example"}])
    land_billing(rooms, "monday", "invoices.csv", documents(0, ENOUGH_HISTORY + FEWEST_ROWS))
    assert told(rooms) == {}, "a first load is compared with nothing"
    return rooms


def test_more_of_the_same_is_usual(billed: Rooms) -> None:
    land_billing(billed, "tuesday", "invoices.csv", documents(200, FEWEST_ROWS))
    assert told(billed) == {}


@pytest.mark.parametrize(("doubled", "is_met"), [(1, True), (2, False)])
def test_documents_known_under_another_id_are_stopped(billed: Rooms, doubled: int, is_met: bool) -> None:
    """One in twenty is a clerk's mistake; two in twenty are an export that numbers anew."""
    again = [row | {"invoice_id": f"NEW-{row['invoice_id']}"} for row in documents(0, doubled)]
    land_billing(billed, "tuesday", "invoices.csv", [*again, *documents(200, FEWEST_ROWS - doubled)])
    assert looked(billed)["invoices_by_company"].is_met is is_met


@pytest.mark.parametrize(("kept", "is_met"), [(2, True), (1, False)])
def test_references_that_are_gone_are_stopped(billed: Rooms, kept: int, is_met: bool) -> None:
    bare = documents(200, FEWEST_ROWS - kept, payment_reference="")
    land_billing(billed, "tuesday", "invoices.csv", [*bare, *documents(300, kept)])
    stopped = looked(billed)["invoices_by_company"]
    assert stopped.is_met is is_met
    assert ("reference_share_of_usual must be 0.1 at least, found 0.05 for C1" in stopped.message) is not is_met


def test_references_gone_from_a_full_extract_are_stopped(billed: Rooms) -> None:
    """Every row is rewritten: what is usual is found in the versions before."""
    land_billing(billed, "tuesday", "invoices.csv", documents(0, ENOUGH_HISTORY + FEWEST_ROWS, payment_reference=""))
    assert "reference_share_of_usual" in looked(billed)["invoices_by_company"].message


def test_amounts_in_cents_are_stopped_in_a_full_extract_too(billed: Rooms) -> None:
    cents = [row | {"total_amount": row["total_amount"].replace(".", "") + ".00"} for row in documents(0, 120)]
    land_billing(billed, "tuesday", "invoices.csv", cents)
    assert "must have a median between" in looked(billed)["invoices"].message


def test_a_few_invoices_without_references_a_day_are_seen_in_time(billed: Rooms) -> None:
    for day, first in enumerate(range(200, 220, 5)):
        assert looked(billed)["invoices_by_company"].is_met
        land_billing(billed, f"day-{day}", f"invoices-{day}.csv", documents(first, 5, payment_reference=""))
    assert not looked(billed)["invoices_by_company"].is_met


def test_orders_that_are_gone_are_only_said(billed: Rooms) -> None:
    land_billing(billed, "tuesday", "invoices.csv", documents(200, FEWEST_ROWS, order_number=""))
    ((name, (is_met, words)),) = told(billed).items()
    assert (name, is_met) == ("invoices_by_company", True)
    assert words.startswith("warning: order_share_of_usual must be 0.1 at least, found 0 for C1")


@pytest.mark.parametrize(("foreign", "is_met"), [(10, True), (11, False)])
def test_a_currency_never_used_is_stopped_when_it_is_most_of_them(billed: Rooms, foreign: int, is_met: bool) -> None:
    rows = [*documents(200, foreign, currency="XXX"), *documents(300, FEWEST_ROWS - foreign)]
    land_billing(billed, "tuesday", "invoices.csv", rows)
    assert looked(billed)["invoices_by_company"].is_met is is_met


@pytest.mark.parametrize(("count", "is_told"), [(72, False), (73, True)])
def test_three_of_the_largest_months_at_once_are_said(billed: Rooms, count: int, is_told: bool) -> None:
    """120 invoices over five months: the largest month has 24."""
    land_billing(billed, "tuesday", "invoices.csv", documents(200, count))
    outcome = looked(billed)["invoices_by_company"]
    assert outcome.is_met
    assert ("months_in_one_delivery" in outcome.warning) is is_told


def test_too_little_history_compares_with_nothing(rooms: Rooms) -> None:
    """99 earlier invoices say nothing of what is usual, however odd the next are."""
    land_billing(rooms, "monday", "invoices.csv", documents(0, ENOUGH_HISTORY - 1))
    looked(rooms)
    odd = documents(200, FEWEST_ROWS, payment_reference="", order_number="", currency="XXX")
    land_billing(rooms, "tuesday", "invoices.csv", odd)
    assert looked(rooms)["invoices_by_company"].words == ""


def test_who_accepts_a_change_is_not_asked_about_it_every_day(billed: Rooms) -> None:
    """From the accepted batch on the new manner is what is usual."""
    land_billing(billed, "tuesday", "invoices.csv", documents(200, FEWEST_ROWS, payment_reference=""))
    batch = looked(billed)["invoices_by_company"].batch_id
    assert told(billed, batch) == {}
    for day in range(3):
        rows = documents(300 + 20 * day, FEWEST_ROWS, payment_reference="")
        land_billing(billed, f"later-{day}", f"invoices-{day}.csv", rows)
        assert told(billed, batch) == {}


# --- The same customers before and after -------------------------------------------------------------------------------

WHOLE = {
    "iban": "NL44RABO0123456789", "parent_customer_id": "P1", "is_natural_person": "true", "is_blocked": "true",
    "scenario_id": "gentle", "email": "boek@klant.example", "language": "nl", "account_manager": "A. de Wit",
    "collector": "M. Visser", "required_references": "order_number",
    "street": "Kade 1", "postal_code": "1011 AB", "city": "Amsterdam",
}  # fmt: skip


@pytest.mark.parametrize("column", KEPT)
@pytest.mark.parametrize(("kept", "is_told"), [(2, False), (1, True)])
def test_a_column_that_nine_in_ten_lost_is_noticed(rooms: Rooms, column: str, kept: int, is_told: bool) -> None:
    land_billing(rooms, "monday", "customers.csv", customers(FEWEST_ROWS, **WHOLE))
    assert looked(rooms)["customers_by_company"].words == ""
    after = [
        row | ({} if number < kept else {column: ""}) | {"phone": "+31 20 555 0100"}
        for number, row in enumerate(customers(FEWEST_ROWS, **WHOLE))
    ]
    land_billing(rooms, "tuesday", "customers.csv", after)
    outcome = looked(rooms)["customers_by_company"]
    blocks, _ = KEPT[column]
    assert (f"{column}_kept" in outcome.words) is is_told
    assert outcome.is_met is not (is_told and blocks)


def test_nineteen_customers_say_nothing(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "customers.csv", customers(FEWEST_ROWS - 1, **WHOLE))
    looked(rooms)
    land_billing(rooms, "tuesday", "customers.csv", customers(FEWEST_ROWS - 1, **WHOLE | {"iban": ""}))
    assert looked(rooms)["customers_by_company"].words == ""


# --- What everything rests on ------------------------------------------------------------------------------------------

MANDATE = {
    "company_id": "C1", "mandate_id": "M1", "customer_id": "K1", "scheme": "CORE", "iban": "NL44RABO0123456789",
    "signed_on": "2025-01-01", "status": "active",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        ({}, ""),
        ({"iban": "NL91 ABNA 0417 1643 00"}, ""),
        ({"iban": "BE68539007547034;XX00"}, ""),
        ({"iban": "NL92ABNA0417164300"}, "printed_iban_is_valid"),
        ({"iban": "0417164300"}, "printed_iban_is_valid"),
        ({"email_from": ""}, "has_sender_address"),
        ({"email_from": "", "street": "Kade 1", "postal_code": "1011 AB"}, "has_sender_address"),
        ({"email_from": "", "street": "Kade 1", "postal_code": "1011 AB", "city": "Amsterdam"}, ""),
    ],
)
def test_a_company_that_lacks_what_it_needs_is_said(rooms: Rooms, change: dict[str, str], figure: str) -> None:
    land_billing(rooms, "monday", "companies.csv", [SENDER | change])
    outcome = looked(rooms)["companies"]
    assert outcome.is_met, "messages of this company are refused one by one; the others go on"
    assert outcome.warning.partition(" ")[0] == figure


@pytest.mark.parametrize(
    ("creditor", "status", "is_told"),
    [("", "active", True), ("", "cancelled", False), ("NL98ZZZ999999990000", "active", False)],
)
def test_mandates_without_a_creditor_id_are_said(rooms: Rooms, creditor: str, status: str, is_told: bool) -> None:
    land_billing(rooms, "monday", "companies.csv", [SENDER | {"creditor_id": creditor}])
    assert looked(rooms)["companies"].words == ""
    land_billing(rooms, "tuesday", "mandates.csv", [MANDATE | {"status": status}])
    assert ("has_creditor_id" in looked(rooms)["companies"].warning) is is_told


def test_invoices_of_customers_nobody_delivered_are_counted(rooms: Rooms) -> None:
    land_billing(rooms, "monday", "companies.csv", [SENDER])
    land_billing(rooms, "monday", "invoices.csv", [INVOICE, INVOICE | {"invoice_id": "I2", "is_cancelled": "true"}])
    assert "invoices_of_unknown_customers must be 0 at most, found 1 for C1" in looked(rooms)["companies"].warning
    land_billing(rooms, "tuesday", "customers.csv", [CUSTOMER])
    assert looked(rooms)["companies"].words == ""


# --- Bank statements and entries, by account ---------------------------------------------------------------------------


def land_raw(rooms: Rooms, table: str, batch_id: int, rows: Sequence[dict[str, object]]) -> None:
    """Rows of the raw log as a reader would have left them; what a row does not say is empty."""
    columns = [name for name, _ in OTHER_TABLES[table]]
    with writing(rooms.room.warehouse) as connection:
        append_rows(connection, table, [[{"batch_id": batch_id, **row}.get(name) for name in columns] for row in rows])


def statements(last: date, count: int, entries: int, **changes: object) -> list[dict[str, object]]:
    """Statements of one weekday, a week apart, the last on `last`."""
    return [
        {
            "statement_key": f"{day}-{entries}-{changes}", "account_iban": ACCOUNT, "currency": "EUR", "from_on": day,
            "to_on": day, "closing_on": day, "entry_count": entries, "is_informative": False,
        }
        | changes
        for day in (last - timedelta(weeks=back) for back in range(count))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("usual", "found", "is_told"),
    [
        (20, 2, False),
        (20, 1, True),
        (19, 0, False),
        (20, 200, False),
        (20, 201, True),
        (1, 49, False),
        (1, 50, True),
        (0, 10, False),
    ],
)
def test_a_tenth_or_ten_times_the_usual_of_a_weekday_is_said(
    rooms: Rooms, usual: int, found: int, is_told: bool
) -> None:
    land_raw(rooms, "bank_statements", 1, statements(TODAY - timedelta(weeks=1), ENOUGH_WEEKDAYS, usual))
    assert looked(rooms)["bank_statements"].words == ""
    land_raw(rooms, "bank_statements", 2, statements(TODAY, 1, found))
    outcome = looked(rooms)["bank_statements"]
    assert outcome.is_met, "a statement that adds up lost nothing"
    assert (f"for {ACCOUNT} {TODAY}" in outcome.warning) is is_told


@pytest.mark.parametrize(
    ("change", "weeks"),
    [({"account_iban": "BE68539007547034"}, 8), ({"is_informative": True}, 8), ({}, ENOUGH_WEEKDAYS - 1)],
)
def test_volume_is_that_of_the_same_account_and_of_statements_that_count(
    rooms: Rooms, change: dict[str, object], weeks: int
) -> None:
    land_raw(rooms, "bank_statements", 1, statements(TODAY - timedelta(weeks=1), weeks, 200, **change))
    looked(rooms)
    land_raw(rooms, "bank_statements", 2, statements(TODAY, 1, 0))
    assert looked(rooms)["bank_statements"].words == ""


def test_a_sunday_is_not_compared_with_mondays(rooms: Rooms) -> None:
    land_raw(rooms, "bank_statements", 1, statements(TODAY - timedelta(days=2), 20, 200))
    looked(rooms)
    land_raw(rooms, "bank_statements", 2, statements(TODAY, 1, 0))
    assert looked(rooms)["bank_statements"].words == ""


@pytest.mark.parametrize(("weeks", "is_told"), [(FEWEST_ROWS, True), (FEWEST_ROWS - 1, False)])
def test_a_currency_an_account_never_had_is_said(rooms: Rooms, weeks: int, is_told: bool) -> None:
    land_raw(rooms, "bank_statements", 1, statements(TODAY - timedelta(weeks=1), weeks, 5))
    looked(rooms)
    land_raw(rooms, "bank_statements", 2, statements(TODAY, 1, 5, currency="USD"))
    assert ("currency_is_usual" in looked(rooms)["bank_statements"].warning) is is_told


@pytest.mark.parametrize(("ahead", "is_told"), [(1, False), (2, True)])
def test_a_statement_of_a_day_to_come_is_said(rooms: Rooms, ahead: int, is_told: bool) -> None:
    land_raw(rooms, "bank_statements", 1, statements(TODAY + timedelta(days=ahead), 1, 5))
    assert ("days_ahead" in looked(rooms)["bank_statements"].warning) is is_told


def entries(first: int, count: int, **changes: object) -> list[dict[str, object]]:
    """Payments from 80.37 to a few hundreds, each saying who paid and what."""
    return [
        {
            "file_sha256": "f", "ordinal": number, "statement_key": "S", "entry_key": f"E{number}",
            "account_iban": ACCOUNT, "booked_on": TODAY, "currency": "EUR",
            "amount": Decimal(80 + number % 300) + Decimal("0.37"),
            "counterparty_iban": "NL44RABO0123456789", "remittance": "Factuur",
        }
        | changes
        for number in range(first, first + count)
    ]  # fmt: skip


@pytest.fixture
def paid(rooms: Rooms) -> Rooms:
    """An account with as many payments as make a usual."""
    land_raw(rooms, "bank_entries", 1, entries(0, ENOUGH_HISTORY + FEWEST_ROWS))
    assert told(rooms) == {}
    return rooms


@pytest.mark.parametrize(
    ("change", "kept", "is_met"),
    [
        ({"counterparty_iban": None}, 2, True),
        ({"counterparty_iban": None}, 1, False),
        ({"remittance": None}, 5, True),
        ({"remittance": None}, 4, False),
    ],
)
def test_who_paid_and_what_must_not_vanish_from_an_account(
    paid: Rooms, change: dict[str, object], kept: int, is_met: bool
) -> None:
    land_raw(paid, "bank_entries", 2, [*entries(500, FEWEST_ROWS - kept, **change), *entries(600, kept)])
    assert looked(paid)["bank_entries_by_account"].is_met is is_met


def test_one_account_among_many_is_judged_by_itself(paid: Rooms) -> None:
    """The others keep the share of all accounts high; the payers of this one would be reminded all the same."""
    other = {"account_iban": "BE68539007547034"}
    land_raw(paid, "bank_entries", 2, entries(1000, ENOUGH_HISTORY + FEWEST_ROWS, **other))
    assert told(paid) == {}
    land_raw(paid, "bank_entries", 3, entries(2000, 200))
    land_raw(paid, "bank_entries", 3, entries(3000, FEWEST_ROWS, remittance=None, **other))
    outcomes = looked(paid)
    assert outcomes["bank_entries"].is_met
    assert "found 0 for BE68539007547034" in outcomes["bank_entries_by_account"].message


def test_an_account_that_never_said_who_paid_is_left_alone(rooms: Rooms) -> None:
    land_raw(rooms, "bank_entries", 1, entries(0, 200, counterparty_iban=None))
    looked(rooms)
    land_raw(rooms, "bank_entries", 2, entries(500, FEWEST_ROWS, counterparty_iban=None))
    assert told(rooms) == {}


def test_a_few_payments_a_day_are_judged_together(paid: Rooms) -> None:
    for day in range(4):
        assert told(paid) == {}
        land_raw(paid, "bank_entries", 2 + day, entries(500 + 10 * day, 5, counterparty_iban=None))
    assert not looked(paid)["bank_entries_by_account"].is_met


def test_payments_out_are_no_payers(paid: Rooms) -> None:
    out = entries(500, FEWEST_ROWS, amount=Decimal("-500.00"), counterparty_iban=None, remittance=None)
    land_raw(paid, "bank_entries", 2, out)
    assert told(paid) == {}


# The 120 earlier payments have a median of 139.87.
@pytest.mark.parametrize(
    ("amount", "is_told"),
    [("7.00", False), ("6.99", True), ("2797.40", False), ("2797.41", True)],
)
def test_a_median_twenty_times_another_is_said(paid: Rooms, amount: str, is_told: bool) -> None:
    land_raw(paid, "bank_entries", 2, entries(500, FEWEST_ROWS, amount=Decimal(amount)))
    outcome = looked(paid)["bank_entries_by_account"]
    assert outcome.is_met
    assert ("median_of_usual" in outcome.warning) is is_told


@pytest.mark.parametrize(("odd", "is_told"), [(0, True), (1, False)])
def test_amounts_that_are_all_whole_are_said(paid: Rooms, odd: int, is_told: bool) -> None:
    whole = entries(500, FEWEST_ROWS - odd, amount=Decimal("150.00"))
    land_raw(paid, "bank_entries", 2, [*whole, *entries(600, odd)])
    assert ("whole_amount_share" in looked(paid)["bank_entries_by_account"].warning) is is_told


@pytest.mark.parametrize(("usual", "is_told"), [(70, True), (71, False)])
def test_whole_amounts_are_usual_where_most_are_whole(rooms: Rooms, usual: int, is_told: bool) -> None:
    past = [*entries(0, usual, amount=Decimal("100.00")), *entries(100, 100 - usual)]
    land_raw(rooms, "bank_entries", 1, past)
    looked(rooms)
    land_raw(rooms, "bank_entries", 2, entries(500, FEWEST_ROWS, amount=Decimal("150.00")))
    assert ("whole_amount_share" in looked(rooms)["bank_entries_by_account"].warning) is is_told


@pytest.mark.parametrize(
    ("booked", "count", "is_told"),
    [
        (TODAY - timedelta(days=31), 6, False),
        (TODAY - timedelta(days=32), 6, True),
        (TODAY - timedelta(days=32), 5, False),
        (TODAY.replace(year=2025), 10, True),
    ],
)
def test_entries_booked_far_outside_their_statement_are_said(
    rooms: Rooms, booked: date, count: int, is_told: bool
) -> None:
    land_raw(rooms, "bank_statements", 1, statements(TODAY, 1, 10, statement_key="S"))
    land_raw(rooms, "bank_entries", 1, [*entries(0, count, booked_on=booked), *entries(20, 10 - count)])
    assert ("share_outside_statement" in looked(rooms)["bank_entries_by_account"].warning) is is_told


@pytest.mark.parametrize(("ahead", "is_told"), [(7, False), (8, True)])
def test_an_entry_of_a_day_to_come_is_said(rooms: Rooms, ahead: int, is_told: bool) -> None:
    land_raw(rooms, "bank_entries", 1, entries(0, 1, booked_on=TODAY + timedelta(days=ahead)))
    assert ("days_ahead" in looked(rooms)["bank_entries_by_account"].warning) is is_told


def test_where_nothing_can_be_compared_nothing_is_asked(rooms: Rooms) -> None:
    """Great Expectations takes seconds to import; a small company's ordinary day must not pay for it."""
    land_raw(rooms, "bank_statements", 1, statements(TODAY, 1, 3))
    outcome = looked(rooms)["bank_statements"]
    assert (outcome.rows, outcome.is_met, outcome.validation) == (1, True, None)
    assert looked(rooms)["bank_statements"].rows == 0
