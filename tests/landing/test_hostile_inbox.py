"""Whatever lies in an inbox, the day does not hang, follows nothing, loses nothing, and says what it left."""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import socket
import stat
import zipfile
from pathlib import Path

import pytest

from assets.banking.landing import StatementsLanded, land_statements
from assets.billing.landing import land_files
from assets.landing import inbox as inbox_module
from assets.landing.archive import Archive
from assets.landing.inbox import FileChanged, complete_files, packed_as, take_away, waiting_files
from assets.landing.quarantine import Refused, quarantine
from assets.problem import DataProblem
from tests.banking.build import Payment, camt053, coda
from tests.landing.rooms import COMPANY, Rooms

PAID = camt053([Payment(12_345)])


@pytest.fixture
def bank(rooms: Rooms) -> Rooms:
    """A room that knows one company with a Dutch and a Belgian account."""
    rooms.put("billing", "companies.csv", COMPANY)
    land_files(rooms.run("setup"), rooms.room.billing_inbox)
    return rooms


def land(rooms: Rooms, run_id: str = "day") -> StatementsLanded:
    return land_statements(rooms.run(run_id), rooms.room.bank_inbox)


def refused(rooms: Rooms) -> list[tuple[object, ...]]:
    return rooms.rows("select original_name, code, message from raw.quarantined_files order by original_name")


def kept(rooms: Rooms) -> list[bytes]:
    return [path.read_bytes() for path in rooms.room.quarantine.iterdir() if path.suffix != ".json"]


def test_links_of_every_kind_are_refused_and_never_followed(bank: Rooms, tmp_path: Path) -> None:
    inbox = bank.room.bank_inbox
    secret = tmp_path / "secret.xml"
    secret.write_bytes(PAID)
    (inbox / "a-file.xml").symlink_to(secret)
    (inbox / "b-dangling.xml").symlink_to(tmp_path / "nothing")
    (inbox / "c-folder").symlink_to(tmp_path)
    (inbox / "d-loop").symlink_to(inbox / "d-loop")
    bank.put("bank", "e-good.xml", PAID)
    assert land(bank) == StatementsLanded(taken=1, duplicate=0, quarantined=4, statements=1, entries=1)
    assert {row[1:] for row in refused(bank)} == {
        ("not_a_file", "the file is not taken: it is a symbolic link; put plain files into the inbox")
    }
    assert sorted(kept(bank)) == sorted(
        os.fsencode(path) for path in (secret, tmp_path / "nothing", tmp_path, inbox / "d-loop")
    )
    assert list(inbox.iterdir()) == []
    assert secret.read_bytes() == PAID


