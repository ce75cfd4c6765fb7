"""What a dossier says, to the byte; and what it encloses, and refuses to."""

import json
import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from assets.handover.dossier import dossier_json, write_dossier
from assets.handover.enclosures import MAX_DOCUMENT_BYTES, enclose, safe
from assets.handover.paper import dossier_pdf
from assets.landing.archive import Archive
from tests.handover.cases import AS_OF, FORMAL, GOLDEN, TEMPLATES, enclosed, facts
from tests.handover.golden_files import read_pdf, readings


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.iterdir()))
def test_the_dossier_reads_as_it_was_approved(name: str) -> None:
    assert readings()[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_equal_facts_give_equal_bytes() -> None:
    first, second = (write_dossier(facts(), enclosed(), AS_OF, is_rehearsal=False) for _ in range(2))
    assert dossier_json(first) == dossier_json(second)
    assert dossier_pdf(first, TEMPLATES, "nl") == dossier_pdf(second, TEMPLATES, "nl")


def test_a_receipt_stands_with_its_letter_and_each_field_as_it_was_said_last() -> None:
    document = json.loads(dossier_json(write_dossier(facts(), enclosed(), AS_OF, is_rehearsal=False)))
    reminder, formal = document["messages"]
    assert formal["communication_id"] == FORMAL
    assert formal["registered"] == {
        "posted_on": "2026-11-03",
        "tracking_number": "RR123456785NL",
        "received_on": "2026-11-05",
    }
    assert reminder["registered"] is None


def test_the_claim_is_principal_interest_and_costs() -> None:
    document = write_dossier(facts(), enclosed(), AS_OF, is_rehearsal=False)
    assert document["claims"][0]["total_amount"] == Decimal("2900.68")
    without_scale = facts(handovers=[{**facts().handovers[0], "costs_amount": None}])
    assert write_dossier(without_scale, enclosed(), AS_OF, is_rehearsal=False)["claims"][0]["total_amount"] == Decimal(
        "2525.68"
    )


def test_what_a_provisional_rate_gives_is_marked() -> None:
    segment = {**facts().interest[0], "is_provisional": True}
    text = read_pdf(
        dossier_pdf(write_dossier(facts(interest=[segment]), enclosed(), AS_OF, is_rehearsal=False), TEMPLATES, "en")
    )
    assert "26.07 *" in text
    assert "* Provisional: the rate of that half-year was not published yet" in " ".join(text.split())


def test_a_rehearsal_says_so() -> None:
    text = read_pdf(dossier_pdf(write_dossier(facts(), enclosed(), AS_OF, is_rehearsal=True), TEMPLATES, "en"))
    assert "Made in a rehearsal" in text


def test_a_name_no_font_can_draw_does_not_stop_the_dossier() -> None:
    debtor = {**facts().debtor, "name": "東京 Handel"}
    document = write_dossier(facts(debtor=debtor), enclosed(), AS_OF, is_rehearsal=False)
    assert "Handel" in read_pdf(dossier_pdf(document, TEMPLATES, "en"))
    assert json.loads(dossier_json(document))["debtor"]["name"] == "東京 Handel"


def test_a_float_never_enters_a_dossier() -> None:
    with pytest.raises(TypeError, match=r"0\.1"):
        dossier_json({"amount": 0.1})


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "0117.pdf").write_bytes(b"%PDF-1.7 invoice")
    (tmp_path / "secret.txt").write_text("not for an agency", encoding="utf-8")
    return folder


def _invoice(path: str) -> dict[str, object]:
    return {"invoice_id": "F", "invoice_number": "2026-0117", "document_path": path}


def test_the_document_of_an_invoice_is_enclosed_byte_for_byte(archive: Archive, documents: Path) -> None:
    result = enclose([_invoice("2026/0117.pdf")], [], [], archive, documents)
    (file,) = result.files
    assert file.name == "documents/001-2026-0117.pdf"
    assert archive.get(file.sha256) == b"%PDF-1.7 invoice"
    assert result.of_invoices["F"][0]["file"] == file.name


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../secret.txt", "outside the folder"),
        ("/etc/passwd", "outside the folder"),
        ("2026/absent.pdf", "no such file"),
        ("2026", "no plain file"),
        ("link.pdf", "outside the folder"),
        ("pipe.pdf", "no plain file"),
        ("large.pdf", "larger than"),
    ],
)
def test_what_is_no_document_is_named_and_not_read(archive: Archive, documents: Path, path: str, why: str) -> None:
    (documents / "link.pdf").symlink_to(documents.parent / "secret.txt")
    os.mkfifo(documents / "pipe.pdf")
    with (documents / "large.pdf").open("wb") as file:
        file.truncate(MAX_DOCUMENT_BYTES + 1)
    result = enclose([_invoice(path)], [], [], archive, documents)
    assert result.files == ()
    assert why in result.of_invoices["F"][0]["missing"]
    assert result.of_invoices["F"][0]["named"] == path


def test_without_a_folder_of_documents_they_are_named(archive: Archive) -> None:
    result = enclose([_invoice("2026/0117.pdf")], [], [], archive, None)
    assert "[handover] documents" in result.of_invoices["F"][0]["missing"]


def test_a_body_that_was_lost_or_changed_is_said_and_the_rest_goes_on(archive: Archive) -> None:
    kept, changed = archive.put(b"%PDF- letter"), archive.put(b"mail")
    archive.path_of(changed).chmod(0o600)
    archive.path_of(changed).write_bytes(b"forged")
    messages = [
        {"communication_id": name, "sent_on": date(2026, 11, 2), "message_kind": "reminder_1", "extension": "pdf", "body_sha256": sha256}
        for name, sha256 in (("a", kept), ("b", changed), ("c", "0" * 64))
    ]  # fmt: skip
    result = enclose([], [], messages, archive, None)
    assert [file.name for file in result.files] == ["messages/2026-11-02-reminder_1-a.pdf"]
    assert result.of_messages["b"]["missing"] == "an archived file was changed"
    assert result.of_messages["c"]["missing"] == "an archived file is missing"


def test_an_invoice_that_arrived_as_a_document_is_enclosed_from_the_archive(archive: Archive) -> None:
    sha256 = archive.put(b"<?xml version='1.0'?><Invoice/>")
    row = {"invoice_id": "F", "invoice_number": "2026/01", "document_path": None}
    result = enclose([row], [{"invoice_number": "2026/01", "source_sha256": sha256}], [], archive, None)
    assert [file.name for file in result.files] == ["documents/001-2026_01.xml"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("2026-0117", "2026-0117"), ("../../x", "_.._x"), ("a\x00b\u202ec", "a_b_c"), ("...", "_"), ("x" * 99, "x" * 60)],
)
def test_no_number_can_leave_the_folder(text: str, name: str) -> None:
    assert safe(text) == name
