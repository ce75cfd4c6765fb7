"""The end of the road: a completed track, a hand-over with its dossier, money that still comes in, and the case given back."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import select as select_rows

from assets.handover import make
from assets.handover.make import make_dossiers
from assets.landing.warehouse import reading as reading_warehouse
from assets.operations.runs import read_run
from assets.operations.store import reading, writing
from assets.operations.tables import audit_event, handover_dossier, run_control
from orchestration.home import Home
from orchestration.installation import open_installation
from orchestration.mailroom import open_handover_room
from tests.end_to_end.conftest import answer
from tests.end_to_end.published import select
from tests.end_to_end.small import COMPANY, CUSTOMERS, TURNOVER, Payment, camt, invoice, write_csv

Tijdig = Callable[..., Result]

THURSDAY, FRIDAY, MONDAY, TUESDAY = (date(2026, 11, day) for day in (12, 13, 16, 17))
NUMBERS = ("2026-0001", "2026-0002")


def record(tijdig: Tijdig, home: Home, kind: str, *fields: str) -> dict[str, object]:
    result = tijdig("record", kind, "--company", "VB", "--by", "M. Visser", "--json", *fields, home=home)
    assert result.exit_code == 0, result.output
    return answer(result)


def decisions(home: Home) -> dict[str, tuple[str, str]]:
    rows = select(home, "select invoice_id, action, reason_code from dunning.dunning_decisions")
    return {invoice_id: (action, reason) for invoice_id, action, reason in rows}


def tasks(home: Home, *statuses: str) -> set[tuple[str, str | None]]:
    rows = select(home, "select task_kind, invoice_id, status from tasks.tasks where customer_id = 'K1'")
    return {(kind, invoice_id) for kind, invoice_id, status in rows if status in statuses}


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """A home whose first customer went through the whole track in the earlier system, handed over on Friday, run on Monday."""
    from click.testing import CliRunner

    from orchestration.cli import cli

    def call(*arguments: str, home: Home) -> Result:
        return CliRunner().invoke(cli, [*arguments, "--home", str(home.root)], catch_exceptions=False)

    home = Home(tmp_path_factory.mktemp("handover") / "home")
    assert call("init", home=home).exit_code == 0
    folder = home.root / "documents"
    folder.mkdir()
    (folder / "0002.pdf").write_bytes(b"%PDF-1.7 invoice 2")
    with home.settings_file.open("a", encoding="utf-8") as settings:
        settings.write(f'\n[handover]\ndocuments = "{folder}"\n')
    write_csv(home.billing_inbox, "companies", [COMPANY])
    write_csv(home.billing_inbox, "customers", CUSTOMERS)
    write_csv(
        home.billing_inbox,
        "invoices",
        [
            invoice("2026-0001", "K1", "2026-06-01", "2026-07-01", "1500.00"),
            invoice("2026-0002", "K1", "2026-06-08", "2026-07-08", "1000.00", document_path="0002.pdf"),
            invoice(
                "CN-1",
                "K1",
                "2026-07-02",
                "2026-07-02",
                "200.00",
                kind="credit_note",
                credits_invoice_number="2026-0001",
            ),
            invoice("2026-0003", "K2", "2026-06-08", "2026-07-08", "700.00"),
            TURNOVER,
        ],
    )
    write_csv(
        home.billing_inbox,
        "opening_stages",
        [
            {"company_id": "VB", "invoice_id": number, "stage_no": "4", "dispatched_on": "2026-09-01", "channel": "registered_letter"}
            for number in NUMBERS
        ],
    )  # fmt: skip
    (home.bank_inbox / "thursday.xml").write_bytes(camt(THURSDAY, "1200.00", []))
    assert call("run", "--date", FRIDAY.isoformat(), "--json", home=home).exit_code in (0, 4)
    assert decisions(home)["2026-0001"] == ("task", "track_completed")
    assert {("handover_decision", number) for number in NUMBERS} <= tasks(home, "open")
    record(call, home, "contact_logged", "--customer", "K1", "--note", "asked for the terms of the agency")
    event = record(
        call, home, "handed_over", "--customer", "K1", "--invoices", ";".join(NUMBERS), "--agency", "De Brug",
        "--fee-basis", "paid_on_success", "--success-fee-percent", "15.00",
    )  # fmt: skip
    (home.bank_inbox / "friday.xml").write_bytes(camt(FRIDAY, "1200.00", []))
    assert call("run", "--date", MONDAY.isoformat(), "--json", home=home).exit_code in (0, 4)
    return home, str(event["event_id"])


@pytest.fixture
def copied(handed_over: tuple[Home, str], tmp_path: Path) -> tuple[Home, str]:
    root = tmp_path / "home"
    shutil.copytree(handed_over[0].root, root, symlinks=True)
    settings = root / "tijdig.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace(str(handed_over[0].root), str(root)), encoding="utf-8"
    )
    return Home(root), handed_over[1]


def test_what_is_handed_over_is_left_alone_and_has_its_dossier(handed_over: tuple[Home, str]) -> None:
    home, handover_id = handed_over
    assert {decisions(home)[number] for number in NUMBERS} == {("done", "handed_over")}
    assert tasks(home, "open", "waiting") == set()
    assert select(home, "select customer_id from communications.communications_due where customer_id = 'K1'") == []
    ((status, fee, costs),) = select(home, "select status, success_fee_percent, costs_amount from dunning.handovers")
    assert (status, str(fee), str(costs)) == ("handed_over", "15.00", "345.00")
    folder = home.outbox / MONDAY.isoformat() / handover_id
    assert set(hashes(folder)) == {"dossier.json", "dossier.pdf", "documents/002-2026-0002.pdf"}
    document = json.loads((folder / "dossier.json").read_text(encoding="utf-8"))
    first, second = document["invoices"]
    assert (first["open_amount"], second["open_amount"]) == ("1300.00", "1000.00")
    assert [(row["kind"], row["amount"], row["reference"]) for row in first["ledger"]] == [
        ("credit_note", "200.00", "CN-1")
    ]
    assert second["ledger"] == []
    assert document["claims"][0]["principal_amount"] == "2300.00"
    assert sum(int(row["days"]) for row in first["interest"]) == (MONDAY - date(2026, 7, 1)).days
    assert [event["kind"] for event in document["correspondence"]] == ["contact_logged", "handed_over"]
    assert document["claims"][0]["law"] == "NL"


def test_the_journal_holds_the_hash_of_every_file(handed_over: tuple[Home, str]) -> None:
    home, handover_id = handed_over
    installation = open_installation(home)
    with reading(installation.store) as store:
        row = store.execute(select_rows(handover_dossier)).one()
        entries = (
            store.execute(select_rows(audit_event.c.subject_refs).where(audit_event.c.type == "handover_dossier"))
            .scalars()
            .all()
        )
    installation.store.dispose()
    assert json.loads(row.files) == hashes(home.outbox / MONDAY.isoformat() / handover_id)
    assert row.written_at is not None
    assert len(entries) == 1
    assert f"handover:{handover_id}" in entries[0]


def test_the_same_day_again_makes_no_second_dossier_and_a_payment_is_told_to_the_agency(
    copied: tuple[Home, str], tijdig: Tijdig
) -> None:
    home, handover_id = copied
    folder = home.outbox / MONDAY.isoformat() / handover_id
    before = hashes(folder)
    record(tijdig, home, "agency_status", "--customer", "K1", "--status", "returned", "--invoices", "2026-0002",
           "--handover-id", handover_id, "--reference", "DB-17")  # fmt: skip
    (home.bank_inbox / "monday.xml").write_bytes(camt(MONDAY, "1200.00", [Payment("1300.00", "betaling 2026-0001")]))
    assert tijdig("run", "--date", TUESDAY.isoformat(), "--json", home=home).exit_code in (0, 4)
    assert hashes(folder) == before
    assert not (home.outbox / TUESDAY.isoformat() / handover_id).exists()
    # What came back is in its own track again, at the stage where it stood.
    assert decisions(home)["2026-0002"] == ("task", "track_completed")
    assert ("handover_decision", "2026-0002") in tasks(home, "open")
    # What was paid here after the hand-over is told to the agency, not chased.
    assert ("agency_update", None) in tasks(home, "open")
    assert select(home, "select status, is_with_agency from dunning.handover_items where invoice_id = '2026-0002'") == [
        ("returned", False)
    ]


class Crash(BaseException):
    """A power cut: nothing that catches errors catches this."""


# The record in the store, then three files: each has a moment before and a moment after it.
@pytest.mark.parametrize("moment", range(1, 9))
def test_a_crash_at_any_moment_leaves_one_whole_dossier(
    copied: tuple[Home, str], monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    home, handover_id = copied
    folder = home.outbox / MONDAY.isoformat() / handover_id
    whole = hashes(folder)
    shutil.rmtree(folder)
    installation = open_installation(home)
    with writing(installation.store) as store:
        store.execute(handover_dossier.delete())
        run_id = store.execute(select_rows(run_control.c.last_run_id)).scalar_one()
    with reading(installation.store) as store:
        run = read_run(store, run_id)
    room = open_handover_room(installation)
    moments = iter(range(1, 99))

    def interrupted(act: Callable[..., object]) -> Callable[..., object]:
        def acted(*arguments: object) -> object:
            if next(moments) == moment:
                raise Crash
            outcome = act(*arguments)
            if next(moments) == moment:
                raise Crash
            return outcome

        return acted

    with reading_warehouse(home.warehouse) as warehouse:
        with monkeypatch.context() as patched:
            patched.setattr(make, "_record", interrupted(make._record))
            patched.setattr(make.os, "replace", interrupted(os.replace))
            with pytest.raises(Crash):
                make_dossiers(room, warehouse, run)
        make_dossiers(room, warehouse, run)
        assert make_dossiers(room, warehouse, run) == make.Made((), ())
    assert hashes(folder) == whole
    with reading(installation.store) as store:
        assert json.loads(store.execute(select_rows(handover_dossier)).one().files) == whole
        entries = store.execute(select_rows(audit_event).where(audit_event.c.type == "handover_dossier")).all()
    installation.store.dispose()
    # That of the making this test undid, and one more: a crash inside the transaction left none.
    assert len(entries) == 2
