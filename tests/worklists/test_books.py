"""Worklists as files: typed cells, no formula in any of them, and the same bytes for the same day."""

import csv
import dataclasses
import io
import json
import zipfile
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from assets.task_answers import ALL_OUTCOMES, ANSWERS, outcomes_of
from assets.worklists.books import COLUMNS, worklist_csv, worklist_xlsx
from assets.worklists.formulas import harmless
from assets.worklists.tables import Listed
from assets.worklists.write import file_name
from tests.worklists.golden_files import TEMPLATES

LABELS = json.loads((TEMPLATES / "nl.json").read_text(encoding="utf-8"))
HOSTILE = '=HYPERLINK("http://evil.example";"klik")'
TASK = Listed(
    task_id="0123456789abcdef0123456789", worklist_on=date(2026, 11, 13), owner="M. Visser", company_id="VB",
    task_kind="call", priority_score=60, due_on=date(2026, 11, 17), customer_id="K1", customer_name=HOSTILE,
    customer_phone="+31 20 555 0100", customer_email="a@b.example", invoice_number="00012", amount=Decimal("-1210.50"),
    currency="EUR", reason="http://evil.example", next_step="Call", language="nl",
)  # fmt: skip


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_text_that_begins_as_a_formula_gets_an_apostrophe(start: str) -> None:
    assert harmless(f"{start}1+1") == f"'{start}1+1"
    assert harmless(f"  {start}1+1") == f"'  {start}1+1"
    assert harmless(f"a{start}1") == f"a{start}1"


def test_no_cell_of_the_csv_begins_as_a_formula_but_an_amount_stays_a_number() -> None:
    (row,) = csv.DictReader(io.StringIO(worklist_csv([TASK]).decode("utf-8-sig"), newline=""))
    assert row["customer_name"] == f"'{HOSTILE}"
    assert row["customer_phone"] == "'+31 20 555 0100"
    assert row["amount"] == "-1210.50"
    assert row["due_on"] == "2026-11-17"


def test_cells_of_the_workbook_are_typed_and_no_text_is_a_formula_a_link_or_a_number() -> None:
    content = worklist_xlsx([TASK], LABELS)
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    cells = {str(sheet.cell(1, number + 1).value): sheet.cell(2, number + 1) for number in range(len(COLUMNS))}
    assert (cells["customer_name"].value, cells["customer_name"].data_type) == (HOSTILE, "s")
    assert (cells["invoice_number"].value, cells["invoice_number"].data_type) == ("00012", "s")
    assert (cells["amount"].value, cells["amount"].data_type) == (-1210.5, "n")
    assert cells["due_on"].is_date
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        xml = "".join(packed.read(name).decode() for name in packed.namelist() if "sheet1.xml" in name)
        assert "<f>" not in xml
        assert "hyperlink" not in xml.lower()


def test_what_is_to_be_read_is_locked_and_what_is_to_be_answered_is_open_and_offers_the_outcomes() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(worklist_xlsx([TASK], LABELS))).worksheets[0]
    for number, column in enumerate(COLUMNS, start=1):
        assert sheet.cell(2, number).protection.locked == (column not in ANSWERS)
    assert sheet.protection.sheet
    lists = [rule.formula1 for rule in sheet.data_validations.dataValidation]
    assert f'"{",".join(outcomes_of("call"))}"' in lists


def test_the_same_day_gives_the_same_bytes() -> None:
    assert worklist_xlsx([TASK], LABELS) == worklist_xlsx([TASK], LABELS)


def test_every_column_and_every_outcome_is_explained() -> None:
    assert set(LABELS["columns"]) == set(COLUMNS)
    assert set(LABELS["outcomes"]) == set(ALL_OUTCOMES)


def test_a_choice_list_fits_what_a_workbook_takes() -> None:
    for kind in ("call", "follow_up", "arrangement_breach"):
        assert len(",".join(outcomes_of(kind))) <= 255


def test_two_owners_never_share_a_file_and_no_name_leaves_the_folder() -> None:
    names = ["M. Visser", "m visser", "M-Visser", "../../etc/passwd", "王", "", "Zoë"]
    files = [file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert all("/" not in name and not name.startswith(".") for name in files)


def test_a_worklist_has_a_column_for_every_field_of_a_task() -> None:
    assert set(COLUMNS) == {field.name for field in dataclasses.fields(Listed)} - {"language"} | set(ANSWERS)
