"""A clerk's day: the worklist goes out, is filled in, comes back, and the next day is another one for it."""

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from click.testing import Result

from orchestration.home import Home
from tests.end_to_end.conftest import answer
from tests.end_to_end.published import select
from tests.end_to_end.small import COMPANY, CUSTOMERS, TURNOVER, camt, invoice, write_csv

Tijdig = Callable[..., Result]

THURSDAY, FRIDAY, MONDAY = (date(2026, 11, day) for day in (12, 13, 16))


@pytest.fixture
def home(tmp_path: Path, tijdig: Tijdig) -> Home:
    """Two customers whose reminders went unanswered, and an invoice that could not be delivered."""
    made = Home(tmp_path / "home")
    assert tijdig("init", home=made).exit_code == 0
    write_csv(made.billing_inbox, "companies", [COMPANY])
    # Nothing was ever paid here, so the risk is high: the track is named, for the call to be its third step.
    write_csv(made.billing_inbox, "customers", [customer | {"scenario_id": "standard"} for customer in CUSTOMERS])
    write_csv(
        made.billing_inbox,
        "invoices",
        [
            invoice("2026-0001", "K1", "2026-09-01", "2026-10-01", "1210.00"),
            invoice("2026-0002", "K2", "2026-11-10", "2026-12-10", "242.00", delivery_status="failed"),
            invoice("2026-0003", "K3", "2026-09-01", "2026-10-01", "363.00"),
            TURNOVER,
        ],
    )
    opening = [
        {"company_id": "VB", "invoice_id": number, "stage_no": "2", "dispatched_on": "2026-11-03", "channel": "email"}
        for number in ("2026-0001", "2026-0003")
    ]
    write_csv(made.billing_inbox, "opening_stages", opening)
    return made


def day(home: Home, tijdig: Tijdig, today: date, statement: date) -> Result:
    (home.bank_inbox / f"statement-{statement}.xml").write_bytes(camt(statement, "1000.00", []))
    return tijdig("run", "--date", today.isoformat(), home=home)


def filled_in(workbook: Path, answers: dict[tuple[str, str], dict[str, object]]) -> bytes:
    """The workbook as a person would save it, with answers by kind of task and invoice."""
    book = openpyxl.load_workbook(workbook)
    sheet = book.worksheets[0]
    header = [cell.value for cell in sheet[1]]
    found = set()
    for row in sheet.iter_rows(min_row=2):
        key = (str(row[header.index("task_kind")].value), str(row[header.index("invoice_number")].value))
        for column, value in answers.get(key, {}).items():
            row[header.index(column)].value = value
            found.add(key)
    assert found == set(answers)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def test_a_worklist_goes_out_is_filled_in_and_changes_the_next_day(home: Home, tijdig: Tijdig) -> None:
    first = day(home, tijdig, FRIDAY, THURSDAY)
    assert first.exit_code == 0, first.output
    folder = home.published / "worklists" / FRIDAY.isoformat()
    (workbook,) = folder.glob("m-visser*.xlsx")
    with workbook.with_suffix(".csv").open(encoding="utf-8-sig", newline="") as file:
        listed = list(csv.DictReader(file))
    assert {(row["task_kind"], row["invoice_number"]) for row in listed} >= {
        ("call", "2026-0001"),
        ("call", "2026-0003"),
        ("send_again", "2026-0002"),
    }
    assert [int(row["priority_score"]) for row in listed] == sorted(
        (int(row["priority_score"]) for row in listed), reverse=True
    )

    # The sheet of the call lies beside it, in the language of the company; the command line tells the same day.
    calls = {row["invoice_number"]: row["task_id"] for row in listed if row["task_kind"] == "call"}
    sheet = (folder / "call-sheets" / f"{calls['2026-0001']}.html").read_text(encoding="utf-8")
    assert "Molenaar B.V." in sheet
    assert "Laat de klant eerst een voorstel doen" in sheet
    told = answer(tijdig("tasks", "--owner", "M. Visser", "--json", home=home))
    assert {task["task_id"] for task in told["tasks"]} == {row["task_id"] for row in listed}  # type: ignore[attr-defined]
    explained = answer(tijdig("explain", calls["2026-0001"], "--json", home=home))
    assert explained["task"]["invoice_id"] == "2026-0001"  # type: ignore[index]

    returned = filled_in(
        workbook,
        {
            ("call", "2026-0001"): {"outcome": "promised", "promised_on": date(2026, 11, 25), "note": "mevrouw Jansen"},
            ("call", "2026-0003"): {"outcome": "no_answer"},
            ("send_again", "2026-0002"): {"outcome": "sent_again", "sent_by": "letter"},
        },
    )
    (home.register_inbox / "terug van Visser.xlsx").write_bytes(returned)
    # The same answers once more as CSV, as another program saves it; and one nobody can carry out.
    again = "task_id;worklist_on;owner;" + ";".join(next(iter(listed)).keys() - {"task_id", "worklist_on", "owner"})
    columns = again.split(";")
    cells = {"task_id": calls["2026-0003"], "worklist_on": "2026-11-13", "owner": "M. Visser", "outcome": "no_answer"}
    wrong = cells | {"task_id": calls["2026-0001"], "outcome": "perhaps"}
    lines = [";".join(row.get(column, "") for column in columns) for row in (cells, wrong)]
    (home.register_inbox / "b.csv").write_text("\r\n".join([again, *lines]), encoding="cp1252")

    second = day(home, tijdig, MONDAY, FRIDAY)
    assert second.exit_code == 4, second.output
    assert "'perhaps', which is no answer to a task call" in second.output
    assert list(home.register_inbox.iterdir()) == []

    status = dict(
        select(home, "select task_kind || ' ' || invoice_id, status from tasks.tasks where invoice_id is not null")
    )
    assert status["send_again 2026-0002"] == "done"
    assert status["follow_up 2026-0003"] == "open"
    assert "call 2026-0001" not in status or status["call 2026-0001"] != "open"
    decisions = dict(select(home, "select invoice_id, reason_code from dunning.dunning_decisions"))
    assert decisions["2026-0001"] == "promise_open"
    history = answer(tijdig("explain", "2026-0001", "--json", home=home))
    kinds = [event["kind"] for event in history["register"]]  # type: ignore[attr-defined]
    assert sorted(kinds) == ["call_made", "promise_made", "task_outcome"]
    assert select(home, "select count(*) from tasks.tasks where task_kind = 'correction'") == [(0,)]
