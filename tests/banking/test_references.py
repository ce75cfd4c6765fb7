"""Candidate references: nothing that may name an invoice is missed, and no text can make the search hang."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iso11649
from stdnum.be import ogm_vcs
from stdnum.iso7064 import mod_97_10

from assets.banking.read import read_statement_file
from assets.banking.references import LONGEST, SHORTEST, TOKEN_CAP, candidate_references
from assets.banking.statements import Entry, Reference
from assets.banking.structured import is_ogm, is_rf
from tests.banking.build import Payment, mt940


def entry(remittance: str | None = None, **facts: object) -> Entry:
    """An entry that says only what the test is about."""
    return Entry(
        1,
        0,
        "s",
        "NL91ABNA0417164300",
        date(2026, 3, 2),
        None,
        Decimal("1.00"),
        "EUR",
        remittance=remittance,
        **facts,  # type: ignore[arg-type]
    )


def found(one: Entry, source: str = "remittance") -> dict[str, Reference]:
    """References of a source by what they read; the first, most telling one where there are several."""
    references = [reference for reference in candidate_references(one) if reference.source == source]
    return {reference.reference: reference for reference in reversed(references)}


@pytest.mark.parametrize(
    ("text", "written", "reference"),
    [
        ("Factuur 2026-000123 dank", "2026-000123", "2026000123"),
        ("fact.nr:F2026/0042,klant", "F2026/0042", "F20260042"),
        ("INV 2026 0042", "INV 2026 0042", "INV20260042"),
        ("inv.2026_0042", "inv.2026_0042", "INV20260042"),
        ("betaling 2026 0042 van maart", "2026 0042", "20260042"),
        ("INV 2026 - 1038", "2026 - 1038", "20261038"),
        ("factuur 2026 / 1038 ", "2026 / 1038", "20261038"),
        ("nr 2026- 1038", "2026- 1038", "20261038"),
        ("2026-0042 - 2026-0043", "2026-0042", "20260042"),
        ("2026-0042 - 2026-0043", "2026-0043", "20260043"),
        ("2026-0042/2026-0043", "2026-0043", "20260043"),
        ("2026-0042/2026-0043", "2026-0042", "20260042"),
        ("2022-12-13196+13189+13343", "13343", "13343"),
        ("nr 2026-000123-A", "2026-000123-A", "2026000123A"),
        ("nr 2026 000123 A", "2026 000123 A", "2026000123A"),
    ],
)
def test_an_invoice_number_is_found_however_it_is_written(text: str, written: str, reference: str) -> None:
    token = found(entry(text))[reference]
    assert (token.kind, token.is_valid, token.span_text) == ("token", None, written)
    assert text[token.span_start : token.span_end] == written


@pytest.mark.parametrize("text", ["123", "FACTUUR", "dank u wel", "", "A-1", "---", "x" * 36 + "1"])
def test_what_is_too_short_too_long_or_without_digit_is_no_token(text: str) -> None:
    assert candidate_references(entry(text)) == ()


def test_words_of_language_are_not_glued_to_a_number() -> None:
    assert set(found(entry("0042 with thanks from us"))) == {"0042"}


@pytest.mark.parametrize(
    ("text", "kind", "reference", "valid", "written"),
    [
        ("RF18539007547034", "RF", "RF18539007547034", True, "RF18539007547034"),
        ("ref RF18 5390 0754 7034 maart", "RF", "RF18539007547034", True, "RF18 5390 0754 7034"),
        ("rf18539007547034", "RF", "RF18539007547034", True, "rf18539007547034"),
        ("RF17539007547034", "RF", "RF17539007547034", False, "RF17539007547034"),
        ("x +++123/4567/89002+++ y", "OGM", "123456789002", True, "+++123/4567/89002+++"),
        ("***090/9337/55493***", "OGM", "090933755493", True, "***090/9337/55493***"),
        ("090/9337/55494", "OGM", "090933755494", False, "090/9337/55494"),
        ("mededeling 123456789002", "OGM", "123456789002", True, "123456789002"),
        ("5000056789012345", "CUR", "5000056789012345", True, "5000056789012345"),
        ("5000 0567 8901 2345", "CUR", "5000056789012345", True, "5000 0567 8901 2345"),
        ("Kenmerk: 9001.1234.1234.1234 oms", "CUR", "9001123412341234", False, "9001.1234.1234.1234"),
        ("BETALINGSKENM. 701234567890", "CUR", "701234567890", True, "701234567890"),
    ],
)
def test_structured_references_are_found_in_free_text(
    text: str, kind: str, reference: str, valid: bool, written: str
) -> None:
    matches = [one for one in candidate_references(entry(text)) if (one.kind, one.reference) == (kind, reference)]
    assert [(one.is_valid, one.span_text) for one in matches] == [(valid, written)]


def test_twelve_digits_with_wrong_check_digits_are_only_a_token() -> None:
    assert found(entry("123456789003"))["123456789003"].kind == "token"


def test_every_source_is_named() -> None:
    one = entry(
        "2026-000126",
        structured_reference="123456789002",
        structured_reference_kind="OGM",
        further_references=(("RF", "RF18539007547034"), (None, "ABC123")),
        referred_documents=("2026-000124",),
        end_to_end_id="2026-000125",
    )
    told = [(r.source, r.kind, r.reference, r.is_valid) for r in candidate_references(one)]
    assert told[:4] == [
        ("structured", "OGM", "123456789002", True),
        ("structured", "RF", "RF18539007547034", True),
        ("structured", "token", "ABC123", None),
        ("referred_document", "token", "2026000124", None),
    ]
    assert ("end_to_end", "token", "2026000125", None) in told
    assert ("remittance", "token", "2026000126", None) in told
    assert [r.position for r in candidate_references(one)] == list(range(1, len(told) + 1))


def test_a_wrong_check_digit_in_the_structured_field_is_said() -> None:
    one = entry(structured_reference="123456789003", structured_reference_kind="OGM")
    assert [r.is_valid for r in candidate_references(one)] == [False]


@pytest.mark.parametrize("dialect", ["ing", "rabobank", "abnamro"])
@given(lead=st.integers(0, 130))
@settings(max_examples=131, deadline=None)
def test_a_number_broken_over_two_lines_is_found_wherever_the_break_falls(dialect: str, lead: int) -> None:
    text = ("ab " * 50)[:lead].strip() + " 2026-000123 en 7788990"
    read = read_statement_file(mt940([Payment(1000, text.strip())], dialect=dialect)).statements[0].entries[0]
    assert {"2026000123", "7788990"} <= set(found(read))


def test_a_space_lost_at_a_line_break_is_tried() -> None:
    text = "betaling2026-000123RF18539007547034slot"
    one = entry(text, wraps=(8, 19, 35))
    references = found(one)
    assert references["2026000123"].span_text == "2026-000123"
    assert references["RF18539007547034"].kind == "RF"
    assert all(text[r.span_start : r.span_end] == r.span_text for r in references.values())


@given(st.text(max_size=300), st.lists(st.integers(1, 299), max_size=4, unique=True).map(sorted))
@settings(max_examples=150, deadline=None)
def test_spans_point_at_what_was_read_whatever_the_text(text: str, wraps: list[int]) -> None:
    one = entry(text, wraps=tuple(wrap for wrap in wraps if wrap < len(text)))
    references = candidate_references(one)
    assert len([r for r in references if r.kind == "token"]) <= TOKEN_CAP
    for reference in references:
        assert reference.reference.isascii()
        assert reference.reference.isalnum()
        assert reference.reference == reference.reference.upper()
        assert text[reference.span_start : reference.span_end] == reference.span_text
        if reference.kind == "token":
            assert SHORTEST <= len(reference.reference) <= LONGEST


@pytest.mark.parametrize("piece", ["A1 ", "9", "RF18 ", "1-", "+++123/4567", "BETALINGSKENM. ", "2026-000123 "])
def test_a_text_of_ten_megabytes_takes_no_longer_than_a_long_one(piece: str) -> None:
    text = piece * (10_000_000 // len(piece))
    started = time.process_time()
    assert len(candidate_references(entry(text))) <= TOKEN_CAP + 2_000
    assert time.process_time() - started < 1.0


def test_any_number_of_named_documents_is_bounded_too() -> None:
    many = tuple(f"2026-{number:06d}" for number in range(5_000))
    one = entry("2026-999999", referred_documents=many, further_references=tuple((None, number) for number in many))
    assert len(candidate_references(one)) == TOKEN_CAP


@given(st.integers(0, 99), st.text("0123456789ABCXYZ", max_size=22))
@settings(max_examples=300, deadline=None)
def test_rf_check_digits_are_those_of_the_standard(check: int, body: str) -> None:
    """As a library of the standard has them; ours is written out because every entry is tried."""
    reference = f"RF{check:02d}{body}"
    assert is_rf(reference) == (1 <= len(body) <= 21 and iso11649.is_valid(reference))
    if 1 <= len(body) <= 21:
        assert is_rf(f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}")


@given(st.integers(0, 9_999_999_999), st.integers(0, 99))
@settings(max_examples=300, deadline=None)
def test_ogm_check_digits_are_those_of_the_standard(number: int, check: int) -> None:
    for reference in (f"{number:010d}{check:02d}", f"{number:010d}{number % 97 or 97:02d}", "0" * 12):
        assert is_ogm(reference) == ogm_vcs.is_valid(reference)


WORDS = st.sampled_from(["Factuur", "INV", "2026", "000123", "A", "nr", "dank", "é", "betalingskenmerken", "F2026"])
GAPS = st.sampled_from([" ", "  ", "-", "/", ".", " - ", " -", "- ", ", ", "\n"])


@given(st.lists(st.tuples(WORDS, GAPS), max_size=30), st.sampled_from(["dank voor de levering ", "x.y z - é ", ""]))
@settings(max_examples=200, deadline=None)
def test_words_that_touch_no_number_change_nothing_but_the_places(pieces: list[tuple[str, str]], words: str) -> None:
    text = "".join(word + gap for word, gap in pieces) + "."
    plain = [(r.kind, r.reference, r.span_text) for r in candidate_references(entry(text))]
    lead = f"{words}, {words}, "
    among = candidate_references(entry(f"{lead}{text} , {words}, {words}"))
    assert [(r.kind, r.reference, r.span_text) for r in among] == plain


@given(st.lists(st.tuples(WORDS, GAPS), max_size=12), st.lists(st.integers(1, 60), max_size=3, unique=True).map(sorted))
@settings(max_examples=200, deadline=None)
def test_what_a_lost_space_hides_is_what_the_text_with_the_space_holds(
    pieces: list[tuple[str, str]], wraps: list[int]
) -> None:
    text = "".join(word + gap for word, gap in pieces)
    wraps = [wrap for wrap in wraps if wrap < len(text)]
    spaced = " ".join(text[start:end] for start, end in pairwise((0, *wraps, len(text))))
    both = set(found(entry(text))) | set(found(entry(spaced)))
    assert set(found(entry(text, wraps=tuple(wraps)))) == both
