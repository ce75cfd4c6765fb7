"""Hostile files are refused, or read like any other; that this costs bounded time and memory shows in how long it runs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assets.banking.keys import content_key
from assets.banking.read import read_statement_file
from assets.banking.references import candidate_references
from assets.banking.statements import UnreadableStatement
from tests.banking.hostile import READ, REFUSED
from tests.banking.wellformed import problems


@pytest.mark.parametrize("kind", REFUSED)
def test_a_hostile_file_is_refused(kind: str) -> None:
    build, code = REFUSED[kind]
    with pytest.raises(UnreadableStatement) as refusal:
        read_statement_file(build())
    assert refusal.value.code == code
    # The message goes into a reason file and onto a screen.
    assert len(str(refusal.value)) < 1_000
    assert "root:" not in str(refusal.value)


@pytest.mark.parametrize("kind", READ)
def test_a_strange_file_that_is_whole_is_read(kind: str) -> None:
    read = read_statement_file(READ[kind]())
    (entry,) = read.statements[0].entries
    assert problems(read) == []
    assert entry.amount == Decimal("1.00")
    assert content_key(entry, entry.account_iban)
    candidate_references(entry)
