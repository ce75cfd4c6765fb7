"""Field 86 of MT940: what the bank tells about a movement, in the style of each bank.

The field is at most six lines of 65, and banks break them in mid-word, so first the lines are put back together. The
*tight* text joins them with nothing between: keywords, accounts and ids are read from it, so they do not depend on where
a line happened to end. Texts for people get a space back where a line was broken before it was full. Where a full line
was broken inside a word the offset is kept in `wraps`, because a space that stood there is lost and a reference may have
to be read both ways.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from assets.banking.structured import reference_of_kind
from assets.banking.values import (
    BIC,
    IBAN,
    account_number,
    has_iban_check_digits,
    identifier,
    is_digits,
    is_same_account,
    normalise,
    one_line,
)

_LINE = 65
_FIRST_LINE = _LINE - len(":86:")  # most banks count the tag in, Rabobank does not


class Information:
    """What field 86 says. `raw` is the tight text. A plain class: a million are made a day and most of it stays None."""

    raw: str = ""
    name: str | None = None
    account: str | None = None
    bic: str | None = None
    remittance: str | None = None
    wraps: tuple[int, ...] = ()
    end_to_end_id: str | None = None
    mandate_id: str | None = None
    creditor_id: str | None = None
    payment_batch_id: str | None = None
    structured_kind: str | None = None
    structured_reference: str | None = None
    is_return: bool = False
    return_reason: str | None = None
    transaction_code: str | None = None
    debtor_id: str | None = None
    purpose: str | None = None

    def __init__(self, raw: str = "") -> None:
        self.raw = raw


class Flow:
    """The lines of one field joined, with what is known about each join."""

    __slots__ = ("breaks", "lines", "soft", "text")

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.breaks: list[int] = []  # offsets in `text` where a line ended
        self.soft: set[int] = set()  # those of them where the bank broke by itself, so a space belongs there
        if len(lines) == 1:
            self.text = lines[0]
            return
        self.text = "".join(lines)
        length, full = 0, _FIRST_LINE
        for line in lines[:-1]:
            size = len(line)
            length += size
            self.breaks.append(length)
            if not full <= size <= _LINE:
                self.soft.add(length)
            full = _LINE

    @classmethod
    def of_subfields(cls, pieces: list[str]) -> Flow:
        """The pieces of a text that was cut every 27 places, blanks at the end of each left out."""
        flow = cls(pieces or [""])
        length = 0
        for piece in pieces[:-1]:
            length += len(piece)
            (flow.soft.discard if len(piece) >= _SUBFIELD else flow.soft.add)(length)
        return flow

    def spaced(self, start: int, end: int) -> tuple[str | None, tuple[int, ...]]:
        """The text between two offsets as one line for people, and where in it a hard break stands inside a word."""
        text = self.text[start:end]
        plain = " ".join(text.split())
        first, last = bisect_right(self.breaks, start), bisect_left(self.breaks, end)
        if first >= last:
            return plain or None, ()
        if len(plain) == len(text) and not self.soft:  # nothing was spaced out, so every offset holds
            inside = self.breaks[first:last]
            return plain, tuple([at - start for at in inside if " " not in self.text[at - 1 : at + 1]])
        return self._spaced(start, end, self.breaks[first:last])

    def _spaced(self, start: int, end: int, breaks: list[int]) -> tuple[str | None, tuple[int, ...]]:
        pieces: list[str] = []
        wraps: list[int] = []
        length, at = 0, start
        runs_on = False  # the last word may go on in the next piece
        for stop in (*breaks, end):
            piece = self.text[at:stop]
            words = " ".join(piece.split())
            if words:
                if runs_on and not piece[0].isspace():
                    wraps.append(length)
                elif pieces:
                    pieces.append(" ")
                    length += 1
                pieces.append(words)
                length += len(words)
                runs_on = not piece[-1].isspace()
            elif piece:
                runs_on = False
            runs_on = runs_on and stop not in self.soft
            at = stop
        return "".join(pieces) or None, tuple(wraps)


def read_information(lines: list[str], own_account: str) -> Information:
    """Splits the lines of field 86, without its tag; an empty line stands where the tag was repeated."""
    flow = Flow(lines)
    if _STARTS_SLASHED.match(flow.text):
        return _slashed(flow, own_account)
    if _NUMBERED.match(flow.text):
        return _numbered(flow, own_account)
    if _LABELLED.search(" ".join(flow.lines)):
        return _labelled(flow, own_account)
    return _plain(flow, own_account)


# -- /KEY/value/ : ABN AMRO, ING, Rabobank, Triodos, Knab, Van Lanschot, KBC, BNP Paribas Fortis --------------------------

_PARTIES = frozenset({"ORDP", "BENM", "INIT", "ULTD", "ULTC", "ULTB", "ULTS"})
_PARTY_PARTS = frozenset({"NAME", "ID", "ADDR"})
_KEYS = frozenset(
    {"TRTP", "RTYP", "EREF", "MARF", "CSID", "CNTP", "IBAN", "BIC", "REMI", "PREF", "RTRN", "TRCD", "ISDT", "PURP"}
    | {
        "OCMT",
        "RCMT",
        "CHGS",
        "CHRG",
        "EXCH",
        "SVCL",
        "BUSP",
        "ACCW",
        "CREF",
        "RREF",
        "IREF",
        "SUM",
        "TITL",
        "INFO",
        "PY",
    }
    | _PARTIES
    | _PARTY_PARTS
)
_KEY = re.compile(r"/([A-Z]{2,4})(?=/)")
_STARTS_SLASHED = re.compile(
    r"\s*/(?:TRTP|RTYP|EREF|MARF|CSID|CNTP|IBAN|NAME|REMI|PREF|RTRN|ORDP|BENM|TRCD|PURP|ISDT|BIC|ULTD|ULTC|OCMT|CHGS|RREF|IREF)/"
)
# Once the payer's own text has begun, only what the bank itself writes behind it counts, and only once: a payer may write
# "/IBAN/..." too. ABN AMRO and its kin (/TRTP/) put account, name and reference behind the text, the others never.
_AFTER_TEXT = frozenset(
    {"ISDT", "PURP", "INIT", "ULTD", "ULTC", "ULTB", "ULTS", "TRCD", "RTRN", "CSID"}
    | {"OCMT", "RCMT", "CHGS", "CHRG", "EXCH"}
)
_COUNTERPARTY = frozenset({"", "ORDP", "BENM"})
_AFTER_TEXT_TYPED = _AFTER_TEXT | {"IBAN", "BIC", "NAME", "EREF", "MARF", "ORDP", "BENM", "CREF"}


# Rabobank: type, issuer and reference spelled out. ABN AMRO writes the issuer and the reference in columns.
_TYPED_REFERENCE = re.compile(
    r"/*CDTRREFTP//CD/SCOR/(?:ISSR/([A-Z]+)/)?CDTRREF/([0-9A-Z ]+)|\s*ISSUER: *([A-Z]{3}) +REF: *([0-9A-Z]+)\s*$"
)


def _slashed_fields(text: str) -> dict[str, tuple[int, int]]:
    """Where the value of each keyword stands; the first of a name wins, unless it was empty."""
    found: dict[str, tuple[int, int]] = {}
    name, start = "", 0
    in_text = has_text = False
    after = _AFTER_TEXT
    party = ""
    for match in _KEY.finditer(text):
        key = match[1]
        if key not in _KEYS:
            continue
        at = match.start()
        if in_text:
            has_text = has_text or bool(text[start:at].strip("/ "))
            if key == "REMI" or has_text:
                if has_text and (key not in after or key in found):
                    continue
                if key == "REMI":
                    name = ""
        if name and name not in found:
            found[name] = (start, at)
        name, start = key, match.end() + 1
        if key in _PARTIES:
            party = key
        elif key not in _PARTY_PARTS:
            party = ""
            if key == "TRTP" or key == "RTYP":
                after = _AFTER_TEXT_TYPED
        elif key == "ID" or party not in _COUNTERPARTY:
            # The name of an ultimate party, or the id of any, must not pass for the counterparty's own.
            name = f"{party}.{key}"
        in_text, has_text = key == "REMI", False
    if name and name not in found:
        found[name] = (start, len(text))
    return found


def _slashed(flow: Flow, own_account: str) -> Information:
    text = flow.text
    fields = _slashed_fields(text)

    information = Information(raw=text)
    for name, (start, end) in fields.items():
        reading = _READINGS.get(name)
        if reading is not None and (value := text[start:end].strip("/ ")):
            setattr(information, reading[0], reading[1](value))
    information.is_return = "RTRN" in fields
    if "NAME" in fields:
        information.name = _trim(flow.spaced(*fields["NAME"])[0])
    if "CNTP" in fields:
        _counterparty(flow, *fields["CNTP"], information)
    if "REMI" in fields:
        _remittance(flow, *fields["REMI"], information)
    if is_same_account(information.account, own_account):
        information.account = None
    return information


def _counterparty(flow: Flow, start: int, end: int, information: Information) -> None:
    """ING and Triodos: `/CNTP/account/BIC/name/city//`; a name may hold a slash of its own, an account may be empty."""
    parts = flow.text[start:end].split("/", 3)
    information.account = account_number(parts[0]) or information.account
    if len(parts) > 1:
        information.bic = _compact(parts[1]) or information.bic
    if len(parts) > 2:
        at = start + len(parts[0]) + len(parts[1]) + 2
        information.name = flow.spaced(at, at + len(parts[2]))[0] or information.name


def _remittance(flow: Flow, start: int, end: int, information: Information) -> None:
    """`/REMI/USTD//text/` or `/REMI/STRD/CUR/ref/` (ING, Triodos), `/REMI/text/` elsewhere."""
    text = flow.text[start:end]
    if text[:5] == "STRD/":
        issuer, _, reference = text[5:].partition("/")
        written = normalise(reference.partition("/")[0])
        if written:
            information.structured_kind = reference_of_kind(issuer, written)
            information.structured_reference = written
        return
    typed = _TYPED_REFERENCE.match(text)
    if typed is not None:
        written = normalise(typed[2] or typed[4])
        information.structured_kind = reference_of_kind(typed[1] or typed[3], written)
        information.structured_reference = written
        return
    if text[:4] == "USTD":
        start += len(text) - len(text[4:].lstrip("/"))
    closing = flow.text[start:end].rstrip()
    if text[:4] == "USTD" or closing.endswith("/"):
        end = start + len(closing.rstrip("/"))
    while start < end and flow.text[start] == "/":
        start += 1
    information.remittance, information.wraps = flow.spaced(start, end)


# -- ?20text?21text : German style (Deutsche Bank, Commerzbank, HVB, Sparkassen), also >20text (Triodos) -------------------

_NUMBERED = re.compile(r"\s*(?:\d{3})?([?>@|^~])(?:00|10|20|21|30|32)")
_PURPOSES = (*map(str, range(20, 30)), *map(str, range(60, 64)))
_SUBFIELDS = frozenset({"00", "10", *_PURPOSES, "30", "31", "32", "33", "34", "38", *map(str, range(70, 80))})
_CUTS = {mark: re.compile(re.escape(mark) + r"(?=([0-9]{2}))") for mark in "?>@|^~"}
_SUBFIELD = 27
# Business transaction codes of returns: direct debits that came back (108, 109; 181, 184 when we were the debtor), credit
# transfers that came back (159), and what they were before SEPA (009, 059).
_RETURN_CODES = frozenset({"009", "059", "108", "109", "159", "181", "184"})
_ISO_REASON = re.compile(r"\b(?:A[CGM]|BE|CNO|DNO|DT|ED|FF|MD|MS|RC|RR|SL|TM)(?:[0-9]{2}|R)\b")
_TAG = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC|PURP|COAM|OAMT)\+\s?")
_LONGEST_ID = 35


def _subfields(text: str, mark: str) -> dict[str, str]:
    """The numbered parts of the field. Numbers rise, so `?20` in a payer's own text is text."""
    parts: dict[str, str] = {}
    name, start = "", 0
    for cut in _CUTS[mark].finditer(text):
        number = cut[1]
        if number > name and number in _SUBFIELDS:
            if name:
                parts[name] = text[start : cut.start()]
            name, start = number, cut.end() + 2
    parts[name] = text[start:]
    return parts


