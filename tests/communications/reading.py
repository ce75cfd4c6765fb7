"""Reading finished messages the way a receiver's machine does: MIME, PDF text, and the QR code through a scanner."""

import struct
import zlib
from email import message_from_bytes, policy
from email.message import EmailMessage

import numpy as np
import pypdfium2
import zxingcpp

from assets.communications.messages import RenderedMessage


def parse(rendered: RenderedMessage) -> EmailMessage:
    """The e-mail as Python's own strict parser reads it."""
    mail = message_from_bytes(rendered.content, policy=policy.SMTP)
    assert isinstance(mail, EmailMessage)
    return mail


def text_part(rendered: RenderedMessage) -> str:
    """The plain text alternative."""
    return _body(rendered, "plain")


def html_part(rendered: RenderedMessage) -> str:
    """The HTML alternative."""
    return _body(rendered, "html")


def scan(rendered: RenderedMessage) -> list[str]:
    """What a scanner reads from the pages of a letter or the pictures of an e-mail."""
    if rendered.extension == "pdf":
        document = pypdfium2.PdfDocument(rendered.content)
        pictures = [page.render(scale=3, grayscale=True).to_numpy() for page in document]
    else:
        parts = [part for part in parse(rendered).walk() if part.get_content_type() == "image/png"]
        pictures = [_read_png(part.get_content()) for part in parts]
    return [code.text for picture in pictures for code in zxingcpp.read_barcodes(np.ascontiguousarray(picture))]


def _body(rendered: RenderedMessage, subtype: str) -> str:
    body = parse(rendered).get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def _read_png(content: bytes) -> np.ndarray:
    """A one-bit grey PNG, not interlaced, its lines plain or as the difference with the line above (ISO 15948, filters 0 and 2)."""
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    chunks: dict[bytes, bytes] = {}
    place = 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        kind = content[place + 4 : place + 8]
        chunks[kind] = chunks.get(kind, b"") + content[place + 8 : place + 8 + length]
        place += 12 + length
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, colour, interlaced) == (1, 0, 0)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8).reshape(height, -1)
    assert set(rows[:, 0]) <= {0, 2}
    lines: list[np.ndarray] = []
    for row in rows:
        above = lines[-1] if lines and row[0] == 2 else np.zeros_like(row[1:])
        lines.append(row[1:] + above)
    return np.unpackbits(np.array(lines), axis=1)[:, :width] * np.uint8(255)
