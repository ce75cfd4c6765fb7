"""Candidate references: what in an entry may name an invoice.

This module knows nothing of invoices. It emits references with a kind, a check-digit result and the place in the text, and
leaves it to the matching rules whether one of them is an open invoice. It would rather emit one too many than miss one,
but within bounds: the first `TEXT_CAP` characters are searched and at most `TOKEN_CAP` tokens come out per entry, so a text
of ten megabytes costs no more than a long one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
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

# Which characters a text is made of is all that decides where its tokens are: its shape. Digits are 0, letters A; a dot may
# join like the other joints, but a dot and a blank end a sentence; whatever else there is separates.
_DIGITS, _LETTERS = b"0123456789", bytes([*range(65, 91), *range(97, 123)])
_SHAPE = bytes(
    48 if code in _DIGITS else 65 if code in _LETTERS else 45 if code in b"-/_" else code if code in b" ." else 44
    for code in range(256)
)
_SEPARATORS = bytes(set(range(256)) - set(_DIGITS) - set(_LETTERS))
_ATOM = re.compile(rb"[0A]+")
# How an atom is joined to the one after it: "-" inside a group, " " over one space, and by anything else not at all.
# `2026 - 0042` is the number written with spaces, as `2026 0042` is.
_JOINS = {b"-": "-", b".": "-", b" ": " ", b" - ": " ", b" -": " ", b"- ": " "}
# Shapes repeat from one payment to the next. Longer ones do not, and those with more tokens would fill the memory.
_LONGEST_KEPT, _MOST_KEPT, _SHAPES_KEPT = 160, 64, 4_096
# A token reaches over two spaced joints at most, each of at most two spaces.
_REACH = 5

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
# A token: from where to where in the letters and digits of the text, and in the text.
_Span = tuple[int, int, int, int]
# kind, reference, start, end, is_valid
_Mark = tuple[str, str, int, int, bool]


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
    """`candidate_references` as plain rows in order, for landing: most of what a landing costs is spent here."""
    rows: list[Found] = []
    room = TOKEN_CAP
    if entry.structured_reference is not None or entry.further_references:
        room = _structured(rows, entry)
    if entry.referred_documents and room >= 0:
        room = _documents(rows, entry.referred_documents, room)
    if entry.end_to_end_id is not None and room >= 0:
        room = _end_to_end(rows, entry.end_to_end_id[:140], room)
    if entry.remittance is not None and room >= 0:
        _remitted(rows, entry.remittance[:TEXT_CAP], entry.wraps, room)
    return rows


# Each of the four below adds the rows of one source, each kind and reference once. `room` is how many tokens the entry may
# still have; below zero there was one too many, and nothing after it counts.


def _structured(rows: list[Found], entry: Entry) -> int:
    given: list[tuple[str | None, str]] = []
    if entry.structured_reference is not None:
        given.append((entry.structured_reference_kind, entry.structured_reference))
    given.extend(entry.further_references[:TOKEN_CAP])
    room = TOKEN_CAP
    seen: set[tuple[str, str]] = set()
    for kind, reference in given:
        written = reference[:140]
        number = normalise(written)
        known = kind if kind in ("RF", "OGM", "CUR") else "token"
        if not number or (known, number) in seen:
            continue
        seen.add((known, number))
        if known == "token":
            room -= 1
            if room < 0:
                return room
            rows.append(("structured", known, number, None, None, written, None))
        else:
            rows.append(("structured", known, number, None, None, written, is_valid(known, number)))
    return room


def _documents(rows: list[Found], documents: tuple[str, ...], room: int) -> int:
    seen: set[str] = set()
    for document in documents[:TOKEN_CAP]:
        written = document[:140]
        number = normalise(written)
        if number:
            if number not in seen:
                room -= 1
                if room < 0:
                    return room
                seen.add(number)
                rows.append(("referred_document", "token", number, None, None, written, None))
            room = _unplaced(rows, "referred_document", written, seen, room)
            if room < 0:
                return room
    return room


def _end_to_end(rows: list[Found], written: str, room: int) -> int:
    whole = normalise(written)
    kind = kind_by_shape(whole) if whole[:2] == "RF" or len(whole) in (12, 16) else None
    if kind is not None:
        rows.append(("end_to_end", kind, whole, None, None, written, True))
    return _unplaced(rows, "end_to_end", written, set(), room)


def _unplaced(rows: list[Found], source: str, written: str, seen: set[str], room: int) -> int:
    """The tokens of a field that is not the remittance text: they have no place in that."""
    plain = written.encode("ascii", "replace")
    shape = plain.translate(_SHAPE)
    if b"0" not in shape:
        return room
    compact = plain.upper().translate(None, _SEPARATORS).decode("ascii")
    for first, last, start, end in _kept_tokens(shape):
        token = compact[first:last]
        if token not in seen:
            room -= 1
            if room < 0:
                return room
            seen.add(token)
            rows.append((source, "token", token, None, None, written[start:end], None))
    return room


def _remitted(rows: list[Found], text: str, wraps: tuple[int, ...], room: int) -> None:
    """What the text holds as it is, then what it holds when a space stands at every wrap."""
    # One byte a character, so that places agree: other letters than ASCII are no part of a reference.
    plain = text.encode("ascii", "replace").upper()
    shape = plain.translate(_SHAPE)
    if b"0" not in shape:
        return
    marks: set[tuple[str, str]] = set()
    if _may_be_marked(plain, shape):
        for kind, reference, start, end, valid in _marked(text, plain, shape):
            if (kind, reference) not in marks:
                marks.add((kind, reference))
                rows.append(("remittance", kind, reference, start, end, text[start:end], valid))
    # Letters and digits only: of this every token is a part.
    compact = plain.translate(None, _SEPARATORS).decode("ascii")
    seen: set[str] = set()
    for first, last, start, end in _spans(shape):
        token = compact[first:last]
        if token not in seen:
            room -= 1
            if room < 0:
                return
            seen.add(token)
            rows.append(("remittance", "token", token, start, end, text[start:end], None))
    if wraps:
        _respaced(rows, text, plain, [wrap for wrap in wraps if wrap < len(text)], marks, seen, room)


def _respaced(
    rows: list[Found],
    text: str,
    plain: bytes,
    wraps: list[int],
    marks: set[tuple[str, str]],
    seen: set[str],
    room: int,
) -> None:
    """What is new when a space stands at every wrap; the places are those in the text without them."""
    if not wraps:
        return
    pieces = list(pairwise((0, *wraps, len(text))))
    spaced = b" ".join([plain[start:end] for start, end in pieces])
    shape = spaced.translate(_SHAPE)
    places = [wrap + number for number, wrap in enumerate(wraps)]
    if _may_be_marked(spaced, shape):
        for kind, reference, start, end, valid in _marked(" ".join([text[a:b] for a, b in pieces]), spaced, shape):
            if (kind, reference) not in marks:
                marks.add((kind, reference))
                start, end = start - bisect_left(places, start), end - bisect_left(places, end)
                rows.append(("remittance", kind, reference, start, end, text[start:end], valid))
    # Only what touches a wrap can be new.
    begin, finish = _spaces_before(shape, places[0], _REACH), _spaces_after(shape, places[-1] + 1, _REACH)
    compact = spaced[begin:finish].translate(None, _SEPARATORS).decode("ascii")
    for first, last, start, end in _spans(shape[begin:finish]):
        token = compact[first:last]
        if token not in seen:
            room -= 1
            if room < 0:
                return
            seen.add(token)
            start, end = start + begin, end + begin
            start, end = start - bisect_left(places, start), end - bisect_left(places, end)
            rows.append(("remittance", "token", token, start, end, text[start:end], None))


def _spaces_before(shape: bytes, place: int, count: int) -> int:
    """The place behind the `count`-th space before a place, or the beginning."""
    for _ in range(count):
        place = shape.rfind(b" ", 0, place)
        if place < 0:
            return 0
    return place + 1


def _spaces_after(shape: bytes, place: int, count: int) -> int:
    """The place of the `count`-th space behind a place, or the end."""
    for _ in range(count):
        place = shape.find(b" ", place) + 1
        if not place:
            return len(shape)
    return place - 1


def _has_long_number(shape: bytes) -> bool:
    return b"000000000000" in shape or b"000-0000-00000" in shape


def _has_sixteen(shape: bytes) -> bool:
    return b"0000000000000000" in shape or b"0000 0000 0000 0000" in shape or b"0000.0000.0000.0000" in shape


def _has_name(upper: bytes) -> bool:
    # The long s and the Kelvin sign match s and k in a pattern that minds no case; what is not ASCII is a question mark.
    return b"KENM" in upper or b"ACCEPTGIRO" in upper or b"?" in upper


def _may_be_marked(upper: bytes, shape: bytes) -> bool:
    """Whether to try the patterns at all: to look for a few characters costs a tenth of that."""
    return (
        b"RF" in upper
        or b"+++" in upper
        or b"***" in upper
        or _has_long_number(shape)
        or _has_sixteen(shape)
        or _has_name(upper)
    )


def _marked(text: str, upper: bytes, shape: bytes) -> Iterator[_Mark]:
    """RF, OGM and betalingskenmerk in free text: (kind, reference, start, end, is_valid).

    What carries its own mark (RF, +++...+++, three groups with slashes, sixteen digits) is emitted with its verdict; what
    only has the right length (twelve digits in a row) only when the check digits hold.
    """
    if b"RF" in upper:
        for match in _RF_START.finditer(text):
            yield from _rf_at(text, match.start())
    if b"+++" in upper or b"***" in upper:
        for match in _OGM_MARKED.finditer(text):
            digits = match[1] + match[2] + match[3]
            yield "OGM", digits, match.start(), match.end(), is_ogm(digits)
    if _has_long_number(shape):
        for match in _OGM_PLAIN.finditer(text):
            digits = match[1] + match[3] + match[4]
            valid = is_ogm(digits)
            if valid or match[2]:
                yield "OGM", digits, match.start(), match.end(), valid
    if _has_sixteen(shape):
        for match in _KENMERK_16.finditer(text):
            digits = match[1] + match[3] + match[4] + match[5]
            yield "CUR", digits, match.start(), match.end(), is_betalingskenmerk(digits)
    if _has_name(upper):
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


def _spans(shape: bytes) -> Iterable[_Span]:
    """The tokens of a text of this shape: whole groups first, then their parts, then joins over spaces."""
    place = shape.find(b"0")
    if place < 0:
        return ()
    # Words without a digit matter next to a number only.
    begin, finish = _spaces_before(shape, place, 3), _spaces_after(shape, shape.rfind(b"0"), 3)
    if finish - begin > _LONGEST_KEPT:
        return _tokens(shape)
    before = len(shape[:begin].translate(None, b" .,-"))
    found = _kept_tokens(shape[begin:finish])
    if not begin:
        return found
    return [(first + before, last + before, start + begin, end + begin) for first, last, start, end in found]


_kept: dict[bytes, list[_Span]] = {}


def _kept_tokens(shape: bytes) -> list[_Span]:
    """`_tokens`, remembered for the shapes met of late."""
    found = _kept.get(shape)
    if found is None:
        found = _tokens(shape)
        if len(found) <= _MOST_KEPT:
            if len(_kept) >= _SHAPES_KEPT:
                _kept.clear()
            _kept[shape] = found
    return found


def _tokens(shape: bytes) -> list[_Span]:
    """The tokens of a text of this shape.

    Words may be parts of one number written with spaces: `INV 2026 0042` and `2026 0042 A` may; `0042 with thanks` may
    not: a word of letters is a prefix at the very start, or at most two letters at the very end.
    """
    atoms = [match.span() for match in _ATOM.finditer(shape)]
    joins = [_JOINS.get(shape[end:start], "") for (_, end), (start, _) in pairwise(atoms)]
    joins.append("")
    letters = [b"0" not in shape[start:end] for start, end in atoms]
    whole: list[_Span] = []
    parts: list[_Span] = []
    spaced: list[_Span] = []
    join, passed = "", 0
    for first, (start, first_end) in enumerate(atoms):
        starts_group = join != "-"
        join = joins[first]
        length = first_end - start
        compact_start, passed = passed, passed + length
        last, spaces, after, is_letters = first, 0, join, letters[first]
        if not is_letters and SHORTEST <= length <= LONGEST:
            (whole if starts_group and join != "-" else parts).append((compact_start, passed, start, first_end))
        while after:
            next_start, next_end = atoms[last + 1]
            if after == " ":
                spaces += 1
                if spaces > _MOST_SPACES:
                    break
                if letters[last]:
                    if last != first or length > _LONGEST_WORD or letters[last + 1]:
                        break
                elif letters[last + 1] and next_end - next_start > 2:
                    break
            last += 1
            length += next_end - next_start
            if length > LONGEST or (last - first >= _MOST_ATOMS and (spaces or not starts_group)):
                break
            is_letters = is_letters and letters[last]
            after = joins[last]
            if not is_letters and length >= SHORTEST:
                found = (compact_start, compact_start + length, start, next_end)
                if spaces:
                    spaced.append(found)
                elif starts_group and after != "-":
                    whole.append(found)
                else:
                    parts.append(found)
    return whole + parts + spaced
