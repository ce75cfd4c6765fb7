"""The CSV form of the billing extract: what refuses a whole file, what refuses a row, and what is taken as it stands."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import pytest

from assets.billing.csv_files import table_of
from tests.billing.files import CUSTOMER, INVOICE, invoices, ordinals_of, refused, rows_of, taken, written


def column(text: str, name: str) -> object:
    file = taken(text)
    assert file.problems == []
    return rows_of(file)[0][file.table.column_names.index(name)]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("invoices.csv", "invoices"),
        ("invoices_2026-03.csv", "invoices"),
        ("INVOICES.CSV", "invoices"),
        ("invoice_lines.csv", "invoice_lines"),
        ("invoice_lines-2.csv", "invoice_lines"),
        ("opening_stages.csv", "opening_stages"),
        ("invoices.csv.gz", None),
        ("facturen.csv", None),
        ("invoices.xlsx", None),
        ("my invoices.csv", None),
    ],
)
def test_the_name_says_which_table_a_file_belongs_to(name: str, table: str | None) -> None:
    found = table_of(name)
    assert (found.name if found else None) == table


def test_a_name_that_says_no_table_is_refused_with_the_names_that_do() -> None:
    problem = refused("a,b\n1,2\n", "facturen.csv")
    assert problem.code == "unknown_table"
    assert "invoice_lines*.csv" in problem.message


def test_good_rows_come_as_exact_values_in_contract_order() -> None:
    file = taken(
        invoices({"delivered_at": "2026-01-01T09:30:00+01:00", "is_cancelled": "true", "discount_percent": "1.5"})
    )
    row = dict(zip(file.table.column_names, rows_of(file)[0], strict=False))
    assert row["total_amount"] == Decimal("100.00")
    assert row["issued_on"] == date(2026, 1, 1)
    assert row["delivered_at"] == datetime.fromisoformat("2026-01-01T08:30:00"), "UTC, as every moment in the log"
    assert row["is_cancelled"] is True
    assert row["discount_percent"] == Decimal("1.5000")
    assert row["order_number"] is None
    assert (file.problems, ordinals_of(file)) == ([], [1])


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["without", "with a byte order mark"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_byte_order_mark_and_line_ends_make_no_difference(mark: str, newline: str) -> None:
    text = mark + invoices({}).replace("\r\n", newline)
    assert rows_of(taken(text)) == rows_of(taken(invoices({})))


def test_quoted_commas_quotes_and_line_breaks_belong_to_the_value() -> None:
    assert (
        column(invoices({"description": 'Schroeven, "M4"\nen moeren'}), "description") == 'Schroeven, "M4"\nen moeren'
    )


def test_spaces_around_values_and_headers_mean_nothing() -> None:
    text = invoices({"total_amount": " 100.00 ", "currency": "EUR "}).replace("total_amount", " total_amount ")
    assert rows_of(taken(text)) == rows_of(taken(invoices({})))


def test_columns_nobody_asked_for_are_kept_aside() -> None:
    file = taken(invoices({"kleur": "rood", "btw_code": "", "afdeling": "Verkoop"}))
    assert json.loads(str(rows_of(file)[0][-1])) == {"afdeling": "Verkoop", "kleur": "rood"}
    assert rows_of(taken(invoices({})))[0][-1] is None


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "empty_file", "not even a header"),
        (b"\xef\xbb\xbf", "empty_file", "not even a header"),
        (invoices({}).replace("due_on", "vervaldatum").encode(), "missing_column", "due_on"),
        (written([INVOICE], delimiter=";").encode(), "missing_column", "semicolons"),
        (written([INVOICE], delimiter="\t").encode(), "missing_column", "total_amount"),
        (invoices({"description": "café"}).encode("latin-1"), "encoding", "not UTF-8"),
        (invoices({}).encode("utf-16"), "encoding", "not UTF-8"),
        (invoices({"description": "a\x00b"}).encode(), "encoding", "NUL"),
        (invoices({}).replace("currency", "due_on").encode(), "repeated_column", "'due_on'"),
        (invoices({}).encode() + b'C1,"never closed\n', "invalid_csv", "RFC 4180"),
        (invoices({}).encode() + b'C1,"closed" and on,\n', "invalid_csv", "RFC 4180"),
        (b"\n\n\n", "missing_column", "company_id"),
    ],
    ids=[
        "empty", "only a mark", "missing column", "semicolons", "tabs", "latin-1", "utf-16", "NUL", "column twice",
        "open quote", "text after a quote", "blank lines",
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_whole(content: bytes, code: str, says: str) -> None:
    problem = refused(content)
    assert problem.code == code
    assert says in problem.message
    assert code == "missing_column" or problem.position


def test_a_file_with_only_a_header_is_a_file_without_rows() -> None:
    file = taken(invoices({}).splitlines()[0] + "\r\n")
    assert (rows_of(file), file.problems) == ([], [])


BAD_VALUES = [
    ({"total_amount": "100,00"}, "invalid_amount"),
    ({"total_amount": "1.000,00"}, "invalid_amount"),
    ({"total_amount": "1,000.00"}, "invalid_amount"),
    ({"total_amount": "100.005"}, "too_many_decimals"),
    ({"total_amount": "NaN"}, "invalid_amount"),
    ({"total_amount": "Infinity"}, "invalid_amount"),
    ({"total_amount": "1e3"}, "invalid_amount"),
    ({"total_amount": "€ 100.00"}, "invalid_amount"),
    ({"total_amount": "١٠٠.٠٠"}, "invalid_amount"),
    ({"total_amount": "99999999999999999.99"}, "invalid_amount"),
    ({"total_amount": "-100.00"}, "negative_amount"),
    ({"total_amount": ""}, "missing_value"),
    ({"issued_on": "2026-02-30"}, "invalid_date"),
    ({"issued_on": "03-04-2026"}, "invalid_date"),
    ({"issued_on": "04/03/2026"}, "invalid_date"),
    ({"issued_on": "20260304"}, "invalid_date"),
    ({"issued_on": "2026-W10-3"}, "invalid_date"),
    ({"issued_on": "2026-03-04T00:00:00"}, "invalid_date"),
    ({"due_on": "0000-00-00"}, "invalid_date"),
    ({"currency": "eur"}, "invalid_currency"),
    ({"currency": "€"}, "invalid_currency"),
    ({"kind": "factuur"}, "unknown_value"),
    ({"kind": "term_note"}, "missing_value"),
    ({"delivery_status": "misschien"}, "unknown_value"),
    ({"delivered_at": "gisteren"}, "invalid_timestamp"),
    ({"delivered_at": "0001-01-01T00:00:00+05:00"}, "invalid_timestamp"),
    ({"discount_percent": "1.23456"}, "too_many_decimals"),
    ({"discount_percent": "100000"}, "invalid_percentage"),
    ({"is_cancelled": "misschien"}, "invalid_flag"),
    ({"customer_id": " "}, "missing_value"),
    ({"due_on": " "}, "missing_value"),
]


@pytest.mark.parametrize(("change", "code"), BAD_VALUES, ids=[f"{next(iter(c.values()))!r}" for c, _ in BAD_VALUES])
def test_a_bad_value_refuses_its_row_and_no_other(change: dict[str, str], code: str) -> None:
    file = taken(invoices({}, change, {}))
    (problem,) = file.problems
    assert (problem.code, problem.ordinal, problem.table_name) == (code, 2, "invoices")
    assert (problem.company_id, problem.invoice_id) == ("C1", "I2")
    assert next(iter(change)) in problem.message or code == "missing_value"
    assert [row[1] for row in rows_of(file)] == ["I1", "I3"]
    assert ordinals_of(file) == [1, 3]


def test_a_credit_note_without_a_due_date_counts_from_its_issue() -> None:
    file = taken(
        invoices(
            {"kind": "credit_note", "due_on": " ", "issued_on": "2026-03-04"},
            {"kind": "credit_note", "due_on": "2026-04-01", "issued_on": "2026-03-04"},
            {"kind": "credit_note", "due_on": "", "issued_on": "04-03-2026"},
            {"kind": "term_note", "due_on": "", "term_of_invoice_id": "I1"},
        )
    )
    place = file.table.column_names.index("due_on")
    assert [row[place] for row in rows_of(file)] == [date(2026, 3, 4), date(2026, 4, 1)]
    assert [(problem.ordinal, problem.code) for problem in file.problems] == [(3, "invalid_date"), (4, "missing_value")]


@pytest.mark.parametrize("amount", ["0", "0.00", "100", "100.0", "100.000", "-0.00", "9999999999999999.99"])
def test_an_amount_is_taken_when_it_is_exact_to_the_cent(amount: str) -> None:
    assert column(invoices({"total_amount": amount}), "total_amount") == Decimal(amount).quantize(Decimal("0.01"))


@pytest.mark.parametrize(("line", "fields"), [("C1,I9", 2), (",".join(["x"] * 10), 10)])
def test_a_line_with_too_few_or_too_many_fields_is_refused_alone(line: str, fields: int) -> None:
    file = taken(invoices({}) + line + "\r\n" + invoices({"invoice_id": "I7"}).splitlines()[1] + "\r\n")
    (problem,) = file.problems
    assert problem.code == "field_count"
    assert f"{fields} fields, the header has 9" in problem.message
    assert "line 3" in problem.message
    assert [row[1] for row in rows_of(file)] == ["I1", "I7"]


def test_blank_lines_between_rows_mean_nothing() -> None:
    lines = invoices({}, {}).splitlines()
    file = taken("\n".join([lines[0], "", lines[1], "", "", lines[2], ""]))
    assert [row[1] for row in rows_of(file)] == ["I1", "I2"]
    assert file.problems == []


def test_keys_that_come_twice_are_both_read() -> None:
    file = taken(invoices({}, {"invoice_id": "I1", "total_amount": "2.00"}, {}))
    assert len(rows_of(file)) == 3, "which one wins is for the log to say"


def test_a_customer_row_is_refused_under_the_customers_name() -> None:
    file = taken(
        written([CUSTOMER | {"payment_terms_days": "dertig"}, CUSTOMER | {"customer_id": "K2"}]), "customers.csv"
    )
    (problem,) = file.problems
    assert (problem.code, problem.customer_id, problem.invoice_id) == ("invalid_number", "K1", None)
    assert len(rows_of(file)) == 1


@pytest.mark.parametrize("number", ["9223372036854775808", "1.0", "1e2", "٣", "0x10", "--1"])
def test_a_whole_number_is_digits_that_fit(number: str) -> None:
    file = taken(written([CUSTOMER | {"payment_terms_days": number}]), "customers.csv")
    assert [problem.code for problem in file.problems] == ["invalid_number"]
