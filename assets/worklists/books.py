"""A person's worklist as a workbook and as CSV: what there is to do, and room for the answers.

Every text is written as text, so nothing in it is ever a formula; amounts and dates are numbers with a format. What may be answered
to a task is a list to choose from. The workbook is the better form: CSV is for who has no spreadsheet.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import xlsxwriter

from assets.task_answers import ANSWERS, CHANNELS, HARDSHIPS, outcomes_of
from assets.worklists.formulas import harmless
from assets.worklists.tables import Listed

Labels = Mapping[str, Any]

TO_READ = tuple(field.name for field in fields(Listed) if field.name != "language")
COLUMNS = (*TO_READ, *ANSWERS)
_WIDTHS = {"task_id": 12, "reason": 60, "next_step": 50, "note": 40, "customer_name": 28, "customer_email": 28}


def worklist_csv(tasks: Sequence[Listed]) -> bytes:
    """RFC 4180, UTF-8 with the mark spreadsheets want."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for task in tasks:
        writer.writerow([*(_as_csv(getattr(task, column)) for column in TO_READ), *("" for _ in ANSWERS)])
    return b"\xef\xbb\xbf" + written.getvalue().encode("utf-8")


def _as_csv(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return harmless(value) if isinstance(value, str) else "" if value is None else str(value)


def worklist_xlsx(tasks: Sequence[Listed], labels: Labels) -> bytes:
    """The same tasks as a workbook: locked to read, open to answer, with what every answer means on a second sheet."""
    written = io.BytesIO()
    # No setting of a text may turn it into a number, a formula or a link.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(written, options)
    if tasks:
        # The day, not the moment: the same day gives the same bytes.
        book.set_properties(
            {"created": datetime.combine(tasks[0].worklist_on, time(0), tzinfo=UTC).replace(tzinfo=None)}
        )
    plain = book.add_format({"text_wrap": True, "valign": "top"})
    day = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"})
    money = book.add_format({"num_format": "#,##0.00", "valign": "top"})
    heading = book.add_format({"bold": True, "bg_color": "#E8E8E8", "text_wrap": True})
    answer = {"locked": False, "bg_color": "#FFF9DB", "valign": "top"}
    answers = {
        "_on": book.add_format(answer | {"num_format": "yyyy-mm-dd"}),
        "_amount": book.add_format(answer | {"num_format": "0.00"}),
        "": book.add_format(answer | {"num_format": "@", "text_wrap": True}),
    }
    sheet = book.add_worksheet(labels["worklist"])
    for number, column in enumerate(COLUMNS):
        sheet.write_string(0, number, column, heading)
        sheet.set_column(number, number, _WIDTHS.get(column, 14))
        sheet.write_comment(0, number, labels["columns"][column])
    for line, task in enumerate(tasks, start=1):
        for number, column in enumerate(TO_READ):
            value = getattr(task, column)
            if isinstance(value, date):
                sheet.write_datetime(line, number, datetime.combine(value, time(0)), day)
            elif isinstance(value, (int, Decimal)):
                sheet.write_number(line, number, value, money if isinstance(value, Decimal) else plain)
            elif value is not None:
                sheet.write_string(line, number, str(value), plain)
        for number, column in enumerate(ANSWERS, start=len(TO_READ)):
            suffix = next((end for end in ("_on", "_amount") if column.endswith(end)), "")
            sheet.write_blank(line, number, None, answers[suffix])
        for column, words in (
            ("outcome", outcomes_of(task.task_kind)),
            ("sent_by", CHANNELS),
            ("hardship", HARDSHIPS),
        ):
            number = COLUMNS.index(column)
            sheet.data_validation(line, number, line, number, {"validate": "list", "source": list(words)})
    sheet.freeze_panes(1, TO_READ.index("task_kind") + 1)
    sheet.autofilter(0, 0, max(len(tasks), 1), len(COLUMNS) - 1)
    # Against slips, not against people: there is no password, and sorting stays possible.
    sheet.protect("", {"sort": True, "autofilter": True, "format_columns": True, "format_rows": True})
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    meaning = book.add_worksheet(labels["meanings"])
    meaning.set_column(0, 0, 22)
    meaning.set_column(1, 1, 100)
    for line, (word, text) in enumerate([*labels["columns"].items(), *labels["outcomes"].items()]):
        meaning.write_string(line, 0, word, heading)
        meaning.write_string(line, 1, text, plain)
    book.close()
    return written.getvalue()
