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

_ATOM = re.compile(r"[0-9A-Za-z]+")
_JOINTS = frozenset("-./_")
_SPACED_JOINT = re.compile(r" [-/_] ?|[-/_] ")  # a dot and a blank end a sentence

_RF_START = re.compile(r"(?<![0-9A-Za-z])RF[0-9]{2}(?=[ ]?[0-9A-Za-z])", re.IGNORECASE)
_BLOCK = re.compile(r"[ ]?([0-9A-Za-z]+)")
_OGM_MARKED = re.compile(r"(?:\+{3}|\*{3})\s?([0-9]{3})[ /.-]?([0-9]{4})[ /.-]?([0-9]{5})\s?(?:\+{3}|\*{3})")
_OGM_PLAIN = re.compile(r"(?<![0-9/])([0-9]{3})(/?)([0-9]{4})\2([0-9]{5})(?![0-9/])")
_KENMERK_16 = re.compile(r"(?<![0-9])([0-9]{4})([ .]?)([0-9]{4})\2([0-9]{4})\2([0-9]{4})(?![0-9])")
# Shorter ones look like any number, so only behind the word.
_KENMERK_NAMED = re.compile(
    r"(?:BETALINGSKENM(?:ERK)?|ACCEPTGIRO(?:NUMMER)?)[ .:]{0,4}([0-9]{7}|[0-9]{9,14}|[0-9]{16})(?![0-9])", re.IGNORECASE
)

# source, kind, reference, start, end, text, is_valid
_Found = tuple[str, str, str, int | None, int | None, str, bool | None]


def candidate_references(entry: Entry) -> tuple[Reference, ...]:
    """Every candidate of an entry, strongest sources first, each (source, kind, reference) once.

    structured: the reference fields of the message. referred_document: document numbers given in structured form.
    end_to_end: the payer's own id, whole and in parts. remittance: RF, OGM and betalingskenmerk written in the text, then
    tokens: runs of letters and digits joined by `- . / _`, whole and in every contiguous part, and joins of up to three
    neighbouring words, `2026 - 0042` among them. A token has 4 to 35 characters and at least one digit. Where the file broke a line inside a word,
    the two halves are tokens too, since the space between them may have been lost.
    """
    seen: set[tuple[str, str, str]] = set()
    references: list[Reference] = []
    tokens = 0
    for source, kind, reference, start, end, text, valid in _found(entry):
        if (source, kind, reference) in seen:
            continue
        if kind == "token":
            if tokens == TOKEN_CAP:
                break
            tokens += 1
        seen.add((source, kind, reference))
        references.append(Reference(len(references) + 1, source, kind, reference, start, end, text, valid))
    return tuple(references)


def _found(entry: Entry) -> Iterator[_Found]:
    if entry.structured_reference is not None:
        yield from _structured(entry.structured_reference_kind, entry.structured_reference)
    for kind, reference in entry.further_references[:TOKEN_CAP]:
        yield from _structured(kind, reference)
    for document in entry.referred_documents[:TOKEN_CAP]:
        written = document[:140]
        number = normalise(written)
        if number:
            yield "referred_document", "token", number, None, None, written, None
            for token, start, end in _tokens(written):
                yield "referred_document", "token", token, None, None, written[start:end], None
    if entry.end_to_end_id is not None:
        written = entry.end_to_end_id[:140]
        whole = normalise(written)
        kind_found = kind_by_shape(whole)
        if kind_found is not None:
            yield "end_to_end", kind_found, whole, None, None, written, True
        for token, start, end in _tokens(written):
            yield "end_to_end", "token", token, None, None, written[start:end], None
    if entry.remittance is not None:
        text = entry.remittance[:TEXT_CAP]
        for kind_found, reference, start, end, valid in _marked(text):
            yield "remittance", kind_found, reference, start, end, text[start:end], valid
        for token, start, end in _tokens(text):
            yield "remittance", "token", token, start, end, text[start:end], None
        wraps = [wrap for wrap in entry.wraps if wrap < len(text)]
        if wraps:
            yield from _respaced(text, wraps)


