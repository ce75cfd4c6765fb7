"""Register extracts: good rows count, bad rows are named, bad files are refused."""

from __future__ import annotations

import csv
import io
import json

import pytest
from sqlalchemy import func, select

from assets.operations.store import reading
from assets.operations.tables import register_event
from assets.register.csv_files import COLUMNS, UnreadableRegisterFile, read_register_csv, record_register_file

ROW = {
    "external_id": "x-1",
    "company_id": "C1",
    "effective_on": "2026-03-02",
    "recorded_by": "Ann",
    "kind": "hold_placed",
    "payload": json.dumps({"customer": 'Kö & Co, "BV"', "reason": "asked,\nby letter"}, ensure_ascii=False),
}


def extract(*rows: dict[str, str], columns=COLUMNS, line_end="\r\n") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_good_row_is_read_with_or_without_a_byte_order_mark(mark, line_end):
    file = read_register_csv(mark + extract(ROW, line_end=line_end), "x.csv")
    assert not file.refused
    (row,) = file.rows
    assert (row.line, row.external_id, row.kind) == (2, "x-1", "hold_placed")
    assert row.payload == {"customer": 'Kö & Co, "BV"', "reason": "asked,\nby letter"}


def test_further_columns_and_another_order_do_not_matter():
    columns = ("remark", *reversed(COLUMNS))
    file = read_register_csv(extract(ROW | {"remark": "x"}, columns=columns), "x.csv")
    assert len(file.rows) == 1


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"effective_on": "02-03-2026"}, "effective_on"),
        ({"effective_on": "20260302"}, "effective_on"),
        ({"kind": "surprise"}, "kind"),
        ({"payload": "{"}, "payload"),
        ({"payload": "[1]"}, "payload"),
        ({"payload": '{"customer": "K1"}'}, "reason"),
        ({"recorded_by": ""}, "recorded_by"),
        ({"external_id": " "}, "external_id"),
        ({"company_id": ""}, "company_id"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_the_rest_goes_on(change, where):
    file = read_register_csv(extract(ROW | change, ROW), "x.csv")
    (refused,) = file.refused
    assert (refused.line, refused.where) == (2, where)
    assert refused.what
    assert refused.what_to_do
    assert [row.external_id for row in file.rows] == ["x-1"]


def test_a_row_with_too_few_cells_is_refused_and_an_empty_line_is_not_a_row():
    file = read_register_csv(extract(ROW) + b"x-2,C1\r\n\r\n", "x.csv")
    assert len(file.rows) == 1
    assert [refused.external_id for refused in file.refused] == ["x-2"]


def test_an_unclosed_quote_keeps_what_came_before():
    file = read_register_csv(extract(ROW) + b'x-2,C1,2026-03-02,Ann,hold_placed,"{\r\n' + b"x-3,,,,,\r\n", "x.csv")
    assert [row.external_id for row in file.rows] == ["x-1"]
    (refused,) = file.refused
    assert "from here on" in refused.what


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"external_id,company_id\r\n", "lacks the column effective_on"),
        (b"", "lacks the column"),
        ("external_id;Kö".encode("cp1252"), "not UTF-8"),
        ("external_id".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_file_that_is_no_extract_is_refused_whole(content, what):
    with pytest.raises(UnreadableRegisterFile, match=what):
        read_register_csv(content, "x.csv")


def test_the_same_file_again_records_nothing_new(engine, clock):
    rows = read_register_csv(extract(ROW, ROW | {"external_id": "x-2"}), "x.csv").rows
    first = record_register_file(engine, clock, rows)
    again = record_register_file(engine, clock, rows)
    assert [event.is_new for event in first.recorded] == [True, True]
    assert [event.is_new for event in again.recorded] == [False, False]
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(register_event)).scalar_one() == 2


def test_a_row_in_conflict_with_the_register_is_refused_and_the_rest_goes_on(engine, clock):
    record_register_file(engine, clock, read_register_csv(extract(ROW), "x.csv").rows)
    other = read_register_csv(extract(ROW | {"recorded_by": "Ben"}, ROW | {"external_id": "x-2"}), "y.csv").rows
    result = record_register_file(engine, clock, other)
    assert [(refused.line, refused.external_id) for refused in result.refused] == [(2, "x-1")]
    assert len(result.recorded) == 1
