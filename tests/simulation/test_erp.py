"""The ERP keeps another house; its queries yield the billing extract to the column and to the cent."""

import re
import sqlite3
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest

from simulation.erp import ERP_QUERIES
from simulation.model import World
from simulation.writing import WrittenWorld

# The columns of the billing extract, in its order; a query that renames one breaks every installation.
COLUMNS = {
    "companies": "company_id name country iban bic vat_number registration_number creditor_id street postal_code city"
    " email_from phone language logo_path can_deduct_vat size_class",
    "customers": "company_id customer_id name country language email phone street postal_code city iban vat_number"
    " registration_number is_natural_person parent_customer_id account_manager collector payment_terms_days"
    " required_references credit_limit risk_class risk_source risk_on department created_on scenario_id is_blocked"
    " size_class",
    "invoices": "company_id invoice_id invoice_number customer_id kind issued_on due_on currency total_amount"
    " payment_reference order_number project_number delivered_at delivery_status credits_invoice_number"
    " replaces_invoice_number discount_percent discount_until term_of_invoice_id document_path is_cancelled description",
    "invoice_lines": "company_id invoice_id line_number description line_amount quantity unit_price order_line",
    "mandates": "company_id mandate_id customer_id scheme iban signed_on status bic last_used_on",
    "orders": "company_id customer_id order_number project_number",
    "opening_stages": "company_id invoice_id stage_no dispatched_on channel",
}
REQUIRED = {
    "companies": "company_id name country iban",
    "customers": "company_id customer_id name country",
    "invoices": "company_id invoice_id invoice_number customer_id kind issued_on due_on currency total_amount",
    "invoice_lines": "company_id invoice_id line_number description line_amount",
    "mandates": "company_id mandate_id customer_id scheme iban signed_on status",
    "orders": "company_id customer_id order_number",
    "opening_stages": "company_id invoice_id stage_no dispatched_on",
}
AMOUNT = re.compile(r"-?\d+\.\d\d")


@pytest.fixture(scope="module")
def erp(written: WrittenWorld) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{written.erp}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


def rows_of(erp: sqlite3.Connection, table: str) -> list[sqlite3.Row]:
    return erp.execute(ERP_QUERIES[table]).fetchall()


@pytest.mark.parametrize("table", list(COLUMNS))
def test_a_query_gives_exactly_the_extracts_columns(erp: sqlite3.Connection, table: str) -> None:
    cursor = erp.execute(ERP_QUERIES[table])
    assert [column[0] for column in cursor.description] == COLUMNS[table].split()
    rows = cursor.fetchall()
    assert rows
    for row in rows:
        assert all(row[column] not in (None, "") for column in REQUIRED[table].split())
        assert not any(isinstance(value, float) for value in row)
    assert set(ERP_QUERIES) == set(COLUMNS)


@pytest.mark.parametrize("table", list(COLUMNS))
def test_days_amounts_and_flags_come_as_exact_text(erp: sqlite3.Connection, table: str) -> None:
    checked: Counter[str] = Counter()
    for row in rows_of(erp, table):
        for column in row.keys():  # noqa: SIM118 - a sqlite3.Row iterates over values
            value = row[column]
            if value is None:
                continue
            if column.endswith("_on") or column == "discount_until":
                date.fromisoformat(value)
            elif column.endswith("_at"):
                datetime.fromisoformat(value)
            elif column.endswith("_amount") or column in ("credit_limit", "unit_price"):
                assert AMOUNT.fullmatch(value), (column, value)
            elif column.startswith(("is_", "can_")):
                assert value in ("true", "false")
            checked[column] += 1
    assert checked


def test_the_schema_is_not_the_extracts(erp: sqlite3.Connection) -> None:
    tables = {row["name"] for row in erp.execute("select name from sqlite_master where type = 'table'")}
    assert "verkoopfacturen" in tables
    assert not tables & set(COLUMNS)


def test_sums_of_the_extract_equal_the_sums_of_the_world(
    world: World, written: WrittenWorld, erp: sqlite3.Connection
) -> None:
    expected: Counter[str] = Counter()
    for invoice in world.invoices:
        if invoice.issued_on <= written.delivered_on:
            expected[invoice.kind] += invoice.total_cents
    found: Counter[str] = Counter()
    for row in rows_of(erp, "invoices"):
        found[row["kind"]] += int(Decimal(row["total_amount"]) * 100)
    assert found == expected
    lines = sum(Decimal(row["line_amount"]) for row in rows_of(erp, "invoice_lines"))
    assert lines * 100 == expected.total()


