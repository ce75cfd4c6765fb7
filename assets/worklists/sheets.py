"""A call sheet: one row in, one page out. A template of wording and layout, with every figure and date formatted here.

The page is for the screen and the printer of a clerk; a customer chooses much of what is on it (names, reasons, notes), so every
value is escaped, and the page loads nothing and runs nothing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from assets.worklists.tables import Row

LANGUAGES = {"nl": "nl_NL", "en": "en_GB"}
FALLBACK = "en"
TEMPLATE = "call_sheet.html.j2"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AMOUNTS = ("amount", "total_amount", "open_amount", "disputed_amount", "covered", "paid", "open")


@dataclass(frozen=True)
class SheetPress:
    """The template and the labels of each language, read once."""

    environment: ImmutableSandboxedEnvironment
    labels: Mapping[str, Mapping[str, Any]]


def open_press(folder: Path) -> SheetPress:
    """Reads the template and labels under `folder`."""
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder, encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    labels = {language: json.loads((folder / f"{language}.json").read_text(encoding="utf-8")) for language in LANGUAGES}
    return SheetPress(environment, labels)


def labels_of(press: SheetPress, language: str) -> Mapping[str, Any]:
    """The labels of a language, English where there are none."""
    return press.labels.get(language, press.labels[FALLBACK])


def render_sheet(press: SheetPress, row: Row) -> str:
    """The page of one row of tasks.call_sheets."""
    language = row["language"] if row["language"] in press.labels else FALLBACK
    labels = labels_of(press, language)
    written = {name: _written(name, value, language) for name, value in row.items()}
    # A promise of today is looked at the day after its grace, and what is agreed today is confirmed in writing.
    written["oldest_overdue"] = max([item["days_overdue"] for item in row["items"]], default=0)
    written["latest_payment_on"] = _written("", row["as_of_date"] + timedelta(days=14), language)
    return press.environment.get_template(TEMPLATE).render(
        sheet=written, labels=labels, language=language, word=lambda code: _word(labels, code)
    )


def _written(name: str, value: Any, language: str) -> Any:
    """A value as a reader of the language writes it; a missing one is a dash."""
    if isinstance(value, list):
        return [{key: _written(key, each, language) for key, each in one.items()} for one in value]
    if value is None or value == "":
        return "–"
    if isinstance(value, date):
        return format_date(value, "dd-MM-yyyy" if language == "nl" else "d MMM yyyy", locale=LANGUAGES[language])
    if isinstance(value, Decimal) or (name in _AMOUNTS and isinstance(value, str)):
        return format_decimal(Decimal(value), "#,##0.00", locale=LANGUAGES[language])
    if isinstance(value, str) and name.endswith("_on") and _DATE.fullmatch(value):
        return _written(name, date.fromisoformat(value), language)
    return value


def _word(labels: Mapping[str, Any], code: object) -> str:
    """A code in the words of the language; one without words as it reads."""
    return str(labels["words"].get(code, str(code).replace("_", " ")))
