"""Kill the dispatcher at its first effect, its second, its third... until it gets through; then recover, and count.

An effect is anything the outside or the disk can see: a database commit, a socket write, an fsync, a rename, a removal.
Every effect is a kill point twice: just before it and just after it. The process dies by os._exit, without any clean-up.
Afterwards no message may have left twice, and none may rest in a state that nobody will ever look at.
"""

from __future__ import annotations

import os
import shutil
import smtplib
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from assets.audit.verify import OK, verify
from assets.communications.channels import LoopbackEndpoint, Outgoing, Presence, SmtpChannel, Transport
from assets.communications.dispatch import unsettled
from assets.communications.transitions import TERMINAL_STATES, WAITING_FOR_A_PERSON
from assets.operations.store import migrate, open_store
from tests.dispatch.support import QUICK, Catcher, Home, message
from tests.operations.stores import ManualClock

Record = Callable[[str, object], None]

KILLED = 77
CLEAN = 0


class Effects:
    """Counts effects in this process, and ends it at the n-th kill point."""

    def __init__(self, fatal: int, log: Path) -> None:
        self._fatal = fatal
        self._log = log
        self._passed = 0

    def install(self, engine: Engine) -> None:
        self._wrap(engine.dialect, "do_commit", "commit")
        self._wrap(os, "replace", "rename")
        self._wrap(os, "fsync", "fsync")
        self._wrap(os, "unlink", "unlink")
        self._wrap(socket.socket, "sendall", "send")

    def _wrap(self, owner: Any, name: str, kind: str) -> None:
        inner = getattr(owner, name)

        def effect(*arguments: Any, **named: Any) -> Any:
            self._point(f"before {kind}")
            result = inner(*arguments, **named)
            self._point(f"after {kind}")
            return result

        setattr(owner, name, effect)

    def _point(self, what: str) -> None:
        self._passed += 1
        if self._passed == self._fatal:
            self._log.write_text(what, encoding="ascii")
            os._exit(KILLED)


