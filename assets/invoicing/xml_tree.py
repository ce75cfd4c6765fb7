"""XML of strangers as a tree of local names: nothing outside the file is ever read, and what repeats is never guessed.

Namespaces are left aside: the syntaxes are told apart by their root, and versions differ in namespace only.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from assets.invoicing.documents import UnreadableDocument

# A number of at most 16 digits before the dot, as the log holds it: no exponent, no comma, no NaN (XML Schema decimal).
_DECIMAL = re.compile(r"[+-]?(?:\d{1,16}(?:\.\d{0,20})?|\.\d{1,20})", re.ASCII)
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)
_COMPACT_DATE = re.compile(r"\d{8}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_CENT = Decimal("0.01")

# Money with three or four decimals (ISO 4217): refused, since the log holds two.
_FINER_CURRENCIES = frozenset({"BHD", "CLF", "IQD", "JOD", "KWD", "LYD", "OMR", "TND", "UYW"})

# Days outside are typing errors, and a due date in 9999 would silently never be reminded of.
_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_LONGEST_TEXT = 4000
_LONGEST_ID = 200


class Node:
    """An element by local names. Reading never goes below what is asked for."""

    __slots__ = ("_by_name", "element", "name")

    def __init__(self, element: Any) -> None:
        self.element = element
        self.name: str = element.tag.rpartition("}")[2]
        self._by_name: dict[str, list[Any]] | None = None

    def _children(self) -> dict[str, list[Any]]:
        if self._by_name is None:
            by_name: dict[str, list[Any]] = {}
            for child in self.element:
                tag = child.tag
                # An entity that was not expanded is no element; nothing of ours may hang on it.
                if not isinstance(tag, str):
                    raise UnreadableDocument("entity_forbidden", "the XML uses an entity of its own", _line(child))
                name = tag.rpartition("}")[2]
                if name in by_name:
                    by_name[name].append(child)
                else:
                    by_name[name] = [child]
            self._by_name = by_name
        return self._by_name

    @property
    def position(self) -> str:
        return _line(self.element)

    def children(self) -> list[Node]:
        """Every child element, in order."""
        return [Node(child) for group in self._children().values() for child in group]

    def all(self, *names: str) -> list[Node]:
        """Every child of any of these names."""
        children = self._children()
        return [Node(child) for name in names for child in children.get(name, ())]

    def one(self, *path: str) -> Node | None:
        """The element at `path`, or None. `a|b` is either name. Two of them would leave it to chance which counts."""
        node = self
        for step in path:
            children = node._children()
            found = [child for name in step.split("|") for child in children.get(name, ())]
            if not found:
                return None
            if len(found) > 1:
                raise UnreadableDocument(
                    "repeated_element",
                    f"{step} stands {len(found)} times in {node.name}, once is allowed",
                    node.position,
                )
            node = Node(found[0])
        return node

    def need(self, *path: str) -> Node:
        """The element at `path`. Raises UnreadableDocument when it is missing."""
        node = self.one(*path)
        if node is None:
            raise UnreadableDocument("missing_element", f"{'/'.join(path)} is missing", self.position)
        return node

    def text(self, *path: str, longest: int = _LONGEST_TEXT) -> str | None:
        """The text at `path` on one line, or None when it is missing or empty."""
        node = self.one(*path)
        return node.own_text(longest) if node is not None else None

    def own_text(self, longest: int = _LONGEST_TEXT) -> str | None:
        text = self.element.text
        if not text:
            return None
        text = " ".join(text.split())
        return text[:longest] or None

    def identifier(self, *path: str) -> str | None:
        """A number or reference. One that is too long is refused: cut off, it would be another."""
        text = self.text(*path, longest=_LONGEST_ID + 1)
        if text is not None and len(text) > _LONGEST_ID:
            raise UnreadableDocument(
                "too_long", f"{'/'.join(path)} is longer than {_LONGEST_ID} characters", self.position
            )
        return text

    def attribute(self, name: str) -> str:
        return (self.element.get(name) or "").strip()

    def amount(self, *path: str, currency: str = "") -> Decimal | None:
        """An amount of money in `currency`, exact, or None when it is missing."""
        node = self.one(*path)
        return node.own_amount(currency) if node is not None else None

    def own_amount(self, currency: str = "") -> Decimal:
        number = self.own_number()
        rounded = number.quantize(_CENT)
        if rounded != number:
            raise UnreadableDocument(
                "too_many_decimals", f"{self.name} {number} has more than two decimals", self.position
            )
        given = self.attribute("currencyID")
        if currency and given and given != currency:
            raise UnreadableDocument(
                "mixed_currencies", f"{self.name} is in {given}, the document in {currency}", self.position
            )
        return rounded

    def own_number(self) -> Decimal:
        """A plain decimal number of any precision: a quantity or a price."""
        text = (self.element.text or "").strip()
        if not _DECIMAL.fullmatch(text):
            raise UnreadableDocument(
                "invalid_amount", f"{self.name} {text[:40]!r} is not a number with a decimal dot", self.position
            )
        return Decimal(text)

    def iso_date(self, *path: str) -> date | None:
        """A day written as YYYY-MM-DD, or None when it is missing. A time zone behind it changes nothing."""
        node = self.one(*path)
        text = (node.element.text or "").strip() if node is not None else ""
        if node is None or not text:
            return None
        match = _DATE.fullmatch(text)
        if not match:
            raise UnreadableDocument(
                "invalid_date", f"{node.name} {text[:40]!r} is not a date written as YYYY-MM-DD", node.position
            )
        return node.day(match[1])

    def compact_date(self, *path: str) -> date | None:
        """A day written as YYYYMMDD (UN/CEFACT date format 102), or None when it is missing."""
        node = self.one(*path)
        if node is None:
            return None
        moment = node.one("DateTimeString|DateString|DateTime|Date")
        if moment is None:
            return None
        text = (moment.element.text or "").strip()
        if moment.name in ("DateTime", "Date"):
            return moment.day(text[:10])
        if moment.attribute("format") not in ("", "102") or not _COMPACT_DATE.fullmatch(text):
            raise UnreadableDocument(
                "invalid_date", f"{node.name} {text[:40]!r} is not a date written as YYYYMMDD", moment.position
            )
        return moment.day(f"{text[:4]}-{text[4:6]}-{text[6:]}")

    def day(self, text: str) -> date:
        try:
            day = date.fromisoformat(text) if len(text) == 10 else None
        except ValueError:
            day = None
        if day is None:
            raise UnreadableDocument("invalid_date", f"{text[:40]!r} is not a day of the calendar", self.position)
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise UnreadableDocument("invalid_date", f"{day} lies outside {_FIRST_YEAR} to {_LAST_YEAR}", self.position)
        return day

    def currency(self, *path: str) -> str:
        """The currency of the document (ISO 4217)."""
        node = self.need(*path)
        text = node.own_text() or ""
        if not _CURRENCY.fullmatch(text):
            raise UnreadableDocument(
                "invalid_currency", f"{node.name} {text[:40]!r} is not a three-letter code in capitals", node.position
            )
        if text in _FINER_CURRENCIES:
            raise UnreadableDocument(
                "unsupported_currency", f"{text} has more than two decimals; such amounts cannot be kept", node.position
            )
        return text


def parse(content: bytes) -> Node:
    """The root of an XML document. Raises UnreadableDocument when it is forbidden (DOCTYPE), broken or cut off."""
    if b"<!DOCTYPE" in content[:65536].replace(b"\0", b""):
        raise _doctype()
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise _broken(error, content) from None
    # The scan of the first bytes cannot see through every encoding; the parser can.
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype()
    return Node(root)


def _doctype() -> UnreadableDocument:
    return UnreadableDocument("doctype_forbidden", "the XML declares a DOCTYPE; invoices never need one")


def _broken(error: etree.XMLSyntaxError, content: bytes) -> UnreadableDocument:
    line, column = error.position
    where = f"line {line}, column {column}"
    text = error.msg or "not well-formed"
    if "encod" in text.lower() or "not proper UTF-8" in text:
        return UnreadableDocument("encoding", f"the bytes are not in the declared encoding: {text}", where)
    if "Extra content" in text:
        return UnreadableDocument("malformed", f"something stands behind the end of the document: {text}", where)
    tail = content[-200:].replace(b"\0", b"").rstrip()
    if not re.search(rb"</(?:[\w.-]+:)?[\w.-]+\s*>$", tail) or "Premature end" in text:
        return UnreadableDocument("truncated", f"the XML stops before its end: {text}", where)
    return UnreadableDocument("malformed", f"the XML is not well-formed: {text}", where)


def _line(element: Any) -> str:
    return f"line {element.sourceline}" if element.sourceline else ""
