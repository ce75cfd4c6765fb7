"""A key names what was said, whatever file, encoding or layout it was said in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from assets.banking.keys import content_key, entry_key, entry_keys, statement_key
from assets.banking.read import read_statement_file
from assets.banking.statements import Entry
from tests.banking.build import ACCOUNT, Payment, camt053, coda, mt940

# What SWIFT lets into a text, short of the slash and colon that could spell one of its own keywords.
SWIFT_TEXT = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcxyz0123456789 .,-+?()'", max_size=140)
ACCENTED_TEXT = st.text("ABCabc0129 .,-éèüßñçøŒœ&<>'\"", max_size=140)
IBANS = st.sampled_from(("NL44RABO0123456789", "BE68539007547034", "DE89370400440532013000"))
CENTS = st.integers(-9_999_999_99, 9_999_999_99)


def payments(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[Payment]]:
    """Up to six payments with texts of a kind."""
    ids = st.sampled_from(("NOTPROVIDED", "E2E-1", "2026-000123-A"))
    one = st.builds(Payment, cents=CENTS, text=texts, iban=IBANS, end_to_end_id=ids)
    return st.lists(one, max_size=6)


def keys_of(content: bytes) -> tuple[list[str], list[str]]:
    """Statement keys and entry keys of a file."""
    statements = read_statement_file(content).statements
    return [one.statement_key for one in statements], entry_keys(e for one in statements for e in one.entries)


@settings(max_examples=60, deadline=None)
@given(payments(ACCENTED_TEXT), st.integers(-10_000, 10_000))
def test_camt_keys_survive_pretty_printing_prefixes_and_encodings(paid: list[Payment], opening: int) -> None:
    plain = keys_of(camt053(paid, opening=opening))
    assert keys_of(camt053(paid, opening=opening, newline="\n    ")) == plain
    assert keys_of(camt053(paid, opening=opening, newline="\r\n\t", prefix="n0")) == plain
    assert keys_of(camt053(paid, opening=opening, encoding="utf-16")) == plain
    assert keys_of(camt053(paid, opening=opening, encoding="iso-8859-1")) == plain


@settings(max_examples=60, deadline=None)
@given(payments(SWIFT_TEXT), st.integers(-10_000, 10_000), st.sampled_from(("ing", "rabobank", "abnamro")), st.data())
def test_mt940_keys_survive_rewrapping_and_line_ends(
    paid: list[Payment], opening: int, dialect: str, data: st.DataObject
) -> None:
    plain = keys_of(mt940(paid, dialect=dialect, opening=opening))
    width = data.draw(st.integers(40, 65))
    assert keys_of(mt940(paid, dialect=dialect, opening=opening, width=width, eol="\n")) == plain
    assert keys_of(mt940(paid, dialect=dialect, opening=opening, encoding="utf-16")) == plain


@settings(max_examples=40, deadline=None)
@given(payments(st.text("ABCabc0129 .,-éèüß", max_size=140)), st.integers(-10_000, 10_000))
def test_coda_keys_survive_encodings_and_line_ends(paid: list[Payment], opening: int) -> None:
    plain = keys_of(coda(paid, opening=opening))
    assert keys_of(coda(paid, opening=opening, eol="\n", encoding="utf-8")) == plain
    assert keys_of(coda(paid, opening=opening, encoding="utf-8-sig")) == plain


@given(payments(SWIFT_TEXT), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_entries_does_not_change_their_keys(paid: list[Payment], random: object) -> None:
    shuffled = list(paid)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sorted(keys_of(camt053(shuffled))[1]) == sorted(keys_of(camt053(paid))[1])


@given(SWIFT_TEXT, st.sampled_from((camt053, mt940, coda)))
@settings(max_examples=40, deadline=None)
def test_twin_payments_are_two_payments(text: str, written: object) -> None:
    _, keys = keys_of(written([Payment(1000, text)] * 3))  # type: ignore[operator]
    assert len(set(keys)) == 3


def test_one_changed_fact_changes_the_key() -> None:
    entry = read_statement_file(camt053([Payment(1000)])).statements[0].entries[0]
    changed: Sequence[Entry] = (
        entry._replace(amount=Decimal("10.01")),
        entry._replace(booked_on=date(2026, 3, 3)),
        entry._replace(valued_on=None),
        entry._replace(currency="USD"),
        entry._replace(bank_reference="X"),
        entry._replace(end_to_end_id="X"),
        entry._replace(counterparty_iban="BE68539007547034"),
        entry._replace(remittance="Factuur 2026-000124"),
        entry._replace(structured_reference="123456789002"),
    )
    assert len({content_key(one, ACCOUNT) for one in (entry, *changed)}) == len(changed) + 1
    assert content_key(entry, ACCOUNT) != content_key(entry, "BE68539007547034")
    assert content_key(entry._replace(counterparty_name="Other", ordinal=9), ACCOUNT) == content_key(entry, ACCOUNT)


def test_the_joined_string_is_the_documented_one() -> None:
    entry = (
        read_statement_file(camt053([Payment(-1050, "Fact. 2026/000-123", end_to_end_id="e-1")]))
        .statements[0]
        .entries[0]
    )
    joined = f"entry|1|{ACCOUNT}|2026-03-02|2026-03-02|-10.50|EUR||E1|NL44RABO0123456789|FACT2026000123"
    assert content_key(entry, ACCOUNT) == sha256(joined.encode()).hexdigest()[:26]
    assert entry_key(entry, ACCOUNT, 2) == sha256(f"{joined}|2".encode()).hexdigest()[:26]


def test_occurrences_are_carried_from_one_statement_to_the_next() -> None:
    morning = read_statement_file(camt053([Payment(1000)])).statements[0].entries
    evening = read_statement_file(camt053([Payment(1000)], opening=1000)).statements[0].entries
    seen: dict[str, int] = {}
    assert entry_keys(morning, seen) + entry_keys(evening, seen) == entry_keys([*morning, *evening])
    assert len(set(entry_keys([*morning, *evening]))) == 2


def test_statements_differ_by_account_number_period_and_balances() -> None:
    facts = (
        "NL91ABNA0417164300",
        "EUR",
        "S-1",
        61,
        date(2026, 3, 1),
        date(2026, 3, 2),
        Decimal("1.00"),
        Decimal("2.00"),
    )
    others = (
        "BE68539007547034",
        "USD",
        "S-2",
        62,
        date(2026, 3, 2),
        date(2026, 3, 3),
        Decimal("1.01"),
        Decimal("2.01"),
    )
    keys = {statement_key(*facts)}
    for place, other in enumerate(others):
        keys.add(statement_key(*(*facts[:place], other, *facts[place + 1 :])))  # type: ignore[arg-type]
    assert len(keys) == len(facts) + 1
    assert statement_key(*facts) == statement_key(*facts[:6], Decimal("1.0"), Decimal(2))
