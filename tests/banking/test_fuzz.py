"""Tens of thousands of damaged files: each is either read whole and sound, or refused with a documented reason.

The seeds are fixed, so a failure comes back: it names the seed and the number of the file, and
`damaged(Random("<seed>-<number>"), base)` makes it again.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from lxml import etree

from assets.banking.keys import entry_keys
from assets.banking.read import read_statement_file
from assets.banking.references import candidate_references
from assets.banking.statements import StatementFile, UnreadableStatement
from tests.banking.build import Payment, camt053, mt940
from tests.banking.camt_fields import booked_total
from tests.banking.mutations import Base, bases, damaged, money_changed
from tests.banking.wellformed import CODES, problems, totals

_BASES = bases()
_CHUNKS = 40
_FILES_A_CHUNK = 1_000
_MONEY_FILES_A_CHUNK = 250


def _has_control(base: Base) -> bool:
    """Whether balances at both ends contradict any change of money.

    Informative messages need none, and a CODA day without movements may leave out record 8, the new balance.
    """
    if any(statement.is_informative for statement in read_statement_file(base.content).statements):
        return False
    return base.format != "coda" or base.content.count(b"\n1") == base.content.count(b"\n8")


_WITH_CONTROL = [base for base in _BASES if _has_control(base)]


def outcome(content: bytes) -> tuple[StatementFile | None, str]:
    """The file as read, or None and the code of the refusal; anything else that happens is described as a fault."""
    try:
        read = read_statement_file(content)
    except UnreadableStatement as refusal:
        return None, refusal.code if refusal.code in CODES else f"undocumented code {refusal.code}"
    faults = problems(read)
    if read.format.startswith("camt"):
        faults += _told_otherwise(content, read)
    entries = [entry for statement in read.statements for entry in statement.entries]
    assert len(set(entry_keys(entries))) == len(entries)
    for entry in entries:
        candidate_references(entry)
    return read, "; ".join(faults[:3])


def _told_otherwise(content: bytes, read: StatementFile) -> list[str]:
    """Where XPath over the whole document finds other money in a camt file than the reader did."""
    try:
        theirs = booked_total(content)
    except etree.XMLSyntaxError:
        return []  # it is stricter about prefixes and declarations, which say nothing of money
    ours = sum((entry.amount for statement in read.statements for entry in statement.entries), Decimal(0))
    return [] if ours == theirs else [f"the reader finds {ours}, XPath {theirs}"]


@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_a_damaged_file_is_refused_for_a_reason_or_read_whole_and_sound(chunk: int) -> None:
    faults = []
    for number in range(_FILES_A_CHUNK):
        random = Random(f"damage-{chunk}-{number}")
        base = random.choice(_BASES)
        kind, content = damaged(random, base)
        try:
            read, said = outcome(content)
        except Exception as error:
            read, said = None, f"{type(error).__name__}: {error}"
        is_fault = said not in CODES if read is None else said != ""
        if is_fault:
            faults.append(f"damage-{chunk}-{number} ({base.name}, {kind}): {said}")
    assert faults == []


@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_money_moved_in_one_place_never_loads(chunk: int) -> None:
    wanted = {base.name: totals(read_statement_file(base.content)) for base in _WITH_CONTROL}
    loaded = []
    for number in range(_MONEY_FILES_A_CHUNK):
        random = Random(f"money-{chunk}-{number}")
        base = random.choice(_WITH_CONTROL)
        kind, content = money_changed(random, base)
        read, said = outcome(content)
        if read is not None and (said or totals(read) != wanted[base.name]):
            loaded.append(f"money-{chunk}-{number} ({base.name}, {kind}): {said or 'loaded with other money'}")
    assert loaded == []


@pytest.mark.parametrize("base", _BASES, ids=lambda base: base.name)
def test_a_file_cut_at_any_byte_is_refused_or_gives_whole_statements_only(base: Base) -> None:
    """A cut exactly between two statements cannot be seen in MT940 and CODA; the chain of balances shows it later."""
    whole = read_statement_file(base.content).statements
    # Every byte of most files, every second or third of the largest, and every byte of their ends.
    length = len(base.content)
    for size in sorted({*range(0, length, 1 + length // 2_000), *range(max(0, length - 200), length)}):
        read, said = outcome(base.content[:size])
        if read is None:
            assert said in CODES, size
            continue
        assert not said, size
        known = whole if base.format == "camt" else whole[: len(read.statements)]
        assert read.statements == known, f"cut after {size} bytes: part of a statement was loaded"


@pytest.mark.parametrize("cents", [1, -1, 100_00])
def test_money_changed_together_with_its_balance_is_another_statement_and_loads(cents: int) -> None:
    """The other side of the rule: what the bank says consistently is taken."""
    for written in (camt053, mt940):
        (statement,) = read_statement_file(written([Payment(121_00 + cents), Payment(-9_99)])).statements
        assert statement.closing_amount is not None
        assert int(statement.closing_amount * 100) == 121_00 + cents - 9_99
