"""Candidate references: what in an entry may name an invoice.

This module knows nothing of invoices. It emits references with a kind, a check-digit result and the place in the text, and
leaves it to the matching rules whether one of them is an open invoice. It would rather emit one too many than miss one,
but within bounds: the first `TEXT_CAP` characters are searched and at most `TOKEN_CAP` tokens come out per entry, so a text
of ten megabytes costs no more than a long one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

from assets.banking.statements import Entry, Reference
from assets.banking.structured import is_betalingskenmerk, is_ogm, is_rf, is_valid, kind_by_shape
from assets.banking.values import normalise

TEXT_CAP = 4_000
TOKEN_CAP = 200
SHORTEST, LONGEST = 4, 35
_MOST_ATOMS = 5
_MOST_SPACES = 2
_LONGEST_WORD = 8  # a word of letters in front of a number: longer ones are language, not a prefix

# Runs of letters and digits, each with what stands between it and the next.
_PIECES = re.compile(r"([0-9A-Za-z]+)([^0-9A-Za-z]*)")
_DIGIT = re.compile(r"[0-9]")
# How an atom is joined to the one after it: "-" inside a group, " " over one space, and by anything else not at all.
# `2026 - 0042` is the number written with spaces, as `2026 0042` is; but a dot and a blank end a sentence.
_JOINS = dict.fromkeys("-./_", "-") | dict.fromkeys(
    [" ", *(written for joint in "-/_" for written in (f" {joint} ", f" {joint}", f"{joint} "))], " "
)

_RF_START = re.compile(r"(?<![0-9A-Za-z])RF[0-9]{2}(?=[ ]?[0-9A-Za-z])", re.IGNORECASE)
_BLOCK = re.compile(r"[ ]?([0-9A-Za-z]+)")
_OGM_MARKED = re.compile(r"(?:\+{3}|\*{3})\s?([0-9]{3})[ /.-]?([0-9]{4})[ /.-]?([0-9]{5})\s?(?:\+{3}|\*{3})")
_OGM_PLAIN = re.compile(r"(?<![0-9/])([0-9]{3})(/?)([0-9]{4})\2([0-9]{5})(?![0-9/])")
_KENMERK_16 = re.compile(r"(?<![0-9])([0-9]{4})([ .]?)([0-9]{4})\2([0-9]{4})\2([0-9]{4})(?![0-9])")
# Shorter ones look like any number, so only behind the word.
_KENMERK_NAMED = re.compile(
    r"(?:BETALINGSKENM(?:ERK)?|ACCEPTGIRO(?:NUMMER)?)[ .:]{0,4}([0-9]{7}|[0-9]{9,14}|[0-9]{16})(?![0-9])", re.IGNORECASE
)

# source, kind, reference, start, end, text, is_valid: a `Reference` without its position.
Found = tuple[str, str, str, int | None, int | None, str, bool | None]
# token, start, end
_Token = tuple[str, int, int]
# kind, reference, start, end, is_valid
_Mark = tuple[str, str, int, int, bool]


class _Full(Exception):
    """As many tokens as one entry may have; nothing after them counts."""


def candidate_references(entry: Entry) -> tuple[Reference, ...]:
    """Every candidate of an entry, strongest sources first, each (source, kind, reference) once.

    structured: the reference fields of the message. referred_document: document numbers given in structured form.
    end_to_end: the payer's own id, whole and in parts. remittance: RF, OGM and betalingskenmerk written in the text, then
    tokens: runs of letters and digits joined by `- . / _`, whole and in every contiguous part, and joins of up to three
    neighbouring words, `2026 - 0042` among them. A token has 4 to 35 characters and at least one digit. Where the file broke a line inside a word,
    the two halves are tokens too, since the space between them may have been lost.
    """
    return tuple(Reference(position, *found) for position, found in enumerate(found_references(entry), start=1))


def found_references(entry: Entry) -> list[Found]:
    """`candidate_references` as plain rows in order, for landing: half of what a landing costs is spent here."""
    collected = _Collected()
    with suppress(_Full):
        _collect(entry, collected)
    return collected.rows


class _Collected:
    """The references of one entry so far. Tokens are told apart within their source; a source is filled at one go."""

    __slots__ = ("marks", "room", "rows", "tokens")

    def __init__(self) -> None:
        self.rows: list[Found] = []
        self.marks: set[tuple[str, str, str]] = set()
        self.tokens: set[str] = set()
        self.room = TOKEN_CAP

    def mark(
        self, source: str, kind: str, reference: str, start: int | None, end: int | None, text: str, valid: bool
    ) -> None:
        if (source, kind, reference) not in self.marks:
            self.marks.add((source, kind, reference))
            self.rows.append((source, kind, reference, start, end, text, valid))

    def token(self, source: str, token: str, start: int | None, end: int | None, text: str) -> None:
        if token in self.tokens:
            return
        if not self.room:
            raise _Full
        self.room -= 1
        self.tokens.add(token)
        self.rows.append((source, "token", token, start, end, text, None))


def _collect(entry: Entry, found: _Collected) -> None:
    if entry.structured_reference is not None:
        _structured(found, entry.structured_reference_kind, entry.structured_reference)
    for kind, reference in entry.further_references[:TOKEN_CAP]:
        _structured(found, kind, reference)
    if entry.referred_documents:
        found.tokens = set()
        for document in entry.referred_documents[:TOKEN_CAP]:
            written = document[:140]
            number = normalise(written)
            if number:
                found.token("referred_document", number, None, None, written)
                _unplaced(found, "referred_document", written)
    if entry.end_to_end_id is not None:
        found.tokens = set()
        written = entry.end_to_end_id[:140]
        whole = normalise(written)
        kind_found = kind_by_shape(whole) if whole[:2] == "RF" or len(whole) in (12, 16) else None
        if kind_found is not None:
            found.mark("end_to_end", kind_found, whole, None, None, written, True)
        _unplaced(found, "end_to_end", written)
    if entry.remittance is not None:
        found.tokens = set()
        text = entry.remittance[:TEXT_CAP]
        marks, tokens = _read(text)
        for kind_found, reference, start, end, valid in marks:
            found.mark("remittance", kind_found, reference, start, end, text[start:end], valid)
        for token, start, end in tokens:
            found.token("remittance", token, start, end, text[start:end])
        wraps = [wrap for wrap in entry.wraps if wrap < len(text)]
        if wraps:
            _respaced(found, text, wraps)


def _unplaced(found: _Collected, source: str, written: str) -> None:
    """The tokens of a field that is not the remittance text: they have no place in that."""
    if _DIGIT.search(written) is not None:
        for token, start, end in _tokens(*_atoms(written)):
            found.token(source, token, None, None, written[start:end])


def _respaced(found: _Collected, text: str, wraps: list[int]) -> None:
    """What a text holds when a space stands at every wrap; the spans are those in the text without them."""
    spaced = " ".join(text[start:end] for start, end in pairwise((0, *wraps, len(text))))
    places = [wrap + number for number, wrap in enumerate(wraps)]
    marks, tokens = _read(spaced)
    for kind, reference, start, end, valid in marks:
        start, end = start - bisect_left(places, start), end - bisect_left(places, end)
        found.mark("remittance", kind, reference, start, end, text[start:end], valid)
    for token, start, end in tokens:
        if token not in found.tokens:
            start, end = start - bisect_left(places, start), end - bisect_left(places, end)
            found.token("remittance", token, start, end, text[start:end])


def _structured(found: _Collected, kind: str | None, reference: str) -> None:
    written = normalise(reference[:140])
    if not written:
        return
    if kind in ("RF", "OGM", "CUR"):
        found.mark("structured", kind, written, None, None, reference[:140], is_valid(kind, written))
    else:
        found.token("structured", written, None, None, reference[:140])


def _read(text: str) -> tuple[list[_Mark], list[_Token]]:
    """What stands in a text: references that carry a mark or check digits, and tokens."""
    if _DIGIT.search(text) is None:
        return [], []
    lead, atoms = _atoms(text)
    return _marked(text, atoms), _tokens(lead, atoms)


def _atoms(text: str) -> tuple[int, list[tuple[str, str]]]:
    """Where the first run of letters and digits stands, and the runs in upper case, each with the gap behind it."""
    if text.isascii():
        atoms = _PIECES.findall(text.upper())
    else:
        # To put other letters into upper case may change their number, and with it every place behind them.
        atoms = [(atom.upper(), gap) for atom, gap in _PIECES.findall(text)]
    return len(text) - sum([len(atom) + len(gap) for atom, gap in atoms]), atoms


def _marked(text: str, atoms: list[tuple[str, str]]) -> list[_Mark]:
    """RF, OGM and betalingskenmerk in free text: (kind, reference, start, end, is_valid).

    What carries its own mark (RF, +++...+++, three groups with slashes, sixteen digits) is emitted with its verdict; what
    only has the right length (twelve digits in a row) only when the check digits hold. What cannot match is not tried:
    letters other than ASCII may match a pattern in ways of their own, so such a text is tried with all that have letters.
    """
    marks: list[_Mark] = []
    upper = text.upper() if text.isascii() else ""
    longest = max([len(atom) for atom, _ in atoms])
    if not upper or "RF" in upper:
        for match in _RF_START.finditer(text):
            marks.extend(_rf_at(text, match.start()))
    if "+++" in text or "***" in text:
        for match in _OGM_MARKED.finditer(text):
            digits = match[1] + match[2] + match[3]
            marks.append(("OGM", digits, match.start(), match.end(), is_ogm(digits)))
    if longest >= 12 or text.count("/") >= 2:
        for match in _OGM_PLAIN.finditer(text):
            digits = match[1] + match[3] + match[4]
            valid = is_ogm(digits)
            if valid or match[2]:
                marks.append(("OGM", digits, match.start(), match.end(), valid))
    if longest >= 16 or len(atoms) >= 4:
        for match in _KENMERK_16.finditer(text):
            digits = match[1] + match[3] + match[4] + match[5]
            marks.append(("CUR", digits, match.start(), match.end(), is_betalingskenmerk(digits)))
    if not upper or "KENM" in upper or "ACCEPTGIRO" in upper:
        for match in _KENMERK_NAMED.finditer(text):
            marks.append(("CUR", match[1], match.start(1), match.end(1), is_betalingskenmerk(match[1])))
    return marks


def _rf_at(text: str, start: int) -> Iterator[tuple[str, str, int, int, bool]]:
    """The RF reference that begins here. It may be written in blocks, and words may follow: the longest valid one counts."""
    compact = ""
    at = start
    best: tuple[str, int] | None = None
    first: tuple[str, int] | None = None
    while len(compact) < 25:
        match = _BLOCK.match(text, at)
        if match is None:
            break
        compact += match[1].upper()
        at = match.end()
        if len(compact) > 25:
            break
        if len(compact) > 4:
            first = first or (compact, at)
            if is_rf(compact):
                best = (compact, at)
    if best is not None:
        yield "RF", best[0], start, best[1], True
    elif first is not None:
        yield "RF", first[0], start, first[1], False


def _tokens(lead: int, atoms: list[tuple[str, str]]) -> list[_Token]:
    """(token, start, end): whole groups first, then their parts, then joins over spaces.

    Words may be parts of one number written with spaces: `INV 2026 0042` and `2026 0042 A` may; `0042 with thanks` may
    not: a word of letters is a prefix at the very start, or at most two letters at the very end.
    """
    starts: list[int] = []
    at = lead
    for atom, gap in atoms:
        starts.append(at)
        at += len(atom) + len(gap)
    joins = [_JOINS.get(gap, "") for _, gap in atoms]
    joins[-1] = ""
    alpha = [atom.isalpha() for atom, _ in atoms]
    whole: list[_Token] = []
    parts: list[_Token] = []
    spaced: list[_Token] = []
    before = ""
    for first, (token, _) in enumerate(atoms):
        join, starts_group, before = joins[first], before != "-", joins[first]
        if alpha[first]:
            # Without a digit it is no token, and a word of language joins nothing.
            if join == "" or (join == " " and (alpha[first + 1] or len(token) > _LONGEST_WORD)):
                continue
        elif SHORTEST <= len(token) <= LONGEST:
            start = starts[first]
            (whole if starts_group and join != "-" else parts).append((token, start, start + len(token)))
        has_digit, spaces, last = not alpha[first], 0, first
        while join:
            following, _ = atoms[last + 1]
            if join == " ":
                spaces += 1
                if spaces > _MOST_SPACES:
                    break
                if alpha[last]:
                    if last != first or len(token) > _LONGEST_WORD or alpha[last + 1]:
                        break
                elif alpha[last + 1] and len(following) > 2:
                    break
            last += 1
            token += following
            if len(token) > LONGEST or (last - first >= _MOST_ATOMS and (spaces or not starts_group)):
                break
            has_digit = has_digit or not alpha[last]
            join = joins[last]
            if has_digit and len(token) >= SHORTEST:
                found = (token, starts[first], starts[last] + len(following))
                if spaces:
                    spaced.append(found)
                elif starts_group and join != "-":
                    whole.append(found)
                else:
                    parts.append(found)
    return whole + parts + spaced
