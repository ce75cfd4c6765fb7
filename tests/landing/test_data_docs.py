"""Data Docs: real pages of real results, that fetch nothing, show nobody's data, and do not pile up."""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from pathlib import Path

import lxml.html
import pytest

from assets.landing.data_docs import KEPT_BATCHES, DataDocs, write_data_docs
from assets.landing.expectations import look
from assets.landing.expected import ENOUGH_HISTORY, FEWEST_ROWS
from assets.landing.suites import SUITES
from assets.landing.warehouse import writing
from tests.landing.rooms import DAY, Rooms
from tests.landing.test_expectations import (
    ACCOUNT,
    customers,
    entries,
    invoices,
    land_bank,
    land_billing,
    land_raw,
    payments,
)

SECRET = "Factuur van mevrouw De Vries 06-12345678"


@pytest.fixture
def docs(tmp_path: Path) -> DataDocs:
    return DataDocs(tmp_path / "published" / "data_docs")


def written(rooms: Rooms, docs: DataDocs) -> Path | None:
    """One look at what landed, and its pages."""
    with writing(rooms.room.warehouse) as connection:
        outcomes = look(connection, frozenset(), DAY)
        return write_data_docs(docs, connection, rooms.store, outcomes)


def pages(docs: DataDocs) -> list[Path]:
    return sorted(docs.folder.rglob("*.html"))


def text(page: Path) -> str:
    return " ".join(" ".join(str(piece) for piece in lxml.html.parse(str(page)).getroot().body.itertext()).split())


def judged(rooms: Rooms) -> None:
    """A day with something to judge in most suites."""
    land_billing(rooms, "monday", "customers.csv", customers())
    land_billing(rooms, "monday", "invoices.csv", invoices(0, 100))
    land_bank(rooms, "monday", payments(text=SECRET + " {}"), "S-1")


def test_every_judged_suite_has_a_page_and_the_index_leads_to_it(rooms: Rooms, docs: DataDocs) -> None:
    judged(rooms)
    index = written(rooms, docs)
    assert index == docs.folder / "index.html"
    links = [str(link) for link in lxml.html.parse(str(index)).getroot().xpath("//a/@href")]
    for suite in SUITES:
        assert f"validations/{suite.name}/batch-1.html" in links
        assert f"expectations/{suite.name}.html" in links
    for page in pages(docs):
        for link in lxml.html.parse(str(page)).getroot().xpath("//a/@href"):
            target = str(link).partition("#")[0]
            assert not target or (page.parent / target).is_file(), f"{page.name} leads to {link}"


def test_a_page_says_what_was_expected_what_was_found_and_what_follows(rooms: Rooms, docs: DataDocs) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, factor=100_000))
    index = written(rooms, docs)
    assert index is not None
    said = text(docs.folder / "validations" / "invoices" / "batch-1.html")
    assert "raw.invoices, 30 rows up to batch 1" in said
    assert "total_amount must have a median between 1 and 1e+06" in said
    assert "an export in cents, or without its decimal point" in said
    assert "stops the day" in said
    assert "9.45e+06" in said or "9450000" in said
    assert f"{DAY} 1 invoices stops the day" in text(index)


def test_a_page_shows_the_figures_of_each_account_that_could_be_compared(rooms: Rooms, docs: DataDocs) -> None:
    land_raw(rooms, "bank_entries", 1, entries(0, ENOUGH_HISTORY + FEWEST_ROWS))
    written(rooms, docs)
    land_raw(rooms, "bank_entries", 2, entries(500, FEWEST_ROWS, counterparty_iban=None))
    written(rooms, docs)
    said = text(docs.folder / "validations" / "bank_entries_by_account" / "batch-2.html")
    assert "nothing to compare with. account_iban payer_account_share_of_usual payer_text_share_of_usual" in said
    assert f"{ACCOUNT} 0 1 " in said


def test_a_page_fetches_nothing_and_runs_nothing(rooms: Rooms, docs: DataDocs) -> None:
    judged(rooms)
    written(rooms, docs)
    assert len(pages(docs)) > len(SUITES)
    for page in pages(docs):
        content = page.read_text(encoding="utf-8")
        assert "://" not in content, page
        assert not re.search(r"url\(|@import|<script|<link|<img|<iframe|\son\w+=", content), page
        assert "default-src 'none'" in content


def test_no_value_of_a_row_is_shown(rooms: Rooms, docs: DataDocs) -> None:
    judged(rooms)
    land_billing(rooms, "tuesday", "customers.csv", customers(email="", street="", name="Mevrouw De Vries"))
    land_bank(rooms, "tuesday", payments(text="", end_to_end_id=""), "S-2")
    written(rooms, docs)
    for page in pages(docs):
        content = page.read_text(encoding="utf-8")
        for value in ("De Vries", "06-12345678", "boek@klant.example", "NL44RABO0123456789", "Garage", "2026-000"):
            assert value not in content, f"{page}: {value}"


def test_only_the_owner_can_read(rooms: Rooms, docs: DataDocs) -> None:
    judged(rooms)
    written(rooms, docs)
    made: Sequence[Path] = [docs.folder.parent, docs.folder, *docs.folder.rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_file()} == {0o600}
    assert not [path for path in made if path.name.endswith(".tmp")]


def test_a_new_home_has_an_index_that_says_so(rooms: Rooms, docs: DataDocs) -> None:
    index = written(rooms, docs)
    assert index is not None
    assert "Nothing was judged yet" in text(index)
    assert pages(docs) == [index]


def test_a_day_without_anything_new_leaves_the_pages_as_they_are(rooms: Rooms, docs: DataDocs) -> None:
    judged(rooms)
    written(rooms, docs)
    before = {page: (page.stat().st_mtime_ns, page.read_bytes()) for page in pages(docs)}
    assert written(rooms, docs) is None
    assert {page: (page.stat().st_mtime_ns, page.read_bytes()) for page in pages(docs)} == before


def test_a_stopped_day_run_again_is_said_once(rooms: Rooms, docs: DataDocs) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, factor=100_000))
    written(rooms, docs)
    index = written(rooms, docs)
    assert index is not None
    assert text(index).count("invoices stops the day") == 1


def test_old_pages_go_and_strangers_pages_with_them(rooms: Rooms, docs: DataDocs) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, 100))
    written(rooms, docs)
    gone = docs.folder / "validations" / "a_suite_of_old" / "batch-1.html"
    gone.parent.mkdir(mode=0o700)
    gone.write_text("old", encoding="utf-8")
    with writing(rooms.room.warehouse) as connection:
        connection.execute(
            f"""
            insert into raw.expectation_results
            select 100 + i, 'invoices', true, '' from range({KEPT_BATCHES}) as t(i)
            """
        )
    land_billing(rooms, "tuesday", "customers.csv", customers())
    written(rooms, docs)
    assert not gone.parent.exists()
    assert not (docs.folder / "validations" / "invoices").exists(), "thirty newer ones were said"
    assert (docs.folder / "validations" / "customers" / "batch-2.html").is_file()


def test_words_of_a_suite_are_shown_as_words(rooms: Rooms, docs: DataDocs) -> None:
    """A company may be called anything; its name in a sentence is no element of the page."""
    with writing(rooms.room.warehouse) as connection:
        connection.execute(
            "insert into raw.expectation_results values (1, 'companies', true, 'warning: x for <script>alert(1)</script>')"
        )
    index = written(rooms, docs)
    assert index is not None
    assert "<script" not in index.read_text(encoding="utf-8")
    assert "<script>alert(1)</script>" in text(index)
