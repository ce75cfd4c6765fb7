"""Factur-X and ZUGFeRD: the XML inside a PDF invoice. Nothing else of the PDF is read."""

from __future__ import annotations

import logging
from io import BytesIO

from pypdf import PdfReader

from assets.invoicing.documents import UnreadableDocument

# Names under which the standards embed an invoice: Factur-X and ZUGFeRD 2.1, ZUGFeRD 2.0, ZUGFeRD 1, XRechnung.
INVOICE_NAMES = frozenset({"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml"})
_LARGEST_XML = 20_000_000
# What the library thinks of a stranger's PDF is told in the refusal, not on the screen of whoever runs the day.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

_MARK, _END = b"%PDF-", b"%%EOF"


def is_pdf(content: bytes) -> bool:
    return _MARK in content[:1024]


def embedded_invoice(content: bytes) -> bytes:
    """The one invoice embedded in a PDF. Raises UnreadableDocument when there is none, or more than one."""
    if _END not in content[-2048:]:
        raise UnreadableDocument("truncated", "the PDF stops before its end")
    try:
        reader = PdfReader(BytesIO(content), strict=False)
        is_encrypted = reader.is_encrypted
        found = []
        if not is_encrypted:
            # Decoded only once the name is right: an attachment may be anything, and any size.
            found = [each for each in reader.attachment_list if _base(each.name) in INVOICE_NAMES]
        contents = [each.content for each in found[:1]]
    except Exception as error:  # a library that walks a hostile file may fail in any way; each means the same
        raise UnreadableDocument("malformed_pdf", f"the PDF cannot be read: {_words(error)}") from None
    if is_encrypted:
        raise UnreadableDocument("encrypted_pdf", "the PDF is encrypted; deliver it without a password")
    if not found:
        raise UnreadableDocument(
            "no_invoice_in_pdf", f"no XML invoice is embedded in the PDF ({', '.join(sorted(INVOICE_NAMES))})"
        )
    if len(found) > 1:
        names = ", ".join(each.name for each in found[:5])
        raise UnreadableDocument("several_invoices_in_pdf", f"the PDF embeds {len(found)} invoices: {names[:200]}")
    if len(contents[0]) > _LARGEST_XML:
        raise UnreadableDocument("too_large", f"the embedded invoice is larger than {_LARGEST_XML} bytes")
    return contents[0]


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].strip().lower()


def _words(error: Exception) -> str:
    lines = str(error).splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]
