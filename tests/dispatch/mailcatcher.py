"""A mail server for tests, in a process of its own: it keeps what it accepts, durably, and misbehaves on request.

The local part of the recipient says how: `busy450`, `gone550` (at RCPT), `busy451`, `gone554` (after the dot), `drop`
(accepted and kept, but the connection breaks before the answer), `vanish` (breaks without keeping), `slow` (kept, and
answered only after a second). A number of times may follow: `busy450x2` is busy twice, then accepts.

Run as: python -m tests.dispatch.mailcatcher PORT_FILE INBOX_FILE
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections import Counter
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class Catcher:
    """Handler of aiosmtpd."""

    def __init__(self, inbox: Path) -> None:
        self._inbox = inbox
        self._seen: Counter[str] = Counter()

    def _wanted(self, address: str) -> str:
        """What this recipient asks us to do now; empty for good behaviour."""
        match = re.match(r"(busy450|gone550|busy451|gone554|drop|vanish|slow)(?:x(\d+))?", address)
        if match is None:
            return ""
        self._seen[address] += 1
        return match[1] if self._seen[address] <= int(match[2] or 10**6) else ""

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        behaviour = self._wanted(address) if address.startswith(("busy450", "gone550")) else ""
        if behaviour:
            return f"{behaviour[-3:]} not now"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        behaviour = self._wanted(envelope.rcpt_tos[0])
        if behaviour in ("busy451", "gone554"):
            return f"{behaviour[-3:]} not this one"
        if behaviour != "vanish":
            self._keep(envelope)
        if behaviour in ("drop", "vanish"):
            assert server.transport is not None
            server.transport.abort()
        if behaviour == "slow":
            await asyncio.sleep(1)
        return "250 kept"

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content
        assert isinstance(content, bytes)
        line = {
            "message_id": message_from_bytes(content)["Message-ID"],
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "content": content.decode("latin-1"),
        }
        with self._inbox.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


async def _serve(inbox: Path) -> None:
    handler = Catcher(inbox)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname="catcher.test", loop=loop), "127.0.0.1", 0)
    # Whoever started us waits for this line: it says where we listen, and that we do.
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