def _respaced(text: str, wraps: list[int]) -> Iterator[_Found]:
    """What a text holds when a space stands at every wrap; the spans are those in the text without them."""
    spaced = " ".join(text[start:end] for start, end in pairwise((0, *wraps, len(text))))
    places = [wrap + number for number, wrap in enumerate(wraps)]

    def back(place: int) -> int:
        return place - bisect_left(places, place)

    for kind, reference, start, end, valid in _marked(spaced):
        yield "remittance", kind, reference, back(start), back(end), text[back(start) : back(end)], valid
    for token, start, end in _tokens(spaced):
        yield "remittance", "token", token, back(start), back(end), text[back(start) : back(end)], None


def _structured(kind: str | None, reference: str) -> Iterator[_Found]:
    written = normalise(reference[:140])
    if not written:
        return
    if kind in ("RF", "OGM", "CUR"):
        yield "structured", kind, written, None, None, reference[:140], is_valid(kind, written)
    else:
        yield "structured", "token", written, None, None, reference[:140], None


def _marked(text: str) -> Iterator[tuple[str, str, int, int, bool]]:
    """RF, OGM and betalingskenmerk in free text: (kind, reference, start, end, is_valid).

    What carries its own mark (RF, +++...+++, three groups with slashes, sixteen digits) is emitted with its verdict; what
    only has the right length (twelve digits in a row) only when the check digits hold.
    """
    for match in _RF_START.finditer(text):
        yield from _rf_at(text, match.start())
    for match in _OGM_MARKED.finditer(text):
        digits = match[1] + match[2] + match[3]
        yield "OGM", digits, match.start(), match.end(), is_ogm(digits)
    for match in _OGM_PLAIN.finditer(text):
        digits = match[1] + match[3] + match[4]
        valid = is_ogm(digits)
        if valid or match[2]:
            yield "OGM", digits, match.start(), match.end(), valid
    for match in _KENMERK_16.finditer(text):
        digits = match[1] + match[3] + match[4] + match[5]
        yield "CUR", digits, match.start(), match.end(), is_betalingskenmerk(digits)
    for match in _KENMERK_NAMED.finditer(text):
        yield "CUR", match[1], match.start(1), match.end(1), is_betalingskenmerk(match[1])


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


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """(token, start, end): whole groups first, then their parts, then joins over spaces."""
    atoms = [(match.start(), match.end()) for match in _ATOM.finditer(text)]
    # How each atom is joined to the one after it: "-" inside a group, " " over one space, "" not at all.
    joins = []
    for (_, end), (start, _) in pairwise(atoms):
        gap = text[end:start]
        # `2026 - 0042` is the number written with spaces, as `2026 0042` is.
        joins.append("-" if gap in _JOINTS else " " if gap == " " or _SPACED_JOINT.fullmatch(gap) else "")
    joins.append("")
    spaced: list[tuple[str, int, int]] = []
    parts: list[tuple[str, int, int]] = []
    for first in range(len(atoms)):
        start = atoms[first][0]
        token, spaces = "", 0
        starts_group = first == 0 or joins[first - 1] != "-"
        for last in range(first, len(atoms)):
            atom = text[slice(*atoms[last])]
            token += atom.upper()
            if len(token) > LONGEST or (last - first >= _MOST_ATOMS and (spaces or not starts_group)):
                break
            if len(token) >= SHORTEST and not token.isalpha():
                found = (token, start, atoms[last][1])
                if spaces:
                    spaced.append(found)
                elif starts_group and joins[last] != "-":
                    yield found
                else:
                    parts.append(found)
            if joins[last] == "":
                break
            if joins[last] == " ":
                spaces += 1
                if spaces > _MOST_SPACES or not _may_join(atom, text[slice(*atoms[last + 1])], last == first):
                    break
    yield from parts
    yield from spaced


def _may_join(before: str, after: str, is_first: bool) -> bool:
    """Whether two words may be parts of one number written with spaces.

    `INV 2026 0042` and `2026 0042 A` may; `0042 with thanks` may not: a word of letters is a prefix at the very start, or
    at most two letters at the very end.
    """
    if before.isalpha():
        return is_first and len(before) <= _LONGEST_WORD and not after.isalpha()
    return not after.isalpha() or len(after) <= 2
