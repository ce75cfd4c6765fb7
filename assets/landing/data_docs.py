"""Data Docs: what the suites said, as pages for people, in `published/data_docs`.

Great Expectations renders each result and each suite; its pages, however, fetch their looks and scripts from eight other
hosts, and are blank without them. So its sections are put into pages of ours: the styles are in the page, there is no
script, and a content policy forbids every request. Figures are counts, shares and medians of our own accounts and
companies; no value of a customer's or a payment's row is in them.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Engine, select

from assets.landing.expectations import RESULTS, Outcome
from assets.landing.suites import SUITES
from assets.operations.store import reading
from assets.operations.tables import landing_batch, run

INDEX = "index.html"

# So many subjects are shown with their figures; beyond this a page is a list, and the sentence names the odd ones.
SHOWN_SUBJECTS = 100

# A page for each suite and batch; older ones go. What was said stays in the warehouse and the archive.
KEPT_BATCHES = 30

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c1c1c; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem } h5, h6 { font-size: 1rem; margin: .3rem 0 }
a { color: #0b57a4 } table { border-collapse: collapse; width: 100% }
td, th { border-bottom: 1px solid #d9d9d9; padding: .4rem .6rem; text-align: left; vertical-align: top }
.alert { background: #f1f3f5; padding: .5rem .8rem; margin-top: 1rem } .wide { overflow-x: auto }
.text-success, .met { color: #17692f } .text-danger, .stops { color: #a31621 } .text-warning, .warns { color: #8a5a00 }
i.fas { font-style: normal } .fa-check-circle::before { content: "met" } .fa-times::before { content: "not met" }
.fa-exclamation-triangle::before { content: "not judged" } footer { margin-top: 3rem; color: #666; font-size: .9rem }
"""

# Nothing outside the page is ever fetched, whatever a later version of the library puts into it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class DataDocs:
    """Where the pages of one home lie."""

    folder: Path


def write_data_docs(
    docs: DataDocs, connection: duckdb.DuckDBPyConnection, store: Engine, outcomes: Sequence[Outcome]
) -> Path | None:
    """Writes a page for everything that was judged, and the index over the newest ones; returns the index.

    On a day with nothing to judge the pages of the day before stand as they are, and None is returned.
    """
    index = docs.folder / INDEX
    if index.exists() and not any(outcome.rows for outcome in outcomes):
        return None
    days = _days(store)
    for outcome in outcomes:
        if outcome.validation is not None:
            _write_result(docs.folder, outcome, days.get(outcome.batch_id))
    said = _said(connection, days)
    _forget(docs.folder, said)
    _write(index, _index(docs.folder, said))
    return index


@dataclass(frozen=True, slots=True)
class _Said:
    """What a suite said of a batch: a row of the index."""

    suite: str
    batch_id: int
    day: date | None
    is_met: bool
    words: str

    @property
    def page(self) -> Path:
        return _page_of(self.suite, self.batch_id)

    @property
    def verdict(self) -> str:
        if not self.is_met:
            return "stops"
        return "warns" if self.words else "met"


def _page_of(suite: str, batch_id: int) -> Path:
    return Path("validations") / suite / f"batch-{batch_id}.html"


def _suite_page(suite: str) -> Path:
    return Path("expectations") / f"{suite}.html"


def _days(store: Engine) -> Mapping[int, date]:
    """The business day of every batch."""
    with reading(store) as connection:
        rows = connection.execute(
            select(landing_batch.c.batch_id, run.c.as_of_date).join(run, run.c.run_id == landing_batch.c.run_id)
        ).all()
    return {row.batch_id: row.as_of_date for row in rows}


def _said(connection: duckdb.DuckDBPyConnection, days: Mapping[int, date]) -> list[_Said]:
    """What each suite said last of each of its newest batches, newest batch first."""
    rows = connection.execute(
        f"""
        select table_name, batch_id, is_met, message
        from {RESULTS}
        where list_contains(?, table_name)
        -- A batch that was looked at again, because the day was run again, is said once: the last time.
        qualify
            row_number() over (partition by table_name, batch_id order by rowid desc) = 1
            and dense_rank() over (partition by table_name order by batch_id desc) <= {KEPT_BATCHES}
        order by batch_id desc, list_position(?, table_name)
        """,
        [[suite.name for suite in SUITES]] * 2,
    ).fetchall()
    return [_Said(name, batch, days.get(batch), is_met, words or "") for name, batch, is_met, words in rows]


def _write_result(folder: Path, outcome: Outcome, day: date | None) -> None:
    """The page of one result and the page of its suite, as Great Expectations renders them."""
    from great_expectations.render.renderer import ExpectationSuitePageRenderer, ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    name, view = outcome.suite.name, DefaultJinjaPageView()
    about = f"<p>{escape(outcome.suite.about)}</p>"
    # The renderer says "Data asset: None" of a frame, unless it is told what the frame was.
    where = f"raw.{outcome.suite.table}, {outcome.rows} rows up to batch {outcome.batch_id}"
    outcome.validation.meta["batch_kwargs"] = {"data_asset_name": where}
    result = view.render(ValidationResultsPageRenderer().render(outcome.validation))
    page = _page(
        "../..",
        f"{name}, batch {outcome.batch_id}" + (f", {day}" if day else ""),
        about + _sections(result, "../..") + _figures(outcome),
    )
    _write(folder / _page_of(name, outcome.batch_id), page)
    suite = view.render(ExpectationSuitePageRenderer().render(outcome.asked))
    _write(folder / _suite_page(name), _page("..", f"Suite {name}", about + _sections(suite, "..")))


