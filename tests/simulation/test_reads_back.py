"""Our own readers, given every file the simulated banks deliver, find exactly what the banks booked."""

import importlib.util
import json
from collections import Counter, defaultdict

import pytest

from simulation import bank_days
from simulation.entry_keys import entry_key
from simulation.model import Statement, World
from simulation.writing import WrittenWorld


def test_every_written_file_reads_with_the_worlds_totals(world: World, written: WrittenWorld) -> None:
    if importlib.util.find_spec("assets.banking.read") is None:
        pytest.skip("assets.banking.read does not exist yet: nothing to read the files with")
    from assets.banking.read import read_statement_file

    last = bank_days.bank_days_later(written.delivered_on, -1)
    expected: dict[tuple[str, int, str], Statement] = {
        (statement.account.iban, statement.sequence_no, f"{statement.booked_on:%Y}"): statement
        for statement in world.statements
        if statement.booked_on <= last
    }
    formats: Counter[str] = Counter()
    seen = set()
    for path in written.bank_files:
        content = read_statement_file(path.read_bytes(), name=path.name)
        formats[content.format] += 1
        (found,) = content.statements
        key = (found.account_iban, found.sequence_no or 0, path.stem.rsplit("_", 1)[1][:4])
        statement = expected[key]
        seen.add(key)
        assert not found.is_informative
        assert found.currency == "EUR"
        assert found.opening_amount is not None
        assert found.opening_amount * 100 == statement.opening_cents
        assert found.closing_amount is not None
        assert found.closing_amount * 100 == statement.closing_cents
        assert found.closing_on == statement.booked_on, path.name
        assert found.entry_count == len(statement.entries)
        for entry, booked in zip(found.entries, statement.entries, strict=True):
            assert entry.amount * 100 == booked.amount_cents
            assert (entry.booked_on, entry.valued_on) == (booked.booked_on, booked.valued_on)
            assert entry.counterparty_iban == booked.counterparty_iban
            assert entry.end_to_end_id == booked.end_to_end_id
            assert entry.structured_reference == booked.structured_reference
            assert entry.return_reason == booked.return_reason
            assert entry.is_return == (booked.kind == "return")
            assert entry.payment_batch_id == booked.batch_id
            if path.suffix != ".cod":
                assert entry.mandate_id == booked.mandate_id
    assert seen == set(expected)
    assert set(formats) == {"camt.053.001.02", "camt.053.001.08", "mt940", "coda"}


def test_the_readers_find_the_right_reference_wherever_the_payer_wrote_it_whole(
    world: World, written: WrittenWorld
) -> None:
    """For payments of the class `full` the invoice's own number or reference is among the candidates."""
    if importlib.util.find_spec("assets.banking.references") is None:
        pytest.skip("assets.banking.references does not exist yet: nothing to find references with")
    from assets.banking.read import read_statement_file
    from assets.banking.references import candidate_references

    plain = {
        invoice.invoice_id: {
            "".join(filter(str.isalnum, text)).upper()
            for text in (invoice.invoice_number, invoice.payment_reference)
            if text
        }
        for invoice in world.invoices
    }
    truth_of = {truth.entry_id: truth for truth in world.truth}
    statements: dict[tuple[str, str], Statement] = {
        (statement.account.iban, f"{statement.booked_on:%Y%m%d}"): statement for statement in world.statements
    }
    outcomes: dict[str, Counter[bool]] = defaultdict(Counter)
    for path in written.bank_files:
        _, iban, label = path.stem.split("_")
        (found,) = read_statement_file(path.read_bytes()).statements
        for entry, booked in zip(found.entries, statements[iban, label].entries, strict=True):
            truth = truth_of[booked.entry_id]
            if truth.noise == "full":
                candidates = {reference.reference for reference in candidate_references(entry)}
                ((invoice_id, _),) = truth.allocations
                outcomes[found.format][bool(candidates & plain[invoice_id])] += 1
    assert len(outcomes) == 4
    assert {name: counts[False] for name, counts in outcomes.items()} == dict.fromkeys(outcomes, 0)


def test_clerks_name_entries_by_the_keys_our_landing_gives_them(world: World, written: WrittenWorld) -> None:
    """An answer that names another key than landing computes would be lost without a word."""
    if importlib.util.find_spec("assets.banking.keys") is None:
        pytest.skip("assets.banking.keys does not exist yet: no keys to compare with")
    from assets.banking.keys import entry_keys
    from assets.banking.read import read_statement_file

    statements: dict[tuple[str, str], Statement] = {
        (statement.account.iban, f"{statement.booked_on:%Y%m%d}"): statement for statement in world.statements
    }
    seen: dict[str, int] = {}
    landed = set()
    for path in written.bank_files:
        _, iban, label = path.stem.split("_")
        (found,) = read_statement_file(path.read_bytes()).statements
        statement = statements[iban, label]
        keys = entry_keys(found.entries, seen)
        assert keys == [entry_key(entry, statement.account.statement_format) for entry in statement.entries]
        landed.update(keys)
    answered = [json.loads(event.payload) for event in world.register_events if event.kind == "match_confirmed"]
    assert len(answered) > 300
    assert {payload["entry_key"] for payload in answered} <= landed


def test_our_register_accepts_every_event(world: World) -> None:
    if importlib.util.find_spec("assets.register.events") is None:
        pytest.skip("assets.register.events does not exist yet: nothing to validate events with")
    from assets.register.events import validate

    for event in world.register_events:
        validate(event.kind, json.loads(event.payload))
