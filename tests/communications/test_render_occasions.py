"""Messages that are no stage of a track: what they must say, what they must not ask, and what they send along."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assets.communications.content_check import read_parts, read_pdf
from assets.communications.kinds import KINDS
from assets.communications.messages import InvalidValue, MandatoryContentMissing, MissingVariable
from assets.communications.render import RenderEnvironment, open_environment, render_message
from tests.communications.golden_cases import HASHES, TEMPLATES, golden_rows, item, occasion_row
from tests.communications.reading import parse, scan

OCCASIONS = (
    "agreement_confirmation",
    "dispute_received",
    "rebill_notice",
    "receipt_check",
    "thank_you",
    "unplaced_money_request",
)
CASES = [
    (channel, language, kind) for channel in ("email", "letter") for language in ("nl", "en") for kind in OCCASIONS
]


def _case(channel: str, language: str, kind: str, **particulars: str | None) -> dict[str, Any]:
    row = dict(golden_rows()[f"{channel}.{language}.{kind}"])
    return row | {"particulars": json.dumps(json.loads(row["particulars"]) | particulars)}


def _without_block(folder: Path, file: str, block: str, instead: str = "") -> RenderEnvironment:
    """The templates with one block of one file emptied, as a slip of an editor would leave it."""
    for source in TEMPLATES.rglob("*"):
        target = folder / source.relative_to(TEMPLATES)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            target.write_bytes(source.read_bytes())
    text = (folder / file).read_text(encoding="utf-8")
    opening = "{% block " + block + " %}"
    head, _, rest = text.partition(opening)
    assert rest, f"{file} has no block {block}"
    (folder / file).write_text(head + opening + instead + rest[rest.index("{% endblock %}") :], encoding="utf-8")
    return open_environment(folder)


def _rendered_with(environment: RenderEnvironment, row: dict[str, Any]) -> None:
    render_message(row | {"template_hash": environment.library.hashes[row["template_id"]]}, environment)


def test_every_kind_has_its_wording_in_both_languages_and_both_channels() -> None:
    assert set(HASHES) == {
        f"{channel}/{language}/{kind}"
        for channel in ("email", "letter", "registered_letter")
        for language in ("nl", "en")
        for kind in KINDS
    }


@pytest.mark.parametrize("part", ["customer_part", "our_part", "otherwise"])
@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("channel", ["email", "letter"])
def test_a_confirmation_without_one_of_its_three_parts_is_not_sent(
    channel: str, language: str, part: str, tmp_path: Path
) -> None:
    broken = _without_block(tmp_path, f"shared/{language}/agreement_confirmation.j2", part)
    with pytest.raises(MandatoryContentMissing, match="the part that says"):
        _rendered_with(broken, _case(channel, language, "agreement_confirmation"))


def test_a_part_of_a_word_or_two_is_no_part(tmp_path: Path) -> None:
    broken = _without_block(tmp_path, "shared/en/agreement_confirmation.j2", "our_part", "We wait.")
    with pytest.raises(MandatoryContentMissing, match="what we do"):
        _rendered_with(broken, _case("email", "en", "agreement_confirmation"))


@pytest.mark.parametrize(("channel", "language", "kind"), CASES)
def test_a_particular_the_kind_is_about_refuses_the_message_when_it_is_not_known(
    channel: str, language: str, kind: str, environment: RenderEnvironment
) -> None:
    for name in KINDS[kind].particulars:
        with pytest.raises(MissingVariable, match=rf"particulars\.{name}"):
            render_message(_case(channel, language, kind, **{name: None}), environment)


@pytest.mark.parametrize(
    ("kind", "block", "lack"),
    [
        ("rebill_notice", "opening", "credit note number"),
        ("dispute_received", "opening", "disputed amount"),
        ("unplaced_money_request", "opening", "received amount"),
    ],
)
def test_what_a_kind_is_about_must_stand_in_the_finished_message(
    kind: str, block: str, lack: str, tmp_path: Path
) -> None:
    broken = _without_block(tmp_path, f"shared/en/{kind}.j2", block, "Dear reader.")
    with pytest.raises(MandatoryContentMissing, match=lack):
        _rendered_with(broken, _case("letter", "en", kind))


@pytest.mark.parametrize("channel", ["email", "letter"])
@pytest.mark.parametrize("kind", ["thank_you", "unplaced_money_request"])
def test_who_is_thanked_or_asked_is_shown_nothing_to_pay(
    channel: str, kind: str, environment: RenderEnvironment
) -> None:
    rendered = render_message(_case(channel, "en", kind), environment)
    text = " ".join(read_parts(rendered).values())
    assert not scan(rendered), "a code to pay by"
    assert "To pay" not in text
    assert "No later than" not in text


def test_a_message_that_asks_for_no_money_may_not_carry_a_claim(environment: RenderEnvironment) -> None:
    claim = item("2026-01102", date(2026, 11, 2), "100.00")
    row = occasion_row("email", "en", "thank_you", [claim], {"settled_amount": "100.00"})
    with pytest.raises(InvalidValue, match="only invoices that are paid"):
        render_message(row, environment)


def test_a_dispute_about_all_of_it_asks_nothing_and_one_about_a_part_asks_the_rest(
    environment: RenderEnvironment,
) -> None:
    part = " ".join(read_parts(render_message(_case("email", "en", "dispute_received"), environment)).values())
    whole = read_parts(render_message(_case("letter", "en", "dispute_received"), environment))["letter"]
    assert "€9,980.00, due on 27 November 2026" in " ".join(part.split()).replace("\u00a0", " ")
    assert "do not need to pay anything" in " ".join(whole.split())


def test_money_asked_without_a_day_to_pay_it_by_is_refused(environment: RenderEnvironment) -> None:
    with pytest.raises(MissingVariable, match="pay_by_on"):
        render_message(_case("email", "en", "dispute_received") | {"pay_by_on": None}, environment)


def _with_document(folder: Path) -> RenderEnvironment:
    document = render_message(golden_rows()["letter.nl.reminder_1"], open_environment(TEMPLATES)).content
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "invoice.pdf").write_bytes(document)
    (folder / "2026" / "notes.txt").write_text("no PDF", encoding="utf-8")
    return open_environment(TEMPLATES, documents=folder)


@pytest.mark.parametrize("channel", ["email", "letter"])
def test_an_invoice_that_did_not_arrive_goes_with_the_message(channel: str, tmp_path: Path) -> None:
    environment = _with_document(tmp_path / "documents")
    row = _case(channel, "en", "receipt_check", document_path="2026/invoice.pdf")
    rendered = render_message(row, environment)
    assert render_message(row, environment).content == rendered.content
    assert "enclosed with" in " ".join(" ".join(read_parts(rendered).values()).split())
    if channel == "letter":
        assert "Herinnering" in read_pdf(rendered.content)
        return
    (attached,) = [part for part in parse(rendered).walk() if part.get_content_type() == "application/pdf"]
    assert attached.get_filename() == "2026-01102.pdf"
    assert attached.get_content() == (tmp_path / "documents" / "2026" / "invoice.pdf").read_bytes()


def test_an_invoice_whose_document_is_not_there_is_told_without_it(tmp_path: Path) -> None:
    environment = _with_document(tmp_path / "documents")
    rendered = render_message(_case("email", "en", "receipt_check", document_path="2026/gone.pdf"), environment)
    assert "enclosed" not in " ".join(read_parts(rendered).values())


@pytest.mark.parametrize("path", ["../secret.pdf", "/etc/hostname", "2026/notes.txt"])
def test_a_document_from_elsewhere_or_of_another_kind_is_never_sent(path: str, tmp_path: Path) -> None:
    environment = _with_document(tmp_path / "documents")
    (tmp_path / "secret.pdf").write_bytes(b"%PDF-1.7 salaries")
    with pytest.raises(InvalidValue, match="document to send again"):
        render_message(_case("email", "en", "receipt_check", document_path=path), environment)