def test_an_inbox_that_is_a_link_is_refused(bank: Rooms, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.xml").write_bytes(PAID)
    for target in (elsewhere, tmp_path / "nowhere", elsewhere / "a.xml"):
        link = tmp_path / f"inbox-of-{target.name}"
        link.symlink_to(target)
        with pytest.raises(DataProblem, match="the inbox is a symbolic link"):
            land_statements(bank.run("day"), link)
    with pytest.raises(DataProblem, match="the inbox is no folder"):
        land_statements(bank.run("day"), elsewhere / "a.xml")
    assert (elsewhere / "a.xml").exists()


def test_what_is_no_file_is_reported_and_nothing_waits_for_it(bank: Rooms) -> None:
    inbox = bank.room.bank_inbox
    os.mkfifo(inbox / "a-pipe.xml")
    with socket.socket(socket.AF_UNIX) as listening:
        # The path of a socket may be 107 bytes long at most.
        descriptor = os.open(inbox, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{descriptor}/b-socket.xml")
        os.close(descriptor)
    (inbox / "c-folder.xml").mkdir()
    (inbox / "c-folder.xml" / "statement.xml").write_bytes(PAID)
    bank.put("bank", "d-good.xml", PAID)
    assert land(bank) == StatementsLanded(taken=1, duplicate=0, quarantined=3, statements=1, entries=1)
    assert [(name, message) for name, _, message in refused(bank)] == [
        ("a-pipe.xml", "the file is not taken: it is a pipe; put plain files into the inbox"),
        ("b-socket.xml", "the file is not taken: it is a socket; put plain files into the inbox"),
        ("c-folder.xml", "the file is not taken: it is a folder; put plain files into the inbox"),
    ]
    assert [path.name for path in inbox.rglob("*")] == ["c-folder.xml", "statement.xml"], "nothing keeps what it holds"
    assert land(bank, "tomorrow").quarantined == 1, "it is reported until somebody takes it away"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a device")
def test_a_device_is_reported_and_never_opened(bank: Rooms) -> None:
    try:
        os.mknod(bank.room.bank_inbox / "zero.xml", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except OSError:
        pytest.skip("this machine lets nobody make a device")
    assert land(bank).quarantined == 1
    assert refused(bank)[0][2] == "the file is not taken: it is a device; put plain files into the inbox"


def test_a_pipe_put_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(PAID)
    (file,) = waiting_files(tmp_path)
    (tmp_path / "a.xml").unlink()
    os.mkfifo(tmp_path / "a.xml")
    with pytest.raises(FileChanged):
        list(file.pieces())
    assert Archive(tmp_path / "archive").receive(file) is None


@pytest.mark.parametrize("instead", ["a link", "another file", "nothing"])
def test_a_file_that_became_another_one_is_left_alone(tmp_path: Path, instead: str) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    path = inbox / "a.xml"
    path.write_bytes(PAID)
    (file,) = waiting_files(inbox)
    path.rename(tmp_path / "moved.xml")
    if instead == "a link":
        path.symlink_to(tmp_path / "moved.xml")
    elif instead == "another file":
        path.write_bytes(PAID[:-9])
    assert Archive(tmp_path / "archive").receive(file) is None
    take_away(file)
    assert path.is_symlink() or path.exists() or instead == "nothing"


def test_a_file_that_grows_while_it_is_read_waits_for_the_next_run(tmp_path: Path) -> None:
    inbox, archive = tmp_path / "inbox", Archive(tmp_path / "archive")
    inbox.mkdir()
    (inbox / "a.xml").write_bytes(b"x" * (inbox_module.PIECE_BYTES + 1))
    (file,) = waiting_files(inbox)
    pieces = file.pieces()
    next(pieces)
    with (inbox / "a.xml").open("ab") as writer:
        writer.write(b"and more")
    with pytest.raises(FileChanged, match="changed while it was read"):
        list(pieces)
    assert archive.receive(file) is None
    assert [path for path in archive.root.rglob("*") if path.is_file()] == []
    (again,) = waiting_files(inbox)
    received = archive.receive(again)
    assert received is not None
    assert received.size == inbox_module.PIECE_BYTES + 9


def test_a_file_deleted_while_it_is_read_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"x" * (inbox_module.PIECE_BYTES + 1))
    (file,) = waiting_files(tmp_path)
    pieces = file.pieces()
    next(pieces)
    (tmp_path / "a.xml").unlink()
    with pytest.raises(FileChanged):
        list(pieces)
    take_away(file)


def test_what_arrives_under_the_name_of_a_file_just_taken_stays(tmp_path: Path) -> None:
    path = tmp_path / "statement.xml"
    path.write_bytes(b"monday")
    (file,) = complete_files(tmp_path)
    aside = tmp_path / "statement.part"
    aside.write_bytes(b"tuesday")
    aside.rename(path)
    take_away(file)
    assert path.read_bytes() == b"tuesday"


def test_a_hard_link_is_a_file_and_its_other_name_is_left_alone(bank: Rooms, tmp_path: Path) -> None:
    other = tmp_path / "other.xml"
    other.write_bytes(PAID)
    os.link(other, bank.room.bank_inbox / "statement.xml")
    assert land(bank).taken == 1
    assert other.read_bytes() == PAID
    (sha256,) = bank.rows("select distinct file_sha256 from raw.bank_entries")[0]
    other.write_bytes(b"changed by its other name")
    assert bank.room.archive.get(str(sha256)) == PAID, "what is kept is our own copy"


def test_names_cannot_break_a_line_turn_a_text_or_leave_the_inbox(bank: Rooms) -> None:
    names = {
        "a\nb.xml": "a\\nb.xml",
        "c\u202exml.exe": "c\\u202exml.exe",
        "d\x1b[2J.xml": "d\\x1b[2J.xml",
        "e" * 255: "e" * 255,
        "f..\\..\\x.xml": "f..\\..\\x.xml",
        "g é.xml": "g é.xml",
    }
    for number, name in enumerate(names):
        bank.put("bank", name, camt053([Payment(number + 1)]))
    (bank.room.bank_inbox / os.fsdecode(b"h\xe9.xml")).write_bytes(b"Beste boekhouding")
    assert land(bank) == StatementsLanded(6, 0, 1, 6, 6)
    assert sorted(name for _, name, _ in bank.sources()[1:]) == sorted([*names.values(), "h\\xe9.xml"])
    (reason,) = bank.room.quarantine.glob("*.reason.json")
    assert json.loads(reason.read_text(encoding="utf-8"))["file"] == "h\\xe9.xml"
    assert list(bank.room.bank_inbox.iterdir()) == []


def zipped(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped("statement.xml", PAID), "a zip archive"),
        (zipped("../../../etc/cron.d/evil", PAID), "a zip archive"),
        (zipped("bomb.xml", b"\0" * 10_000_000), "a zip archive"),
        (gzip.compress(PAID), "a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "a 7z archive"),
        (b"statement.xml".ljust(257, b"\0") + b"ustar\0", "a tar archive"),
    ],
    ids=["zip", "zip with a path", "zip bomb", "gzip", "7z", "tar"],
)
def test_an_archive_is_never_unpacked_whatever_its_name(bank: Rooms, content: bytes, words: str) -> None:
    bank.put("bank", "statement.xml", content)
    bank.put("bank", "z-good.cod", coda([Payment(100)]))
    assert land(bank) == StatementsLanded(1, 0, 1, 1, 1)
    ((name, code, message),) = refused(bank)
    assert (name, code) == ("statement.xml", "archive_file")
    assert words in str(message)
    assert "unpack it first" in str(message)
    assert kept(bank) == [content]


def test_a_statement_called_zip_is_a_statement(bank: Rooms) -> None:
    bank.put("bank", "statement.zip", PAID)
    assert land(bank).taken == 1
    assert packed_as(PAID[:512]) is None
    assert packed_as(b"") is None


def test_files_that_differ_only_in_case_are_two_files(bank: Rooms) -> None:
    bank.put("bank", "Statement.XML", camt053([Payment(1)]))
    bank.put("bank", "statement.xml", camt053([Payment(2)]))
    assert land(bank) == StatementsLanded(2, 0, 0, 2, 2)


def test_the_same_refused_bytes_twice_are_refused_twice_each_under_its_name(bank: Rooms) -> None:
    bank.put("bank", "a.txt", b"Beste boekhouding,\n")
    bank.put("bank", "b.txt", b"Beste boekhouding,\n")
    assert land(bank).quarantined == 2
    assert [name for name, _, _ in refused(bank)] == ["a.txt", "b.txt"]


def test_a_file_too_large_is_quarantined_in_pieces(bank: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module.waiting_files, "__kwdefaults__", {"largest": 100})
    bank.put("bank", "a.xml", PAID)
    assert land(bank).quarantined == 1
    assert refused(bank)[0][2] == "the file is not taken: it is larger than 100 bytes; deliver it in parts"
    assert kept(bank) == [PAID]
    assert list(bank.room.bank_inbox.iterdir()) == []


def test_a_file_still_being_written_and_too_large_is_not_lost(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.xml").write_bytes(b"0123456789A")
    (file,) = waiting_files(inbox, largest=10)
    with (inbox / "a.xml").open("ab") as writer:
        writer.write(b"more")
    with pytest.raises(FileChanged):
        quarantine(tmp_path / "quarantine", file, Refused("not_a_file", file.refusal))
    take_away(file)
    assert (inbox / "a.xml").read_bytes() == b"0123456789Amore"


def test_what_a_run_that_died_left_behind_is_swept_up(bank: Rooms) -> None:
    left = bank.room.archive.root / ".incoming" / "half"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"half a file")
    spool = bank.root / "spool" / "0123"
    spool.mkdir(parents=True)
    (spool / "entries.arrow").write_bytes(b"half")
    bank.put("bank", "a.xml", PAID)
    assert land(bank).taken == 1
    assert not left.exists()
    assert not (bank.root / "spool").exists()


def test_a_disk_that_is_full_is_said_and_nothing_is_lost(bank: Rooms) -> None:
    bank.put("bank", "a.xml", camt053([Payment(number + 1) for number in range(400)]))
    landing = bank.run("day")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(DataProblem, match="no room left") as problem:
            land_statements(landing, bank.room.bank_inbox)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "make room" in problem.value.what_to_do
    assert [path.name for path in bank.room.bank_inbox.iterdir()] == ["a.xml"]
    assert [path for path in bank.room.archive.root.rglob("*") if path.name.startswith("tmp")] == []
    assert land(bank, "again") == StatementsLanded(1, 0, 0, 1, 400)
