"""Templates are edited by people: an edit changes exactly the hashes it should, and cannot do harm."""

import re
import shutil
from pathlib import Path

import pytest

from assets.communications.messages import MissingVariable, TemplateBroken
from assets.communications.render import RenderEnvironment, open_environment, render_message
from assets.communications.templates import MAX_TEMPLATE_BYTES, MESSAGE_KINDS, template_hashes
from tests.communications.golden_cases import HASHES, TEMPLATES, overdue_items, row


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TEMPLATES, tmp_path / "templates"))


def _append(root: Path, name: str, text: str) -> None:
    with (root / name).open("a", encoding="utf-8") as file:
        file.write(text)


def test_every_channel_language_and_kind_has_a_template() -> None:
    assert set(HASHES) == {
        f"{channel}/{language}/{kind}"
        for channel in ("email", "letter", "registered_letter")
        for language in ("nl", "en")
        for kind in MESSAGE_KINDS
    }


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("email/nl/reminder_1.j2", {"email/nl/reminder_1"}),
        (
            "shared/nl/reminder_1.j2",
            {f"{channel}/nl/reminder_1" for channel in ("email", "letter", "registered_letter")},
        ),
        ("shared/en/message.j2", {name for name in HASHES if "/en/" in name}),
        ("shared/en/labels.json", {name for name in HASHES if "/en/" in name}),
        ("shared/email.css", {name for name in HASHES if name.startswith("email/")}),
        ("shared/letter.typ", {name for name in HASHES if "letter/" in name}),
        ("shared/message.j2", set(HASHES)),
    ],
)
def test_an_edit_changes_the_hash_of_every_message_it_can_change(root: Path, edited: str, changed: set[str]) -> None:
    assert template_hashes(root) == HASHES
    _append(root, edited, "\n")
    after = template_hashes(root)
    assert {name for name in HASHES if after[name] != HASHES[name]} == changed


def test_line_endings_of_another_system_change_no_hash(root: Path) -> None:
    path = root / "shared/nl/message.j2"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert template_hashes(root) == HASHES


@pytest.mark.parametrize(
    ("opening", "problem", "says"),
    [
        ("{{ cusotmer_number }}", MissingVariable, "cusotmer_number"),
        ("{{ items[0].invoice_number }}", MissingVariable, "items"),
        ("{{ none }}", MissingVariable, "null"),
        ("{{ ''.__class__.__mro__ }}", TemplateBroken, "unsafe"),
        ("{{ total_amount.__init__.__globals__ }}", TemplateBroken, "unsafe"),
        ("{% for i in range(10000000) %}x{% endfor %}", TemplateBroken, "Range too big"),
        ("{% for i in range(99999) %}{{ total_amount * 99 }}{% endfor %}", TemplateBroken, "characters"),
        ("{% include '/etc/hostname' %}", TemplateBroken, "hostname"),
        ("{{ 1 / 0 }}", TemplateBroken, "division"),
    ],
)
def test_a_careless_or_hostile_edit_refuses_the_message(
    root: Path, opening: str, problem: type[Exception], says: str
) -> None:
    path = root / "email/nl/reminder_1.j2"
    path.write_text(
        path.read_text(encoding="utf-8") + "{% block opening %}" + opening + "{% endblock %}", encoding="utf-8"
    )
    environment = open_environment(root) if "include" not in opening else None
    if environment is None:
        with pytest.raises(problem, match=says):
            open_environment(root)
        return
    message = row("email", "nl", "reminder_1", overdue_items(1))
    message["template_hash"] = environment.library.hashes[message["template_id"]]
    with pytest.raises(problem, match=says):
        render_message(message, environment)
    other = row("email", "nl", "reminder_2", overdue_items(1))
    assert render_message(other, environment).recipient


def test_a_template_no_person_wrote_is_refused(root: Path) -> None:
    _append(root, "email/nl/reminder_1.j2", "x" * MAX_TEMPLATE_BYTES)
    with pytest.raises(TemplateBroken, match="bytes"):
        open_environment(root)


def test_a_syntax_error_names_file_and_line(root: Path) -> None:
    _append(root, "shared/nl/reminder_2.j2", "{% if %}")
    with pytest.raises(TemplateBroken, match=r"reminder_2\.j2") as refusal:
        open_environment(root)
    assert "line" in refusal.value.where


def test_a_computed_template_name_is_refused_because_it_has_no_hash(root: Path) -> None:
    _append(root, "shared/nl/reminder_2.j2", "{% block salutation %}{% include channel ~ '.j2' %}{% endblock %}")
    with pytest.raises(TemplateBroken, match="computes the name"):
        open_environment(root)


def test_a_broken_layout_is_a_broken_template(root: Path) -> None:
    _append(root, "shared/letter.typ", "#nonsense")
    environment = open_environment(root)
    message = row("letter", "nl", "reminder_1", overdue_items(1))
    message["template_hash"] = environment.library.hashes[message["template_id"]]
    with pytest.raises(TemplateBroken, match="nonsense"):
        render_message(message, environment)


def test_no_condition_on_money_in_any_template() -> None:
    for path in TEMPLATES.rglob("*.j2"):
        for condition in re.findall(r"{%-?\s*(?:el)?if\b(.*?)%}", path.read_text(encoding="utf-8"), re.DOTALL):
            assert "amount" not in condition, f"{path.name}: {condition}"


@pytest.mark.parametrize("language", ["nl", "en"])
def test_subject_lines_of_emails_name_no_amount(language: str, environment: RenderEnvironment) -> None:
    for kind in MESSAGE_KINDS:
        source = (TEMPLATES / "email" / language / f"{kind}.j2").read_text(encoding="utf-8")
        assert "amount" not in source
    assert environment.library.labels[language].keys() == environment.library.labels["nl"].keys()
