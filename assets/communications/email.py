"""The e-mail: HTML and plain text saying the same, the QR code inside, and headers a stranger cannot add to.

The bytes depend on the row alone: Message-ID, boundaries and the code's Content-ID come from the communication id, the Date is noon
UTC of the business day. So a second rendering is the same file, and a retry is the same message to every mail server.
"""

import re
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

import css_inline

from assets.communications.facts import Message
from assets.communications.printed import NOTHING, Pair, Printed, parts_of
from assets.communications.qr import qr_png
from assets.communications.templates import TemplateLibrary, render_template

_INLINER = css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)
_COLUMNS = ("invoice_number", "issued_on", "due_on", "order", "total_amount", "paid_amount", "open_amount")
# Label of each column of the calculation, and the name of its cell.
_CALCULATION = {
    "invoice_number": "invoice_number",
    "from": "from_on",
    "to": "to_on",
    "days": "days",
    "base_amount": "base_amount",
    "rate": "rate",
    "interest": "interest_amount",
}
_AMOUNTS = {"total_amount", "paid_amount", "open_amount"}


def build_email(
    message: Message,
    printed: Printed,
    wording: Mapping[str, list[str]],
    library: TemplateLibrary,
    labels: Mapping[str, Any],
    enclosure: bytes | None = None,
) -> bytes:
    """The finished `.eml`: multipart/alternative of text and (related: HTML and code), CRLF, seven-bit; mixed with an enclosure."""
    domain = message.sender.email.rpartition("@")[2]
    cid = f"pay.{message.communication_id}@{domain}" if printed.qr_payload else ""
    view = _view(message, printed, wording, labels) | {"qr_cid": cid}
    html = _INLINER.inline(render_template(library, "shared/email.html.j2", view, template_id=message.template_id))
    text = render_template(library, "shared/email.txt.j2", view, template_id=message.template_id)

    readable = _text_part(html, "html")
    if printed.qr_payload:
        readable = _multipart("related", message, [readable, _inline_png(qr_png(printed.qr_payload), cid)])
    mail = _multipart("alternative", message, [_text_part(_printable(text), "plain"), readable])
    if enclosure is not None:
        mail = _multipart("mixed", message, [mail, _attached_pdf(enclosure, message.items[0].invoice_number)])
    mail["From"] = _address(message.sender.name, message.sender.email)
    mail["Reply-To"] = _address(message.sender.name, message.sender.email)
    mail["To"] = _address(message.recipient.name, message.recipient.email)
    mail["Subject"] = " ".join(wording["subject"])
    mail["Date"] = format_datetime(datetime.combine(message.as_of_date, time(12), tzinfo=UTC))
    mail["Message-ID"] = f"<{message.communication_id}@{domain}>"
    mail["MIME-Version"] = "1.0"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Tijdig-Communication"] = message.communication_id
    mail["Content-Language"] = message.language
    return mail.as_bytes()


def _text_part(text: str, subtype: str) -> EmailMessage:
    """A quoted-printable part. `EmailMessage.set_content` does the same in Python, at four times the cost of the C encoder."""
    part = EmailMessage(policy=policy.SMTP)
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(b2a_qp(text.encode("utf-8"), istext=True).decode("ascii"))
    return part


def _inline_png(content: bytes, cid: str) -> EmailMessage:
    part = EmailMessage(policy=policy.SMTP)
    part["Content-Type"] = 'image/png; name="qr.png"'
    part["Content-Transfer-Encoding"] = "base64"
    part["Content-Disposition"] = 'inline; filename="qr.png"'
    part["Content-ID"] = f"<{cid}>"
    part.set_payload(encodebytes(content).decode("ascii"))
    return part


def _attached_pdf(content: bytes, invoice_number: str) -> EmailMessage:
    """The PDF under the number of its invoice: no name from outside, which could lead a reader astray."""
    name = re.sub(r"[^A-Za-z0-9-]", "-", invoice_number)[:60]
    part = EmailMessage(policy=policy.SMTP)
    part["Content-Type"] = f'application/pdf; name="{name}.pdf"'
    part["Content-Transfer-Encoding"] = "base64"
    part["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    part.set_payload(encodebytes(content).decode("ascii"))
    return part


def _multipart(subtype: str, message: Message, parts: list[EmailMessage]) -> EmailMessage:
    """Parts between boundaries that depend on the message alone; `=_` cannot occur inside quoted-printable or base64."""
    whole = EmailMessage(policy=policy.SMTP)
    whole["Content-Type"] = f'multipart/{subtype}; boundary="=_tijdig_{message.communication_id}_{subtype}"'
    for part in parts:
        whole.attach(part)
    return whole


def _view(
    message: Message, printed: Printed, wording: Mapping[str, list[str]], labels: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "language": message.language,
        "labels": labels,
        "sender": message.sender,
        "facts": printed.facts,
        "facts_in_columns": _label_columns(printed.facts),
        "wording": wording,
        "parts": parts_of(wording, labels),
        "lines": printed.lines,
        "lines_in_columns": _table_in_columns(printed, labels) if printed.lines else [],
        "sums": printed.sums,
        "payment": printed.payment,
        "calculation": printed.calculation,
        "calculation_in_columns": _calculation_columns(printed, labels),
        "calculation_notes": printed.calculation_notes,
        "payment_in_columns": _label_columns(printed.payment) if printed.payment else [],
        "signature": printed.signature,
        "footer": printed.footer,
    }


def _table_in_columns(printed: Printed, labels: Mapping[str, Any]) -> list[str]:
    # As in HTML, nothing is said of orders where no invoice has one.
    columns = [name for name in _COLUMNS if name != "order" or any(line["order"] for line in printed.lines)]
    heads = [labels[name] for name in columns]
    rows = [[line[name] or NOTHING for name in columns] for line in printed.lines]
    table = in_columns([heads, *rows], right={columns.index(name) for name in _AMOUNTS})
    rule = "-" * max(len(row) for row in table)
    sums = in_columns([[total["label"], total["amount"]] for total in printed.sums], right={1})
    width = max(len(rule), max(len(row) for row in sums))
    return [table[0], rule, *table[1:], rule, *(row.rjust(width) for row in sums)]


def _calculation_columns(printed: Printed, labels: Mapping[str, Any]) -> list[str]:
    if not printed.calculation:
        return []
    heads = [labels[name] for name in _CALCULATION]
    rows = [[row[_CALCULATION[name]] for name in _CALCULATION] for row in printed.calculation]
    table = in_columns([heads, *rows], right={3, 4, 5, 6})
    return [table[0], "-" * max(len(row) for row in table), *table[1:]]


def in_columns(rows: Sequence[Sequence[str]], *, right: set[int]) -> list[str]:
    """Rows of plain text with their columns under one another, two blanks apart; `right` are the columns set to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _label_columns(pairs: Sequence[Pair]) -> list[str]:
    return in_columns([[pair["label"], pair["value"]] for pair in pairs], right=set())


def _address(name: str, email: str) -> Address:
    return Address(display_name=name, addr_spec=email)


def _printable(text: str) -> str:
    """Ordinary blanks for no-break ones: plain text is not broken where they stand, and some readers show them as question marks."""
    return text.replace("\u00a0", " ")