def test_amounts_are_positive_for_credit_notes_too(erp: sqlite3.Connection) -> None:
    kinds = Counter()
    for row in rows_of(erp, "invoices"):
        assert Decimal(row["total_amount"]) > 0
        kinds[row["kind"]] += 1
    assert kinds["credit_note"] > 50
    assert set(kinds) == {"invoice", "credit_note"}
    assert all(Decimal(row["line_amount"]) > 0 for row in rows_of(erp, "invoice_lines"))


def test_an_invoice_arrives_with_the_values_of_the_world(world: World, erp: sqlite3.Connection) -> None:
    by_id = {row["invoice_id"]: row for row in rows_of(erp, "invoices")}
    day = world.demonstration_days[0]
    known = [invoice for invoice in world.invoices if invoice.issued_on <= day]
    assert len(by_id) == len(known)
    for invoice in known:
        row = by_id[invoice.invoice_id]
        assert row["invoice_number"] == invoice.invoice_number
        assert row["customer_id"] == invoice.customer_id
        assert (row["issued_on"], row["due_on"]) == (invoice.issued_on.isoformat(), invoice.due_on.isoformat())
        assert Decimal(row["total_amount"]) * 100 == invoice.total_cents
        assert row["payment_reference"] == invoice.payment_reference
        assert row["credits_invoice_number"] == invoice.credits_invoice_number
        assert row["replaces_invoice_number"] == invoice.replaces_invoice_number
        cancelled = invoice.cancelled_on is not None and invoice.cancelled_on <= day
        assert row["is_cancelled"] == ("true" if cancelled else "false")
    assert any(row["is_cancelled"] == "true" for row in by_id.values())
    assert {row["delivery_status"] for row in by_id.values()} == {"sent", "received", "failed"}
    assert {row["discount_percent"] for row in by_id.values()} == {None, "2.0"}


def test_lists_come_with_semicolons_in_their_own_order(world: World, erp: sqlite3.Connection) -> None:
    (company,) = rows_of(erp, "companies")
    assert company["iban"] == ";".join(account.iban for account in world.company.accounts)
    rows = {row["customer_id"]: row for row in rows_of(erp, "customers")}
    for customer in world.customers:
        row = rows[customer.customer_id]
        assert row["iban"] == ";".join(customer.ibans)
        assert row["required_references"] == (";".join(customer.required_references) or None)
        assert row["parent_customer_id"] == customer.parent_customer_id
        assert row["account_manager"] == customer.account_manager
    assert any(";" in row["iban"] for row in rows.values())
    assert any(row["required_references"] == "order_number;project_number" for row in rows.values())


def test_opening_stages_name_the_newest_reminder_of_each_invoice(world: World, erp: sqlite3.Connection) -> None:
    newest = {stage.invoice_id: stage for stage in sorted(world.opening_stages, key=lambda stage: stage.stage_no)}
    rows = rows_of(erp, "opening_stages")
    assert {row["invoice_id"]: int(row["stage_no"]) for row in rows} == {
        invoice: stage.stage_no for invoice, stage in newest.items()
    }
    assert len(rows) == len(newest)
    assert {row["stage_no"] for row in rows} == {"1", "2", "3"}
    assert erp.execute("select count(*) from aanmaanhistorie").fetchone()[0] == len(world.opening_stages)


def test_negative_and_missing_cents_become_text_without_a_float() -> None:
    from simulation.erp import money_sql

    connection = sqlite3.connect(":memory:")
    cases = {-5: "-0.05", -123456: "-1234.56", 0: "0.00", 7: "0.07", 9007199254740993: "90071992547409.93", None: None}
    for cents, text in cases.items():
        query = f"select {money_sql('cents')} from (select cast(? as integer) as cents)"
        assert connection.execute(query, (cents,)).fetchone()[0] == text
    connection.close()


def test_queries_survive_a_settings_file_and_hold_no_bind_parameters() -> None:
    text = "[billing.queries]\n" + "".join(f"{table} = '''{query}'''\n" for table, query in ERP_QUERIES.items())
    assert {table: query.strip() for table, query in tomllib.loads(text)["billing"]["queries"].items()} == {
        table: query.strip() for table, query in ERP_QUERIES.items()
    }
    assert not any(re.search(r"(?<!:):[a-z]", query) for query in ERP_QUERIES.values())