def _figures(outcome: Outcome) -> str:
    """The figures of each account, company or statement that was judged. An empty one had nothing to compare with."""
    if not outcome.figures:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in outcome.figures[0])
    rows = "\n".join(
        f"<tr>{''.join(f'<td>{_figure(value)}</td>' for value in row.values())}</tr>"
        for row in outcome.figures[-SHOWN_SUBJECTS:]
    )
    left_out = len(outcome.figures) - SHOWN_SUBJECTS
    more = f"<p>The last {SHOWN_SUBJECTS} of {len(outcome.figures)}.</p>" if left_out > 0 else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"
    return f'<h2>Figures</h2><p>Empty, and -- above: nothing to compare with.</p>{more}<div class="wide">{table}</div>'


def _figure(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def _sections(page: str, root: str) -> str:
    """The sections of a page of Great Expectations, without what only works with its scripts, and with links of ours."""
    import lxml.html

    document: Any = lxml.html.fromstring(page)
    sections = document.xpath("//div[contains(concat(' ', @class, ' '), ' ge-section ')]")
    for section in sections:
        for each in section.xpath(".//script | .//style | .//link | .//img | .//*[contains(@id, '-collapse-body')]"):
            each.drop_tree()
        for each in section.xpath(".//*[@data-toggle='collapse']"):
            each.getparent().drop_tree()
        for link in section.xpath(".//a[@href]"):
            _, found, target = str(link.get("href")).rpartition("/expectations/")
            if found:
                link.set("href", f"{root}/expectations/{target}")
            elif not link.get("href").startswith("#"):
                link.drop_tag()
    return "\n".join(str(lxml.html.tostring(section, encoding="unicode")) for section in sections)


def _index(folder: Path, said: Sequence[_Said]) -> str:
    newest = "\n".join(_index_row(folder, each) for each in said)
    nothing = "<p>Nothing was judged yet: so far there are too few rows, or nothing to compare them with.</p>"
    table = (
        "<table><thead><tr><th>Day</th><th>Batch</th><th>Suite</th><th>Verdict</th><th>What was said</th></tr></thead>"
        f"<tbody>\n{newest}\n</tbody></table>"
    )
    suites = "\n".join(
        f"<li>{_link(folder, _suite_page(suite.name), suite.name)} (raw.{suite.table}): {escape(suite.about)}</li>"
        for suite in SUITES
    )
    return _page(
        ".",
        "What landed, and whether it can be right",
        f"<p>Each suite judges what came since it last agreed. One that stops the day asks for better rows, or for a person "
        f"who accepts the batch: <code>[landing] accepted_batches</code> in tijdig.toml.</p>"
        f"<h2>Validation results</h2>{table if said else nothing}<h2>Expectation suites</h2><ul>{suites}</ul>",
    )


def _index_row(folder: Path, said: _Said) -> str:
    cells = (
        str(said.day or ""),
        str(said.batch_id),
        _link(folder, said.page, said.suite),
        f'<span class="{said.verdict}">{ {"met": "met", "warns": "warns", "stops": "stops the day"}[said.verdict] }</span>',
        escape(said.words),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _link(folder: Path, page: Path, words: str) -> str:
    """A link to a page that is there; what had nothing to compare with has no page."""
    return f'<a href="{page.as_posix()}">{escape(words)}</a>' if (folder / page).is_file() else escape(words)


def _page(root: str, title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>\n"
        f'<p><a href="{root}/{INDEX}">Data Docs</a></p><h1>{escape(title)}</h1>\n{body}\n'
        f"<footer>Judged and rendered by Great Expectations; no value of a row is shown.</footer></body></html>\n"
    )


def _forget(folder: Path, said: Sequence[_Said]) -> None:
    """Removes the pages the index no longer lists, and those of suites that are no more."""
    kept = {folder / each.page for each in said} | {folder / _suite_page(suite.name) for suite in SUITES}
    for old in [*folder.glob("validations/*/*.html"), *folder.glob("expectations/*.html")]:
        if old not in kept:
            old.unlink()
    for emptied in folder.glob("validations/*"):
        if emptied.is_dir() and not any(emptied.iterdir()):
            shutil.rmtree(emptied)


def _write(path: Path, text: str) -> None:
    """Writes a page only its owner can read, whole or not at all."""
    for parent in reversed(path.parents):
        if not parent.exists():
            parent.mkdir(mode=0o700)
    aside = path.with_name(f".{path.name}.tmp")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(aside, path)
