"""The archive: the same bytes once, never overwritten, never handed out changed."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from assets.landing.archive import Archive
from assets.landing.inbox import waiting_files
from assets.problem import DataProblem


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_content_is_found_by_its_hash(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    sha256 = archive.put(b"inhoud")
    assert sha256 == hashlib.sha256(b"inhoud").hexdigest()
    assert archive.get(sha256) == b"inhoud"
    assert archive.has(sha256)
    assert not archive.has("0" * 64)


def test_the_same_bytes_are_kept_once_and_left_alone(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    first = archive.put(b"inhoud")
    before = archive.path_of(first).stat()
    assert archive.put(b"inhoud") == first
    after = archive.path_of(first).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [archive.path_of(first)]


def test_an_empty_file_is_content_too(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    assert archive.get(archive.put(b"")) == b""


def test_files_are_read_only_and_folders_their_owners(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    path = archive.path_of(archive.put(b"inhoud"))
    assert mode(path) == 0o400
    assert mode(path.parent) == 0o700


def test_changed_content_is_detected(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    path = archive.path_of(archive.put(b"1000,00"))
    path.chmod(0o600)
    path.write_bytes(b"9000,00")
    with pytest.raises(DataProblem, match="was changed") as refusal:
        archive.get(path.name)
    assert str(path) in refusal.value.where
    assert "backup" in refusal.value.what_to_do


def test_missing_content_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(DataProblem, match="missing"):
        Archive(tmp_path).get("0" * 64)


def test_a_file_is_kept_in_pieces_as_its_bytes_are(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    content = b"regel\n" * 400_000
    (tmp_path / "file").write_bytes(content)
    sha256 = archive.put_file(tmp_path / "file")
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert archive.put(content) == sha256
    assert archive.get(sha256) == content
    assert archive.verified(sha256) == archive.path_of(sha256)
    assert (tmp_path / "file").exists()
    assert [path for path in archive.root.rglob("*") if path.is_file()] == [archive.path_of(sha256)]


def test_a_received_file_is_in_the_archive_only_when_it_is_kept(tmp_path: Path) -> None:
    inbox, archive = tmp_path / "inbox", Archive(tmp_path / "archive")
    inbox.mkdir()
    (inbox / "a.xml").write_bytes(b"inhoud")
    (file,) = waiting_files(inbox)
    received = archive.receive(file)
    assert received is not None
    assert not archive.has(received.sha256)
    assert mode(received.path) == 0o400
    archive.keep(received)
    assert archive.get(received.sha256) == b"inhoud"
    again = archive.receive(file)
    assert again is not None
    archive.drop(again)
    assert [path for path in archive.root.rglob("*") if path.is_file()] == [archive.path_of(received.sha256)]