def _numbered(flow: Flow, own_account: str) -> Information:
    text = flow.text
    start = _NUMBERED.match(text)
    assert start is not None
    mark = start[1]
    information = Information(text)
    parts = _subfields(text, mark)
    purposes = [parts[key] for key in _PURPOSES if key in parts]
    if mark == ">" and purposes and BIC.fullmatch(purposes[0].strip()):
        information.bic = purposes.pop(0).strip()
        if purposes and IBAN.fullmatch(purposes[0].strip()):
            information.account = purposes.pop(0).strip()
    else:
        information.account = account_number(parts.get("38") or (parts.get("31") if mark != ">" else None))
        bank = (parts.get("30") or "").strip()
        information.bic = bank if BIC.fullmatch(bank) and not is_digits(bank) else None
    names = Flow.of_subfields([parts[key] for key in ("32", "33") if key in parts])
    information.name = names.spaced(0, len(names.text))[0]
    _purpose(Flow.of_subfields(purposes), information)
    if text.lstrip()[:3] in _RETURN_CODES:
        information.is_return = True
        named = _ISO_REASON.search(information.remittance or "")
        information.return_reason = named[0] if named else one_line(parts.get("34"))
    if is_same_account(information.account, own_account):
        information.account = None
    return information


def _purpose(joined: Flow, information: Information) -> None:
    """Takes the SEPA tags out of the purpose lines; what is left is the payer's text."""
    text = joined.text
    starts = {0, *joined.breaks}
    # A tag opens a line or follows a space or sign; the same letters inside a word are text.
    tags = [tag for tag in _TAG.finditer(text) if tag.start() in starts or not text[tag.start() - 1].isalnum()]
    texts = [(0, tags[0].start() if tags else len(text))]
    seen: set[str] = set()
    for number, tag in enumerate(tags):
        name, start = tag[1], tag.end()
        end = tags[number + 1].start() if number + 1 < len(tags) else len(text)
        if name in _IDS:
            stop = _end_of_id(joined, start, end)
            if name not in seen:
                fact, plain = _IDS[name]
                setattr(information, fact, plain(text[start:stop].strip()) or getattr(information, fact))
            texts.append((stop, end))
        elif name == "SVWZ":
            texts.append((start, end))
        seen.add(name)
    information.remittance, information.wraps = _together(joined, texts)


