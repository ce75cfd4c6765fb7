"""The letter: typst sets it from one layout, with the words and figures handed over as JSON.

Nothing from a message ever becomes typst source. Only typst's own fonts are used, so a letter is the same on every machine, and every
letter is PDF/A-2a and PDF/UA-1: kept for seven years it still opens, and a screen reader can read it. PDF/A also makes typst refuse
a character none of its fonts can draw, which would otherwise leave as an empty box.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import typst

from assets.communications.facts import Message
from assets.communications.messages import InvalidValue, TemplateBroken
from assets.communications.printed import NOTHING, Printed, parts_of, short_reference
from assets.communications.qr import qr_svg

LAYOUT = Path("shared") / "letter.typ"
_STANDARDS: list[Any] = ["a-2a", "ua-1"]


def make_typesetter(root: Path) -> typst.Compiler:
    """A compiler for the letters under `root`, with typst's embedded fonts and no others. Keep it: it remembers the layout."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
    return typst.Compiler(root / LAYOUT, root=root, font_paths=fonts, ignore_system_fonts=True)


def build_letter(
    message: Message,
    printed: Printed,
    wording: Mapping[str, list[str]],
    typesetter: typst.Compiler,
    labels: Mapping[str, Any],
) -> bytes:
    """The finished PDF. Raises `InvalidValue` for a character that cannot be drawn, `TemplateBroken` for a broken layout."""
    try:
        outcome = typesetter.compile(
            format="pdf",
            sys_inputs={"message": json.dumps(_view(message, printed, wording, labels), ensure_ascii=False)},
            timestamp=int(datetime.combine(message.as_of_date, time(12), tzinfo=UTC).timestamp()),
            pdf_standards=_STANDARDS,
        )
    except typst.TypstError as broken:
        raise _problem(message, broken) from broken
    assert isinstance(outcome, bytes)
    return outcome


def _view(
    message: Message, printed: Printed, wording: Mapping[str, list[str]], labels: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "language": message.language,
        "labels": {name: label for name, label in labels.items() if isinstance(label, str)},
        "reference": short_reference(message.communication_id),
        "created": [message.as_of_date.year, message.as_of_date.month, message.as_of_date.day],
        "date": printed.facts[0]["value"],
        "currency": message.currency,
        "is_registered": message.channel == "registered_letter",
        "is_signed_by_hand": message.message_class == "formal",
        "sender_name": message.sender.name,
        "sender_lines": printed.sender_lines,
        "recipient_lines": printed.recipient_lines,
        "facts": printed.facts,
        "wording": dict(wording),
        "parts": parts_of(wording, labels),
        "lines": [line | {"order": line["order"] or NOTHING} for line in printed.lines],
        "sums": printed.sums,
        "payment": printed.payment,
        "calculation": printed.calculation,
        "calculation_notes": printed.calculation_notes,
        "signature": printed.signature,
        "footer": printed.footer,
        "qr": qr_svg(printed.qr_payload) if printed.qr_payload else None,
    }


def _problem(message: Message, broken: typst.TypstError) -> InvalidValue | TemplateBroken:
    undrawable = re.search(r'the text `"(.*?)"` could not be displayed', str(broken))
    if undrawable:
        return InvalidValue(
            f"The letter holds {undrawable.group(1)!r}, which its fonts cannot draw",
            where=f"message {message.communication_id}, template {message.template_id}",
            remedy="write the name or number it comes from in Latin, Greek or Cyrillic letters",
        )
    overfull = re.search(r"does not fit: ([a-z ]+)", str(broken))
    if overfull:
        return InvalidValue(
            f"On the letter, {overfull.group(1)} does not fit in its place, even in the smallest type",
            where=f"message {message.communication_id}, template {message.template_id}",
            remedy="shorten the record it comes from; the message is made on the next run",
        )
    return TemplateBroken(
        f"The layout of template {message.template_id} cannot be set: {broken}",
        where=str(LAYOUT),
        remedy="mend the layout",
    )