def in_child(work: Callable[[], None]) -> int:
    """Run `work` in a forked process that ends without clean-up; returns its exit status."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 1
    try:
        work()
        status = CLEAN
    finally:
        os._exit(status)


class Trial:
    """One home with a formal and a friendly message, whose dispatcher will be killed."""

    def __init__(self, template: Path, folder: Path, clock: ManualClock) -> None:
        shutil.copytree(template, folder)
        self.folder = folder
        self.clock = clock

    def open(self) -> Home:
        return Home(open_store(f"sqlite:///{self.folder / 'operations.db'}"), self.clock, self.folder)

    def kill_at(self, point: int, work: Callable[[Home], None]) -> tuple[int, str]:
        """Do `work` in a child that dies at kill point `point`: (exit status, where it died)."""
        log = self.folder / "killed"

        def doomed() -> None:
            home = self.open()
            Effects(point, log).install(home.engine)
            work(home)

        status = in_child(doomed)
        return status, log.read_text(encoding="ascii") if log.exists() else ""


def template_home(folder: Path, clock: ManualClock, recipients: str = "customer.test") -> list[str]:
    """A home with an approved formal and an approved friendly message; returns their ids."""
    folder.mkdir()
    engine = open_store(f"sqlite:///{folder / 'operations.db'}")
    migrate(engine, clock)
    messages = [
        message("K1", formal=True, release=False, recipient=f"k1@{recipients}"),
        message("K2", recipient=f"k2@{recipients}"),
    ]
    Home(engine, clock, folder).plan(*messages)
    engine.dispose()  # closes the last connection, so the write-ahead log is folded into the file that trials copy
    return [rendered.communication_id for rendered in messages]


def settle(trial: Trial, transport: Callable[[Home], Transport]) -> dict[str, str]:
    """What the next run does: recover, then dispatch. Returns the states in which messages rest."""
    home = trial.open()
    home.recover(transport(home), holds_home_lock=True)
    home.dispatch(transport(home))
    states = home.states()
    assert unsettled(home.engine) == {}
    assert all(state in (*TERMINAL_STATES, *WAITING_FOR_A_PERSON) for state in states.values()), states
    journal = verify(home.engine)
    assert journal.exit_code == OK, journal.message
    home.engine.dispose()
    return states


def sweep(
    tmp_path: Path,
    template: Path,
    clock: ManualClock,
    work: Callable[[Home], None],
    after: Callable[[Trial, str], None],
) -> Counter[str]:
    """Kill `work` at every point in turn and run `after` on what is left; returns the points that were hit, by kind."""
    points: Counter[str] = Counter()
    for point in range(1, 1000):
        trial = Trial(template, tmp_path / f"trial-{point}", clock)
        status, where = trial.kill_at(point, work)
        if status == CLEAN:
            return points
        assert status == KILLED, f"the dispatcher failed by itself at point {point}"
        points[where] += 1
        after(trial, where)
        shutil.rmtree(trial.folder)
    raise AssertionError("the dispatcher never got through")


KINDS = {f"{when} {kind}" for when in ("before", "after") for kind in ("commit", "fsync", "rename")}


def test_files_are_written_once_wherever_the_dispatcher_dies(
    tmp_path: Path, clock: ManualClock, record_property: Record
):
    ids = template_home(tmp_path / "template", clock)

    def check(trial: Trial, where: str) -> None:
        assert set(settle(trial, Home.file_transport).values()) == {"sent"}, where
        files = trial.open().files()
        assert sorted(files) == sorted(f"{key}.eml" for key in ids), f"{where}: {list(files)}"

    points = sweep(tmp_path, tmp_path / "template", clock, lambda home: _dispatch_files(home), check)
    record_property("kill points", dict(points))
    assert set(points) >= KINDS, "a kind of effect was never reached"
    assert points.total() >= 30


def test_mail_leaves_at_most_once_wherever_the_dispatcher_dies(
    tmp_path: Path, clock: ManualClock, catcher: Catcher, record_property: Record
):
    """Nobody can ask this server what it has. A formal message may then rest in doubt, a friendly one be closed as unknown."""
    formal, friendly = template_home(tmp_path / "template", clock)
    outcomes: Counter[str] = Counter()
    seen = {"kept": 0}

    def check(trial: Trial, where: str) -> None:
        _let_the_server_finish(catcher)
        states = settle(trial, lambda home: catcher.transport())
        kept = Counter(mail["message_id"][1:27] for mail in catcher.kept()[seen["kept"] :])
        seen["kept"] = len(catcher.kept())
        for key, doubt in ((formal, "in_doubt"), (friendly, "closed_unknown")):
            assert kept[key] <= 1, f"{where}: sent twice"
            assert states[key] in ("sent", doubt), f"{where}: {states}"
            if states[key] == "sent":
                assert kept[key] == 1, f"{where}: called sent, never arrived"
            outcomes[f"{states[key]}, {'arrived' if kept[key] else 'not arrived'}"] += 1

    points = sweep(tmp_path, tmp_path / "template", clock, lambda home: _dispatch_mail(home, catcher), check)
    record_property("kill points", dict(points))
    record_property("outcomes", dict(outcomes))
    assert set(points) >= {"before send", "after send", "before commit", "after commit"}
    assert points.total() >= 38
    assert outcomes["in_doubt, arrived"] + outcomes["in_doubt, not arrived"] > 0, "the sweep never hit the window"


def test_a_server_that_can_be_asked_leaves_no_doubt(
    tmp_path: Path, clock: ManualClock, catcher: Catcher, record_property: Record
):
    ids = template_home(tmp_path / "template", clock)
    seen = {"kept": 0}

    def search(outgoing: Outgoing) -> Presence:
        arrived = Counter(mail["message_id"][1:27] for mail in catcher.kept()[seen["kept"] :])
        return Presence.PRESENT if arrived[outgoing.communication_id] else Presence.ABSENT

    def transport(home: Home) -> Transport:
        return Transport({"email": SmtpChannel(LoopbackEndpoint("127.0.0.1", catcher.port), QUICK, search)})

    def check(trial: Trial, where: str) -> None:
        # The server may still be busy with the bytes of the dead process: a real search is asked later than this.
        _let_the_server_finish(catcher)
        states = settle(trial, transport)
        arrived = Counter(mail["message_id"][1:27] for mail in catcher.kept()[seen["kept"] :])
        seen["kept"] = len(catcher.kept())
        assert set(states.values()) == {"sent"}, f"{where}: {states}"
        assert arrived == Counter(ids), f"{where}: {arrived}"

    points = sweep(tmp_path, tmp_path / "template", clock, lambda home: _dispatch_mail(home, catcher), check)
    record_property("kill points", dict(points))


def test_recovery_itself_may_be_killed_too(tmp_path: Path, clock: ManualClock, record_property: Record):
    """Left behind: one message whose file was written but not recorded, and one claimed and not begun."""
    template = tmp_path / "template"
    ids = template_home(template, clock)
    first = Trial(template, tmp_path / "cut-short", clock)
    for point in range(1, 1000):
        shutil.rmtree(first.folder)
        first = Trial(template, tmp_path / "cut-short", clock)
        status, where = first.kill_at(point, _dispatch_files)
        assert status == KILLED
        if where == "after rename":
            break

    def check(trial: Trial, where: str) -> None:
        assert set(settle(trial, Home.file_transport).values()) == {"sent"}, where
        assert sorted(trial.open().files()) == sorted(f"{key}.eml" for key in ids), where

    def work(home: Home) -> None:
        home.recover(holds_home_lock=True)
        _dispatch_files(home)

    points = sweep(tmp_path, first.folder, clock, work, check)
    record_property("kill points", dict(points))
    assert points.total() >= 20


def test_planning_is_all_or_nothing_wherever_it_dies(tmp_path: Path, clock: ManualClock, record_property: Record):
    template = tmp_path / "template"
    template.mkdir()
    engine = open_store(f"sqlite:///{template / 'operations.db'}")
    migrate(engine, clock)
    engine.dispose()
    engine = open_store(f"sqlite:///{template / 'operations.db'}")
    day = Home(engine, clock, template).begin()
    engine.dispose()
    messages = [message("K1"), message("K2", formal=True)]

    def work(home: Home) -> None:
        home.plan(*messages, run=day)

    def check(trial: Trial, where: str) -> None:
        home = trial.open()
        assert len(home.states()) in (0, 2), where
        home.plan(*messages, run=day)
        assert sorted(home.states().values()) == ["approved", "held"]
        for rendered in messages:
            assert home.path(rendered)[:2] == ["planned", "rendered"]
            assert home.bodies.get(rendered.body_sha256) == rendered.content
        assert verify(home.engine).exit_code == OK
        home.engine.dispose()

    points = sweep(tmp_path, template, clock, work, check)
    record_property("kill points", dict(points))
    assert points.total() >= 10


class SecondMessage(Exception):
    """What the harness is there to find."""


def test_the_sweep_itself_would_notice_a_second_message(tmp_path: Path, clock: ManualClock, catcher: Catcher):
    """The control: a recovery that sends again whatever was being sent is caught by this very harness."""
    template_home(tmp_path / "template", clock)
    seen = {"kept": 0}

    def careless(home: Home) -> Transport:
        endpoint = LoopbackEndpoint("127.0.0.1", catcher.port)
        return Transport({"email": SmtpChannel(endpoint, QUICK, search=lambda outgoing: Presence.ABSENT)})

    def check(trial: Trial, where: str) -> None:
        _let_the_server_finish(catcher)
        settle(trial, careless)
        kept = Counter(mail["message_id"] for mail in catcher.kept()[seen["kept"] :])
        seen["kept"] = len(catcher.kept())
        if max(kept.values()) > 1:
            raise SecondMessage(where)

    with pytest.raises(SecondMessage, match=r"after send|before commit"):
        sweep(tmp_path, tmp_path / "template", clock, lambda home: _dispatch_mail(home, catcher), check)


@pytest.fixture(autouse=True)
def only_where_processes_fork() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("the crash sweep needs a system that forks")


def _dispatch_files(home: Home) -> None:
    home.dispatch()


def _dispatch_mail(home: Home, catcher: Catcher) -> None:
    transport = catcher.transport()
    home.dispatch(transport)
    transport.close()


def _let_the_server_finish(catcher: Catcher) -> None:
    """The server handles one connection's bytes before it greets the next one's: ask it for a sign of life."""
    with smtplib.SMTP("127.0.0.1", catcher.port, timeout=5) as smtp:
        smtp.noop()
