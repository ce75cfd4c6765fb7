"""The call sheet: a page a clerk reads, from facts a customer wrote."""

import json
import re

import pytest
from jinja2 import UndefinedError

from assets.worklists.sheets import open_press, render_sheet
from assets.worklists.tables import SECTIONS
from tests.worklists.cases import CASES, FULL
from tests.worklists.golden_files import FOLDER, TEMPLATES, rendered


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_call_sheet_is_as_it_was_agreed(case: str) -> None:
    assert rendered(case) == (FOLDER / f"{case}.html").read_text(encoding="utf-8")


def test_what_a_customer_wrote_is_text_and_the_page_loads_and_runs_nothing() -> None:
    page = rendered("full.nl")
    assert "<script" not in page
    assert "Molenaar &lt;b&gt;&amp; Zn." in page
    assert "default-src 'none'" in page
    assert re.search(r"(src|href)\s*=", page) is None


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_sheet_says_how_to_listen_and_lets_the_customer_propose_first(language: str) -> None:
    page = rendered(f"empty.{language}")
    words = {
        "nl": ("Luister eerst", "Blijf rustig", "Neem niets aan", "Laat de klant eerst een voorstel doen"),
        "en": ("Listen first", "Stay calm", "Assume nothing", "Let the customer propose first"),
    }
    for line in words[language]:
        assert line in page


def test_the_next_steps_have_their_days() -> None:
    page = rendered("full.nl")
    assert "vanaf 16-11-2026" in page
    assert "ingebrekestelling, niet voor 20-11-2026" in page
    assert "een medewerker beslist" in rendered("empty.nl")


def test_a_language_without_labels_is_english() -> None:
    assert render_sheet(open_press(TEMPLATES), FULL | {"language": "fr"}).startswith(
        '<!doctype html>\n<html lang="en">'
    )


def test_a_fact_that_is_missing_is_an_error_and_no_empty_place() -> None:
    row = {name: value for name, value in FULL.items() if name != "customer_phone"}
    with pytest.raises(UndefinedError, match="customer_phone"):
        render_sheet(open_press(TEMPLATES), row)


def test_both_languages_say_the_same_things() -> None:
    nl, en = (json.loads((TEMPLATES / f"{language}.json").read_text(encoding="utf-8")) for language in ("nl", "en"))
    assert set(nl) == set(en)
    assert set(nl["columns"]) == set(en["columns"])
    assert set(nl["outcomes"]) == set(en["outcomes"])
    assert len(nl["guide"]) == len(en["guide"])
    assert set(SECTIONS) <= set(FULL)
