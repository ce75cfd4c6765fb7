"""One door for every invoice document: the content says what it is, never the name."""

from __future__ import annotations

import re

from assets.invoicing import cii, response, ubl
from assets.invoicing.documents import InvoiceDocument, InvoiceResponse, UnreadableDocument
from assets.invoicing.pdf import embedded_invoice, is_pdf
from assets.invoicing.xml_tree import Node, parse

# Peppol access points refuse more; a larger one is an accident or an attack. Most of a large one is the PDF within.
LARGEST_DOCUMENT = 100_000_000
# Some thirty thousand lines. Each element costs a hundred times its text in memory, so these are counted before.
MOST_TAGS = 2_000_000

# The envelope of Peppol (SBDH): it may still be around the document when an access point hands it over.
_ENVELOPE = "StandardBusinessDocument"

_WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)


def read_document(content: bytes) -> InvoiceDocument | InvoiceResponse:
    """Reads a UBL or CII invoice, a PDF with one inside, or a Peppol Invoice Response.

    Raises UnreadableDocument, with a code and where possible a position and whose document it is, for anything else.
    """
    if len(content) > LARGEST_DOCUMENT:
        raise UnreadableDocument("too_large", f"the document is larger than {LARGEST_DOCUMENT} bytes")
    if is_pdf(content):
        content = embedded_invoice(content)
        if not _looks_like_xml(content):
            raise UnreadableDocument("unknown_format", "what the PDF embeds as an invoice is no XML")
    if not content.strip(b" \t\r\n\0\x1a"):
        raise UnreadableDocument("empty_file", "the file is empty")
    if not _looks_like_xml(content):
        raise UnreadableDocument(
            "unknown_format", "neither XML nor PDF: invoices come as UBL, CII, Factur-X or ZUGFeRD"
        )
    if _WEB_PAGE.match(content[:1024]):
        raise UnreadableDocument("unknown_format", "it is a web page, perhaps the one that asks to sign in")
    if content.count(b"<") > MOST_TAGS:
        raise UnreadableDocument("too_large", f"the document has more than {MOST_TAGS} tags")
    root = parse(content)
    if root.name == _ENVELOPE:
        root = _payload(root)
    if root.name in ubl.ROOTS:
        return ubl.read_ubl(root)
    if root.name in cii.ROOTS:
        return cii.read_cii(root)
    if root.name in response.ROOTS:
        return response.read_response(root)
    raise UnreadableDocument(
        "unknown_format", f"XML, but <{root.name[:60]}> is neither a UBL nor a CII invoice nor an Invoice Response"
    )


def _payload(envelope: Node) -> Node:
    """What an envelope holds beside its header."""
    inside = [child for child in envelope.children() if child.name != "StandardBusinessDocumentHeader"]
    if len(inside) != 1:
        raise UnreadableDocument("malformed", f"the envelope holds {len(inside)} documents, not one", envelope.position)
    return inside[0]


def _looks_like_xml(content: bytes) -> bool:
    start = content[:64].removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"")
    return start.lstrip(b"\xff\xfe \t\r\n").startswith(b"<")