def _end_of_id(joined: Flow, start: int, end: int) -> int:
    """Where the id that starts here stops: with its subfield, or in a later one while the subfields before it are full."""
    at = bisect_right(joined.breaks, start)
    while at < len(joined.breaks) and joined.breaks[at] < end:
        if joined.breaks[at] in joined.soft or joined.breaks[at] - start >= _LONGEST_ID:
            return joined.breaks[at]
        at += 1
    return end


def _together(joined: Flow, spans: list[tuple[int, int]]) -> tuple[str | None, tuple[int, ...]]:
    """The texts of several places one after the other."""
    texts: list[str] = []
    wraps: list[int] = []
    length = 0
    for start, end in spans:
        text, inside = joined.spaced(start, end)
        if text:
            length += 1 if texts else 0
            wraps.extend(length + wrap for wrap in inside)
            texts.append(text)
            length += len(text)
    return " ".join(texts) or None, tuple(wraps)


# -- LABEL: value in columns : ABN AMRO free format, Knab ------------------------------------------------------------------

_LABEL = re.compile(
    r"(?:^|(?<=[\s/]))(IBAN|REK|BIC|NAAM|OMSCHRIJVING|KENMERK|MACHTIGING|INCASSANT|BETALINGSKENM\.|ID DEBITEUR)\s?:\s*"
)
_LABELLED = re.compile(r"^SEPA [A-Z].*\bIBAN: |\bREK: ")


