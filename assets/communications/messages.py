"""What a rendered message is, and why one can be refused. Nothing here knows how a message is made or sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assets.problem import Problem


@dataclass(frozen=True)
class RenderedMessage:
    """One finished message: the exact bytes that will leave, and the frozen row they were made from.

    `body_sha256` is the SHA-256 of `content`, hex: dispatch sends nothing whose bytes no longer have it.
    `recipient` is the e-mail address, or the postal address on one line.
    """

    communication_id: str
    row: Mapping[str, object]
    content: bytes
    extension: Literal["eml", "pdf"]
    body_sha256: str
    recipient: str


@dataclass(frozen=True)
class RefusedMessage:
    """A message that was not made, with a code for counting and a sentence for the person who mends it."""

    communication_id: str
    template_id: str
    code: str
    reason: str


class MessageProblem(Problem):
    """This message cannot be made; the others of the day go on."""

    code = "message_refused"


class MissingVariable(MessageProblem):
    """A template prints something the message row does not have, or has as null."""

    code = "missing_variable"


class InvalidValue(MessageProblem):
    """A column of the message row holds something that may not be printed."""

    code = "invalid_value"


class UnknownTemplate(MessageProblem):
    """There is no template for this channel, language and kind."""

    code = "unknown_template"


class TemplateBroken(MessageProblem):
    """A template cannot be read or run: a syntax error, a forbidden call, too large an outcome."""

    code = "template_broken"


class TemplateChanged(MessageProblem):
    """The wording on disk is not the wording this message was planned with."""

    code = "template_changed"


class MandatoryContentMissing(MessageProblem):
    """The finished bytes lack something the law or the reader needs; `missing` names each item."""

    code = "mandatory_content_missing"

    def __init__(self, missing: list[str], *, where: str) -> None:
        self.missing = missing
        super().__init__(
            "The finished message lacks " + "; ".join(missing),
            where=where,
            remedy="mend the template or the layout so that it prints what is missing, then run the day again",
        )


class ForeignInvoice(MessageProblem):
    """The finished bytes name an invoice of another customer."""

    code = "foreign_invoice"
