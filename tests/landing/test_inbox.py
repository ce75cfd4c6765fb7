"""The inbox: only whole, plain files, in name order; what is not one of those is left or refused, never followed."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assets.landing import inbox as inbox_module
from assets.landing.inbox import complete_files, take_away
from assets.landing.quarantine import Refused, quarantine
from assets.problem import DataProblem


def names(folder: Path) -> list[str]:
    return [file.name for file in complete_files(folder)]


def test_files_come_in_name_order_with_their_content(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "A.csv"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    assert [(file.name, file.content) for file in complete_files(tmp_path)] == [
        ("A.csv", b"A.csv"),
        ("a.csv", b"a.csv"),
        ("b.csv", b"b.csv"),
    ]


@pytest.mark.parametrize(
    "name",
    [".hidden", ".~lock.invoices.csv#", "a.part", "a.csv.PART", "a.tmp", "a.partial", "a.filepart", "a.crdownload"],
)
def test_hidden_and_unfinished_files_are_left_where_they_are(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"half")
    assert names(tmp_path) == []
    assert (tmp_path / name).exists()


def test_a_missing_inbox_is_an_empty_one(tmp_path: Path) -> None:
    assert names(tmp_path / "nowhere") == []


def test_a_link_is_refused_and_what_it_points_to_is_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"wachtwoord")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "invoices.csv").symlink_to(secret)
    (file,) = complete_files(inbox)
    assert (file.refusal, file.content) == ("it is a symbolic link; put plain files into the inbox", b"")
    sha256 = quarantine(tmp_path / "quarantine", file, Refused("not_a_file", file.refusal))
    take_away(file)
    assert (tmp_path / "quarantine" / sha256).read_bytes() == os.fsencode(secret)
    assert secret.read_bytes() == b"wachtwoord"
    assert not (inbox / "invoices.csv").is_symlink()


def test_a_dangling_link_is_refused_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").symlink_to(tmp_path / "nothing")
    assert [file.refusal for file in complete_files(tmp_path)] == [
        "it is a symbolic link; put plain files into the inbox"
    ]


def test_a_file_too_large_is_refused_unread_but_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "LARGEST_FILE_BYTES", 10)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "fits.csv").write_bytes(b"0123456789")
    (inbox / "huge.csv").write_bytes(b"0123456789A")
    fits, huge = complete_files(inbox)
    assert (fits.refusal, fits.content) == ("", b"0123456789")
    assert (huge.refusal, huge.content) == ("it is larger than 10 bytes; deliver it in parts", b"")
    sha256 = quarantine(tmp_path / "quarantine", huge, Refused("not_a_file", huge.refusal))
    take_away(huge)
    assert (tmp_path / "quarantine" / sha256).read_bytes() == b"0123456789A"


def test_a_name_that_is_no_text_can_still_be_written_down(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    path = os.fsencode(inbox) + b"/factuur\xe9.csv"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
    (file,) = complete_files(inbox)
    assert file.name == "factuur\\xe9.csv"
    sha256 = quarantine(tmp_path / "quarantine", file, Refused("unknown_table", "which?"))
    reason = json.loads((tmp_path / "quarantine" / f"{sha256}.reason.json").read_text(encoding="utf-8"))
    assert reason["file"] == "factuur\\xe9.csv"
    take_away(file)
    assert names(inbox) == []


@contextmanager
def as_another_user() -> Iterator[None]:
    """As root every file can be read; as nobody it cannot."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_stops_with_its_name_and_what_to_do(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode | 0o011)
    inbox = tmp_path / "inbox"
    inbox.mkdir(mode=0o777)
    inbox.chmod(0o777)
    closed = inbox / "statement.xml"
    closed.write_bytes(b"<Document/>")
    closed.chmod(0)
    with as_another_user():
        if not os.access(inbox, os.R_OK | os.X_OK, effective_ids=True):
            pytest.skip("not tested: another user cannot reach the temporary folder here")
        with pytest.raises(DataProblem, match="cannot be read: Permission denied") as refusal:
            list(complete_files(inbox))
    assert str(closed) in refusal.value.where
    assert closed.exists()


def test_quarantine_keeps_the_file_and_says_why_beside_it(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "kapot.xml").write_bytes(b"<Document")
    (file,) = complete_files(inbox)
    folder = tmp_path / "quarantine"
    refused = Refused("malformed", "geen geldige XML: é", position="line 1", account_iban="NL91ABNA0417164300")
    sha256 = quarantine(folder, file, refused)
    assert json.loads((folder / f"{sha256}.reason.json").read_text(encoding="utf-8")) == {
        "file": "kapot.xml",
        "sha256": sha256,
        "code": "malformed",
        "message": "geen geldige XML: é",
        "position": "line 1",
        "account_iban": "NL91ABNA0417164300",
    }
    assert (folder / sha256).read_bytes() == b"<Document"
    assert sorted(path.name for path in folder.iterdir()) == [sha256, f"{sha256}.reason.json"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    before = (folder / f"{sha256}.reason.json").read_bytes()
    assert quarantine(folder, file, refused) == sha256, "the same file refused again is the same file"
    assert (folder / f"{sha256}.reason.json").read_bytes() == before


def test_the_same_bytes_refused_twice_keep_both_reasons(tmp_path: Path) -> None:
    inbox, folder = tmp_path / "inbox", tmp_path / "quarantine"
    inbox.mkdir()
    (inbox / "companies.csv").write_bytes(b"a;b")
    (inbox / "readme.txt").write_bytes(b"a;b")
    first, second = complete_files(inbox)
    sha256 = quarantine(folder, first, Refused("missing_column", "no company_id"))
    for _ in range(2):
        quarantine(folder, second, Refused("unknown_format", "no invoice"))
    reason = json.loads((folder / f"{sha256}.reason.json").read_text(encoding="utf-8"))
    assert (reason["file"], reason["code"]) == ("readme.txt", "unknown_format")
    assert [(earlier["file"], earlier["code"]) for earlier in reason["earlier"]] == [
        ("companies.csv", "missing_column")
    ]