def _labelled(flow: Flow, own_account: str) -> Information:
    # ABN AMRO fills columns, so a space is right at each line end. Knab lets its text run on and begins the label on a
    # line of its own.
    text = " ".join(flow.lines)
    wraps: tuple[int, ...] = ()
    spaced = flow.spaced(0, len(flow.text))
    if not text.startswith("SEPA ") and spaced[0] and _LABELLED.search(spaced[0]):
        text, wraps = spaced[0], spaced[1]
    labels = list(_LABEL.finditer(text))
    values: dict[str, str] = {}
    for number, label in enumerate(labels):
        end = labels[number + 1].start() if number + 1 < len(labels) else len(text)
        values.setdefault(label[1], text[label.end() : end].strip().rstrip("/"))
    information = Information(raw=flow.text)
    information.account = account_number(values.get("IBAN") or values.get("REK"))
    if is_same_account(information.account, own_account):
        information.account = None
    information.bic = _compact(values.get("BIC"))
    information.name = one_line(values.get("NAAM"))
    information.end_to_end_id = identifier(values.get("KENMERK"))
    information.mandate_id = identifier(values.get("MACHTIGING"))
    information.creditor_id = _compact(values.get("INCASSANT"))
    reference = normalise(values.get("BETALINGSKENM."))
    if reference:
        information.structured_kind, information.structured_reference = "CUR", reference
    before = text[: labels[0].start()] if labels else text
    # Knab writes the text first; ABN AMRO only the name of the transaction there.
    free = None if before.lstrip().startswith("SEPA ") else one_line(before.strip().rstrip("/"))
    information.remittance = one_line(values.get("OMSCHRIJVING")) or free
    if free and information.remittance == free:
        information.wraps = tuple(wrap for wrap in wraps if wrap < len(free))
    return information


