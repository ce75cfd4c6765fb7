"""The relay's log as proof that a message was taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.communications.channels import LoopbackEndpoint, Outgoing, Presence, SmtpChannel, Transport
from assets.communications.relay_log import search_relay_log
from tests.dispatch.support import MONDAY, QUICK, Catcher, Home, message

LINE = "Mar  2 10:00:01 mx postfix/cleanup[4711]: 4F2B81C0042: message-id=<{}@creditor.test>\n"


def outgoing(communication_id: str) -> Outgoing:
    return Outgoing(communication_id, MONDAY, "email", "a@b.test", "c@d.test", b"", "", "eml", 1)


def test_only_the_whole_id_counts_and_absence_proves_nothing(tmp_path: Path):
    log = tmp_path / "mail.log"
    log.write_text(LINE.format("a" * 26) + LINE.format("b" * 27), encoding="ascii")
    search = search_relay_log([tmp_path / "rotated-away", log])
    assert search(outgoing("a" * 26)) is Presence.PRESENT
    assert search(outgoing("b" * 26)) is Presence.UNKNOWN
    assert search(outgoing("c" * 26)) is Presence.UNKNOWN


@pytest.mark.parametrize(("is_logged", "state"), [(True, "sent"), (False, "in_doubt")])
def test_a_doubt_is_settled_by_the_log(home: Home, catcher: Catcher, is_logged: bool, state: str):
    notice = message("K1", formal=True, release=False, recipient="drop@customer.test")
    log = home.folder / "mail.log"
    log.write_text(LINE.format(notice.communication_id) if is_logged else "", encoding="ascii")
    home.plan(notice)
    channel = SmtpChannel(LoopbackEndpoint("127.0.0.1", catcher.port), QUICK, search_relay_log([log]))
    home.dispatch(Transport({"email": channel}))
    assert home.row(notice).state == state
