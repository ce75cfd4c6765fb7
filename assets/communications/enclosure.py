"""The document a message sends again: a PDF from the creditor's own folder, attached to an e-mail, bound behind a letter."""

from io import BytesIO
from pathlib import Path

import pypdf

from assets.communications.messages import InvalidValue

MAX_BYTES = 10 * 1024 * 1024


def read_enclosure(document_path: str | None, folder: Path | None) -> bytes | None:
    """The PDF at `document_path` inside `folder`; None when no path is stated, no folder is configured, or nothing lies there.

    Raises `InvalidValue` for a path that leads out of the folder, and for a file that is no PDF or too large: it would be
    somebody else's paper, or nothing a reader can open.
    """
    if not document_path or folder is None:
        return None
    root = folder.resolve()
    path = (root / document_path).resolve()
    if not path.is_relative_to(root):
        raise _unusable(document_path, f"a path inside {root}")
    if not path.is_file():
        return None
    if path.stat().st_size > MAX_BYTES:
        raise _unusable(document_path, f"a file of at most {MAX_BYTES} bytes")
    content = path.read_bytes()
    if not content.startswith(b"%PDF-"):
        raise _unusable(document_path, "a PDF")
    return content


def bind(letter: bytes, enclosure: bytes) -> bytes:
    """The pages of the enclosure behind those of the letter. The same two files always give the same bytes."""
    writer = pypdf.PdfWriter()
    try:
        writer.append(BytesIO(letter))
        writer.append(BytesIO(enclosure), import_outline=False)
        out = BytesIO()
        writer.write(out)
    except (pypdf.errors.PyPdfError, ValueError, KeyError) as broken:
        raise _unusable("its file", f"a PDF whose pages can be read ({broken})") from broken
    return out.getvalue()


def _unusable(document_path: str, expected: str) -> InvalidValue:
    return InvalidValue(
        f"The document to send again is {document_path[:80]!r}; expected {expected}",
        where="column document_path of the invoice",
        remedy="correct the path in billing, or the folder in [billing] documents",
    )