# -- free text -------------------------------------------------------------------------------------------------------------

_ACCOUNT_FIRST = re.compile(
    r"\s*((?:[A-Z]{2}\d{2}[A-Z0-9]{11,30})|\d{10})(?=\s)(?:\s+([A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)(?=\s))?"
)
# Old ING: the name of the transaction, then account and BIC.
_COLLECTED = re.compile(
    r"\s*Europese Incasso[A-Za-z, ]{0,30}\s([A-Z]{2}\d{2}[A-Z0-9]{11,30})\s+([A-Z]{6}[A-Z0-9]{2,5})(?=\s)"
)
_DUTCH_IBAN = re.compile(r"(?<![A-Z0-9])NL\d{2}[A-Z]{4}(\d{10})(?![0-9])")


def _plain(flow: Flow, own_account: str) -> Information:
    """Free text. SNS and ASN begin with account and name on a line of their own; old ING files with account and BIC."""
    information = Information(flow.text)
    texts = flow.lines
    start = 0
    first = _ACCOUNT_FIRST.match(texts[0])
    is_headed = len(texts) > 1 and not texts[1].strip()
    # A long word may look like an IBAN: its check digits, a BIC behind it, or the layout must show that it is one.
    if first is not None and (first[2] or is_headed or is_digits(first[1]) or has_iban_check_digits(first[1])):
        information.account = account_number(first[1])
        information.bic = first[2]
        start = first.end()
        if is_headed:
            information.name = one_line(texts[0][start:])
            start = len(texts[0])
        if is_digits(first[1]):
            information.account = _iban_of(first[1], flow.text) or information.account
    elif collected := _COLLECTED.match(flow.text):
        information.account, information.bic = account_number(collected[1]), collected[2]
    if is_same_account(information.account, own_account):
        information.account = None
    information.remittance, information.wraps = flow.spaced(start, len(flow.text))
    return information


def _iban_of(number: str, text: str) -> str | None:
    """The IBAN in a text that is the same account as an old Dutch number."""
    for found in _DUTCH_IBAN.finditer(text):
        if found[1] == number and has_iban_check_digits(found[0]):
            return found[0]
    return None


def _compact(text: str | None) -> str | None:
    """An id without any white space, None when empty."""
    return None if text is None else "".join(text.split()) or None


def _trim(text: str | None) -> str | None:
    return None if text is None else text.strip("/ ") or None


_READINGS: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "EREF": ("end_to_end_id", identifier),
    "MARF": ("mandate_id", identifier),
    "CSID": ("creditor_id", _compact),
    "PREF": ("payment_batch_id", identifier),
    "RTRN": ("return_reason", _compact),
    "TRCD": ("transaction_code", _compact),
    "IBAN": ("account", account_number),
    "BIC": ("bic", _compact),
}
"""Fields that are read by themselves: the fact they are and how it is written plainly."""

_IDS: dict[str, tuple[str, Callable[[str], str | None]]] = {
    "EREF": ("end_to_end_id", identifier),
    "KREF": ("payment_batch_id", identifier),
    "MREF": ("mandate_id", identifier),
    "CRED": ("creditor_id", _compact),
    "IBAN": ("account", account_number),
    "BIC": ("bic", _compact),
    "DEBT": ("debtor_id", _compact),
    "PURP": ("purpose", _compact),
}
"""German tags that hold an id. It ends with its subfield unless it fills it; what follows is text again."""
