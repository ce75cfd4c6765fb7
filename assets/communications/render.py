"""Rendering: one message row in, the finished bytes out, read back before anybody may approve them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import typst

from assets.communications.content_check import NumbersOfOthers, check_content
from assets.communications.email import build_email
from assets.communications.enclosure import bind, read_enclosure
from assets.communications.facts import Message, read_message
from assets.communications.letter import build_letter, make_typesetter
from assets.communications.messages import MessageProblem, RefusedMessage, RenderedMessage, TemplateChanged
from assets.communications.printed import labels_of, print_message
from assets.communications.templates import TemplateLibrary, open_library, render_wording


@dataclass(frozen=True)
class RenderEnvironment:
    """Compiled templates and the typesetter: made once per process, used for every message. `documents`: where invoices to send again lie."""

    library: TemplateLibrary
    typesetter: typst.Compiler
    documents: Path | None = None


def open_environment(root: Path, documents: Path | None = None) -> RenderEnvironment:
    """Read the templates under `root` (the folder with `shared`, `email` and `letter`)."""
    return RenderEnvironment(library=open_library(root), typesetter=make_typesetter(root), documents=documents)


def render_message(
    row: Mapping[str, object],
    environment: RenderEnvironment,
    customer_of_invoice: Mapping[tuple[str, str], str] | None = None,
) -> RenderedMessage:
    """Make the message of one `communications_due` row and read it back.

    With `customer_of_invoice`, (company_id, invoice_number) to customer_id, a message that names another customer's invoice is refused.
    Raises a `MessageProblem` that says what is wrong, in which template or column, and what to do.
    """
    message = read_message(row)
    library = environment.library
    _refuse_other_wording(message, library)
    labels = labels_of(message.message_kind, library.labels[message.language])
    document_path = message.particulars.get("document_path")
    enclosure = read_enclosure(document_path if isinstance(document_path, str) else None, environment.documents)
    printed = print_message(message, labels, is_enclosed=enclosure is not None)
    wording = render_wording(library, message.template_id, printed.variables)
    if message.channel == "email":
        content = build_email(message, printed, wording, library, labels, enclosure)
        recipient = message.recipient.email
    else:
        letter = build_letter(message, printed, wording, environment.typesetter, labels)
        content, recipient = bind(letter, enclosure) if enclosure else letter, _on_one_line(message)
    rendered = RenderedMessage(
        communication_id=message.communication_id,
        row=row,
        content=content,
        extension="eml" if message.channel == "email" else "pdf",
        body_sha256=hashlib.sha256(content).hexdigest(),
        recipient=recipient,
    )
    foreign = (
        NumbersOfOthers(customer_of_invoice, message.company_id, message.customer_id) if customer_of_invoice else None
    )
    check_content(rendered, foreign)
    return rendered


def render_messages(
    rows: Iterable[Mapping[str, object]],
    environment: RenderEnvironment,
    customer_of_invoice: Mapping[tuple[str, str], str] | None = None,
) -> tuple[list[RenderedMessage], list[RefusedMessage]]:
    """Render every row; one that cannot be made is refused with its reason, and the others go on."""
    rendered: list[RenderedMessage] = []
    refused: list[RefusedMessage] = []
    for row in rows:
        try:
            rendered.append(render_message(row, environment, customer_of_invoice))
        except MessageProblem as problem:
            refused.append(
                RefusedMessage(
                    communication_id=str(row.get("communication_id", "")),
                    template_id=str(row.get("template_id", "")),
                    code=problem.code,
                    reason=problem.sentence(),
                )
            )
    return rendered, refused


def _refuse_other_wording(message: Message, library: TemplateLibrary) -> None:
    current = library.hashes.get(message.template_id)
    if current is not None and current != message.template_hash:
        raise TemplateChanged(
            f"Template {message.template_id} has changed since this message was planned",
            where=f"planned with {message.template_hash[:12]}, on disk {current[:12]}",
            remedy="run the day again, so that the message is planned with the wording it will have",
        )


def _on_one_line(message: Message) -> str:
    recipient = message.recipient
    parts = (
        recipient.name,
        recipient.department,
        recipient.street,
        f"{recipient.postal_code} {recipient.city}",
        recipient.country,
    )
    return "; ".join(part for part in parts if part)
