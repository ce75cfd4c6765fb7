"""A last reading of the finished bytes, as the receiver will see them: is everything there, and nothing of anybody else's?

It shares with the renderer only the way figures and dates are written. Layouts, templates and labels may change; what must be found
does not: per invoice its number, due date and open amount close together, and once the total, the term, the account, the customer
number and the way to pay (requirements 39 to 44). A message that asks for no money must say what its kind is about instead, and a
confirmation of an agreement must hold its three parts (requirement 52).
"""

import re
import unicodedata
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from email import message_from_bytes, policy
from html.parser import HTMLParser
from io import BytesIO

import pypdf

from assets.communications import formats
from assets.communications.facts import Message, read_message
from assets.communications.kinds import kind_of
from assets.communications.messages import ForeignInvoice, MandatoryContentMissing, RenderedMessage, TemplateBroken
from assets.communications.printed import print_particular

# How far apart, in characters, the cells of one table row may stand in the text that is read back.
_ROW_REACH = 320
# A shorter number cannot be told from a page or house number, so it is looked for only among the message's own items.
_SHORTEST_FOREIGN = 4
_UNSEEN = {"style", "script", "title", "head"}
# What stands above each part of a confirmation, and what is missing when a sentence does not follow it.
_PARTS = {
    "nl": ("Wat u doet", "Wat wij doen", "Als het anders loopt"),
    "en": ("What you will do", "What we will do", "If things turn out differently"),
}
_PART_NAMES = ("what the customer does", "what we do", "what happens otherwise")
_SHORTEST_PART = 30


@dataclass(frozen=True)
class NumbersOfOthers:
    """The invoice numbers that belong to another customer of the company, as a container over one dictionary shared by all messages.

    `customer_of_invoice` maps (company_id, invoice_number) to customer_id; a number it does not know belongs to nobody else.
    """

    customer_of_invoice: Mapping[tuple[str, str], str]
    company_id: str
    customer_id: str

    def __contains__(self, number: object) -> bool:
        return self.customer_of_invoice.get((self.company_id, str(number)), self.customer_id) != self.customer_id


def check_content(rendered: RenderedMessage, foreign_invoice_numbers: Container[str] | None = None) -> None:
    """Read the bytes back and compare them with the row.

    `foreign_invoice_numbers` contains the numbers of other customers (see `NumbersOfOthers`). Raises `MandatoryContentMissing`
    naming all that is missing and in which part, or `ForeignInvoice`.
    """
    message = read_message(rendered.row)
    where = f"message {message.communication_id}, template {message.template_id}"
    parts = read_parts(rendered)
    missing = [f"{lack} in the {part}" for part, text in parts.items() for lack in _lacks(message, text)]
    if missing:
        raise MandatoryContentMissing(missing, where=where)
    if foreign_invoice_numbers is not None:
        _refuse_foreign(message, parts, foreign_invoice_numbers, where)


def read_parts(rendered: RenderedMessage) -> dict[str, str]:
    """The readable text of each part: `letter`, or `text` and `HTML`."""
    if rendered.extension == "pdf":
        return {"letter": read_pdf(rendered.content)}
    return read_email(rendered.content)


def read_pdf(content: bytes) -> str:
    """The text of all pages, in the order it was set."""
    try:
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(content)).pages)
    except pypdf.errors.PyPdfError as broken:
        raise TemplateBroken(
            f"The letter cannot be read back: {broken}", where="PDF", remedy="mend the layout"
        ) from broken


def read_email(content: bytes) -> dict[str, str]:
    """What a reader sees of each alternative of the message."""
    texts = {"plain": "", "html": ""}
    for part in message_from_bytes(content, policy=policy.compat32).walk():
        if part.get_content_maintype() == "text":
            body = part.get_payload(decode=True)
            texts[part.get_content_subtype()] = body.decode("utf-8") if isinstance(body, bytes) else ""
    return {"text": texts["plain"], "HTML": _visible(texts["html"])}


def _lacks(message: Message, text: str) -> list[str]:
    seen = _normal(text)
    language = message.language
    wanted = {
        "the customer number": message.customer_id,
        "the name of the creditor": message.sender.name,
        "a way to reach the creditor": message.sender.email or message.sender.phone,
    }
    if message.asks_money and message.pay_by_on is not None:
        wanted |= {
            "the total to pay": formats.format_money(message.total_amount, message.currency, language),
            "the day to pay by": formats.format_date_long(message.pay_by_on, language),
            "the IBAN": formats.group_in_fours(message.iban),
        }
    for name in kind_of(message.message_kind).particulars:
        wanted[f"{name.replace('_', ' ')}"] = print_particular(message.particulars[name], message) or ""
    lacks = [name for name, value in wanted.items() if not re.search(_pattern(value), seen)]
    if kind_of(message.message_kind).has_parts:
        lacks += _lacking_parts(seen, language)
    lacks += _lacks_of_charges(message, seen)
    for item in message.items:
        number = _pattern(item.invoice_number)
        due_on = _pattern(formats.format_date_short(item.due_on, language))
        open_amount = _pattern(formats.format_amount(item.open_amount, language))
        reach = rf"(?:(?!{number}).){{0,{_ROW_REACH}}}?"
        if not re.search(number, seen):
            lacks.append(f"invoice number {item.invoice_number}")
        elif not re.search(f"{number}.{{0,{_ROW_REACH}}}?{due_on}", seen, re.DOTALL):
            lacks.append(f"the due date beside invoice {item.invoice_number}")
        elif not re.search(f"{number}.{{0,{_ROW_REACH}}}?{due_on}{reach}{open_amount}", seen, re.DOTALL):
            lacks.append(f"the open amount beside invoice {item.invoice_number}")
    return lacks


def _lacking_parts(seen: str, language: str) -> list[str]:
    """Which of the three parts has no heading, or nothing under it before the next."""
    places = [re.search(_pattern(heading), seen) for heading in _PARTS[language]]
    ends = [place.start() for place in places if place] + [len(seen)]
    return [
        f"the part that says {name}"
        for name, place in zip(_PART_NAMES, places, strict=True)
        if place is None or min(end for end in ends if end > place.start()) - place.end() < _SHORTEST_PART
    ]


def _lacks_of_charges(message: Message, seen: str) -> list[str]:
    """What is claimed beside the invoices, and how it was worked out: each stretch with its days, rate and interest in one row."""
    language = message.language
    lacks = [
        name
        for name, amount in (("the interest claimed", message.interest_amount), ("the costs", message.costs_amount))
        if amount and not re.search(_pattern(formats.format_amount(amount, language)), seen)
    ]
    for segment in message.segments if message.interest_amount else ():
        cells = (
            formats.format_date_short(segment.from_on, language),
            formats.format_date_short(segment.to_on, language),
            str(segment.days),
            formats.format_amount(segment.base_amount, language),
            formats.format_amount(Decimal(segment.rate_basis_points).scaleb(-2), language),
            formats.format_amount(segment.interest_amount, language),
        )
        row = rf".{{0,{_ROW_REACH}}}?".join(_pattern(cell) for cell in cells)
        if not re.search(row, seen, re.DOTALL):
            lacks.append(f"the calculation of the interest from {segment.from_on}")
    return lacks


def _refuse_foreign(message: Message, parts: Mapping[str, str], foreign: Container[str], where: str) -> None:
    harmless = {phrase for text in _harmless(message) for phrase in _phrases(text)}
    for number in [item.invoice_number for item in message.items]:
        if number in foreign:
            raise _foreign(number, where)
    for text in parts.values():
        for phrase in _phrases(text):
            if len(phrase) >= _SHORTEST_FOREIGN and phrase not in harmless and phrase in foreign:
                raise _foreign(phrase, where)


def _harmless(message: Message) -> list[str]:
    """What the message prints of its own besides invoice numbers: a foreign number that looks like a year in it is no leak."""
    language = message.language
    days = [
        message.as_of_date,
        *(day for day in (message.pay_by_on, message.oldest_due_on, message.next_step_on) if day is not None),
    ]
    parties = (message.sender, message.recipient)
    return [
        *(formats.format_date_long(day, language) for day in days),
        *(formats.format_amount(amount, language) for amount in (message.total_amount, message.items_amount)),
        *(formats.format_amount(amount, language) for amount in (message.interest_amount, message.costs_amount)),
        *(
            f"{formats.format_amount(segment.base_amount, language)} {formats.format_amount(segment.interest_amount, language)}"
            for segment in message.segments
        ),
        *(" ".join(vars(party).values()) for party in parties),
        *(f"{item.order_number} {item.project_number}" for item in message.items),
        # Printed in fours: in NL91 ABNA 0417 1643 00 stand 0417 and 1643, which a short series of numbers will reach.
        formats.group_in_fours(message.iban),
        formats.format_payment_reference(message.payment_reference, message.sender.country),
        message.bic,
        message.contact_person or "",
        message.customer_id,
        *(print_particular(value, message) or "" for value in message.particulars.values()),
    ]


def _phrases(text: str) -> Iterator[str]:
    """Every run of one, two or three words: a number may have been written with spaces."""
    words = [word.strip(".,;:()[]|") for word in _normal(text).split()]
    for length in (1, 2, 3):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])


def _foreign(number: str, where: str) -> ForeignInvoice:
    return ForeignInvoice(
        f"The finished message names invoice {number}, which belongs to another customer",
        where=where,
        remedy="find out how the invoice got among this customer's items; nothing was sent",
    )


def _pattern(value: str) -> str:
    """A value as it may have been broken over lines: blanks allowed anywhere inside, letters and digits forbidden around it."""
    characters = r"[\s\u200b]*".join(re.escape(character) for character in _normal(value) if not character.isspace())
    return rf"(?<![^\W_]){characters}(?![^\W_])"


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


class _VisibleText(HTMLParser):
    """Collects what is shown; tags that end a cell or a line become blanks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN
        self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)


def _visible(html: str) -> str:
    reader = _VisibleText()
    reader.feed(html)
    reader.close()
    return "".join(reader.pieces)
