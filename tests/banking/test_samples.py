"""Opt-in: files that others published, read in place (`TIJDIG_SAMPLES=<folder with oracle.json>`), never copied.

`oracle.json` says what another reader found in each. Two more libraries read the totals here, so that three must agree:
`pycamt` for camt and `mt-940` for MT940. Where one of them is wrong, the reason stands beside the sample's name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from assets.banking.read import read_statement_file
from assets.banking.statements import Entry, Statement, StatementFile, UnreadableStatement
from tests.banking.camt_fields import letters_and_digits

_FOLDER = os.environ.get("TIJDIG_SAMPLES")
pytestmark = pytest.mark.skipif(
    _FOLDER is None, reason="TIJDIG_SAMPLES is not set: the readers were NOT tried on real files"
)
_ORACLE = json.loads((Path(_FOLDER) / "oracle.json").read_text(encoding="utf-8")) if _FOLDER else {}
_SAMPLES = sorted(name for name in _ORACLE if name.startswith(("camt.05", "mt940", "coda")))

# The closing balance is of 31 November, which is read as the month's last day; `mt-940` refuses the file.
_CLOSES_ON_31_NOVEMBER = ("mt940-deutsche_bank.txt", "mt940-iso8859-1.txt", "fixtures__mt940.txt")
# Reports whose only entry is pending (PDNG): the oracle adds it up, but it is no booking yet.
_PENDING = ("camt052.v4.xml", "camt052.v6.xml", "camt052.v6.Amt-zero.xml")
_SOUND = [name for name in _SAMPLES if not _ORACLE[name]["broken"]]
_SOUND_CAMT = [name for name in _SOUND if name.startswith("camt")]

# What each broken sample must be refused for, found by looking at it.
_BROKEN = {
    # The root is no camt message of any version.
    "camt.052.001.02/viafintech+camt_parser/spec__fixtures__052__valid_namespace.xml": "unknown_format",
    "camt.053.001.02/viafintech+camt_parser/spec__fixtures__053__valid_namespace.xml": "unknown_format",
    "camt.053.001.03/viafintech+camt_parser/spec__fixtures__general__invalid_namespace.xml": "unknown_format",
    # The message holds no `Stmt`.
    "camt.053.001.02/genkgo+camt/test__data__camt053.v2.wrong.xml": "no_statement",
    # Balances of another currency (SEK) than the account (EUR); one holds a EUR entry in a CHF account.
    "camt.053.001.02/genkgo+camt/test__data__camt053.v2.minimal.ultimate.xml": "currency_mismatch",
    "camt.053.001.02/genkgo+camt/test__data__camt053.v2.minimal.xml": "currency_mismatch",
    "camt.053.001.02/genkgo+camt/test__data__camt053.v2.with-party-ids.xml": "currency_mismatch",
    "camt.053.001.03/genkgo+camt/test__data__camt053.v3.xml": "currency_mismatch",
    "camt.053.001.04/genkgo+camt/test__data__camt053.v4.xml": "currency_mismatch",
    "camt.053.001.08/genkgo+camt/test__data__camt053.v8.xml": "currency_mismatch",
    "camt.053.001.08/viafintech+camt_parser/spec__fixtures__053__valid_example_v8.xml": "currency_mismatch",
    # No opening or no closing balance.
    "camt.053.001.02/genkgo+camt/test__data__camt053.v2.with-account-name.xml": "balance_missing",
    "camt.053.001.02/genkgo+camt/test__data__camt53.only-Dt-with-DtTm.xml": "balance_missing",
    "camt.053.001.02/viafintech+camt_parser/spec__fixtures__053__valid_example_with_other_id.xml": "balance_missing",
    "camt.053.001.10/viafintech+camt_parser/spec__fixtures__053__valid_example_with_datetime.xml": "balance_missing",
    # A record of 52 characters; records 1 and 8 of different statements; a balance in thousandths; a count of 27 for 12.
    "coda/Bluesmile82+coda_standard/spec__invalid.cod": "malformed",
    "coda/TRIPTYK+typescript-coda-parser/tests__samples__sample6.cod": "malformed",
    "coda/TRIPTYK+typescript-coda-parser/tests__samples__sample2.cod": "too_many_decimals",
    "coda/Bluesmile82+coda_standard/spec__coda.cod": "control_total_mismatch",
    # No closing balance (:62F:); the last page says that another follows (:62M:).
    "mt940/railslove+cmxl/spec__fixtures__mt940-with-colon-after-line-break.txt": "truncated",
    "mt940/wolph+mt940/mt940_tests__self-provided__gv_codes.sta": "truncated",
    "mt940/zilverline+mt940/spec__fixtures__knab__knab_invalid.txt": "truncated",
    "mt940/zilverline+mt940/spec__fixtures__deutsche_bank.txt": "truncated",
    # A movement after the closing balance; a closing balance of "11 27421,94".
    "mt940/wolph+mt940/mt940_tests__self-provided__multiline.sta": "malformed",
    "mt940/railslove+cmxl/spec__fixtures__mt940-headers.txt": "invalid_amount",
}
"""All others that the oracle calls `balance-mismatch` are whole, and do not add up: `control_total_mismatch`."""

_PYCAMT_CANNOT = {
    "camt.052.001.04/genkgo+camt/test__data__camt052.v4.xml": "it counts the pending entry, at the amount of its charges",
    "camt.052.001.06/genkgo+camt/test__data__camt052.v6.xml": "it counts the pending entry, at the amount of its charges",
    "camt.054.001.02/genkgo+camt/test__data__camt054.v2.xml": "it counts the batch once for each of its details",
    "camt.054.001.04/genkgo+camt/test__data__camt054.v4.xml": "it counts the batch once for each of its details",
    "camt.054.001.08/genkgo+camt/test__data__camt054.v8.xml": "it counts the batch once for each of its details",
}


def content_of(name: str) -> bytes:
    """The bytes of a sample."""
    return (Path(_FOLDER or "") / name).read_bytes()


def sums(amounts: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """Credits, and debits as a positive sum."""
    return sum((one for one in amounts if one > 0), Decimal(0)), -sum((one for one in amounts if one < 0), Decimal(0))


def entries_of(read: StatementFile) -> list[Entry]:
    """All entries of a file."""
    return [entry for statement in read.statements for entry in statement.entries]


def oracle_statements(name: str) -> list[dict[str, Any]]:
    """The oracle's statements; pages of MT940 (opened by :60M:) put together, entries that are not booked taken off."""
    merged: list[dict[str, Any]] = []
    for page in _ORACLE[name]["statements"]:
        one = dict(page, credit=Decimal(page["credit"]), debit=Decimal(page["debit"]))
        if name.endswith(_PENDING):
            one |= {"credit": Decimal(0), "debit": Decimal(0), "entries": 0}
        if page.get("open_tag") == "60M":
            before = merged[-1]
            for added in ("credit", "debit", "entries", "reversals"):
                before[added] += one[added]
            before["closing"] = one["closing"]
        else:
            merged.append(one)
    return merged


@pytest.mark.parametrize("name", _SOUND)
def test_totals_of_a_sound_file_are_those_another_reader_found(name: str) -> None:
    read = read_statement_file(content_of(name))
    expected = (Decimal(0), Decimal(0))
    if not name.endswith(_PENDING):
        expected = Decimal(_ORACLE[name]["credit"]), Decimal(_ORACLE[name]["debit"])
    assert sums([entry.amount for entry in entries_of(read)]) == expected
    assert read.format == _ORACLE[name]["format"]


def _account_agrees(statement: Statement, written: str) -> bool:
    # The oracle keeps the bank's name before the number, the currency behind it, and a domestic number as it stands.
    plain = letters_and_digits(written if len(written) < 35 else written[:34]).removesuffix("0BE").removesuffix("EUR")
    account = statement.account_iban
    german = account[4:12] + account[12:].lstrip("0") if account.startswith("DE") else account
    dutch = account[8:].lstrip("0") if account.startswith("NL") else account
    return plain.endswith((account, dutch)) or account.endswith(plain) or plain == german


@pytest.mark.parametrize("name", _SOUND)
def test_every_statement_has_the_account_balances_and_entries_another_reader_found(name: str) -> None:
    read = read_statement_file(content_of(name)).statements
    expected = oracle_statements(name)
    assert len(read) == len(expected)
    for statement, oracle in zip(read, expected, strict=True):
        # "3462.483.153 EUR": the oracle did not read that one and kept the account of the statement before.
        if statement.account_iban != "3462483153":
            assert _account_agrees(statement, oracle["account"])
        movements = [entry for entry in statement.entries if entry.detail_ordinal <= 1]
        assert len(movements) == oracle["entries"]
        assert sums([entry.amount for entry in statement.entries]) == (oracle["credit"], oracle["debit"])
        for ours, theirs in (("opening_amount", "opening"), ("closing_amount", "closing")):
            if oracle[theirs] is not None:
                assert getattr(statement, ours) == Decimal(oracle[theirs])
        if "reversals" in oracle:
            assert sum(entry.is_reversal for entry in movements) == oracle["reversals"]
        if "ogm" in oracle:  # it counts the types 101 and 102 only, but a payment at a terminal (115) may name one too
            assert sum(entry.structured_reference_kind == "OGM" for entry in statement.entries) >= oracle["ogm"]


def _pieces(content: bytes, *names: str) -> list[str]:
    """The letters and digits of every element of these names within booked entries."""
    path = " | ".join(f"//*[local-name()='RmtInf']//*[local-name()='{name}']" for name in names)
    return [letters_and_digits("".join(found.itertext())) for found in etree.fromstring(content).xpath(path)]


@pytest.mark.parametrize("name", [name for name in _SOUND_CAMT if not name.endswith(_PENDING)])
def test_every_piece_of_remittance_and_every_return_the_oracle_counts_is_there(name: str) -> None:
    content, oracle = content_of(name), _ORACLE[name]
    entries = entries_of(read_statement_file(content))
    unstructured, structured = _pieces(content, "Ustrd"), _pieces(content, "Strd")
    assert (len(unstructured), len(structured)) == (oracle["remit_ustrd"], oracle["remit_strd"])
    texts = [letters_and_digits(entry.remittance or "") for entry in entries]
    assert [piece for piece in unstructured if not any(piece in text for text in texts)] == []
    kept = texts + [
        reference
        for entry in entries
        for reference in (entry.structured_reference, *(one for _, one in entry.further_references))
        if reference
    ]
    said = _pieces(content, "Ref", "AddtlRmtInf")
    assert [piece for piece in said if not any(piece in text for text in kept)] == []
    assert sum(entry.return_reason is not None for entry in entries) == oracle["return_infos"]
    assert all(entry.is_return for entry in entries if entry.return_reason)


@pytest.mark.parametrize("name", [name for name in _SAMPLES if _ORACLE[name]["broken"]])
def test_a_broken_file_is_refused_for_what_is_wrong_with_it(name: str) -> None:
    with pytest.raises(UnreadableStatement) as refusal:
        read_statement_file(content_of(name))
    assert refusal.value.code == _BROKEN.get(name, "control_total_mismatch")
    assert refusal.value.message


def test_every_broken_sample_that_is_listed_is_there() -> None:
    assert [name for name in _BROKEN if not _ORACLE.get(name, {}).get("broken")] == []


@pytest.mark.parametrize("name", [name for name in _SAMPLES if name.endswith(_CLOSES_ON_31_NOVEMBER)])
def test_a_balance_on_31_november_is_of_the_last_day_of_the_month(name: str) -> None:
    closing_days = [statement.closing_on for statement in read_statement_file(content_of(name)).statements]
    assert date(2002, 11, 30) in closing_days
    with pytest.raises(ValueError, match="day is out of range"):
        mt940_amounts(content_of(name))


# The second libraries are imported where they are used: a run without the samples does not need them.


def pycamt_amounts(content: bytes) -> list[Decimal]:
    """Signed amounts as `pycamt` reads them. It knows statements and reports; notifications are built alike."""
    from pycamt.parser import Camt053ParseError, Camt053Parser

    class WithNotifications(Camt053Parser):  # type: ignore[misc]
        def _find_statements_or_reports(self) -> list[Any]:
            try:
                return list(super()._find_statements_or_reports())
            except Camt053ParseError:
                return list(self.tree.findall(".//Ntfctn", self.namespaces))

    found = WithNotifications(content).get_transactions()
    return [Decimal(one["Amount"]) * (1 if one["CreditDebitIndicator"] == "CRDT" else -1) for one in found]


def mt940_amounts(content: bytes) -> list[Decimal]:
    """Signed amounts as `mt-940` reads them; the reference of SNS and ASN is longer than SWIFT allows, and has its own tag."""
    import mt940

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252")
    try:
        statements = mt940.parse_statements(text, options=mt940.Options.all())
    except RuntimeError:
        own = {mt940.tags.StatementASNB.id: mt940.tags.StatementASNB()}
        statements = mt940.parse_statements(text, options=mt940.Options.all(), tags=own)
    return [one.data["amount"].amount for statement in statements for one in statement.transactions]


@pytest.mark.parametrize("name", _SOUND_CAMT)
def test_a_second_library_agrees_on_the_totals_of_camt(name: str) -> None:
    if name in _PYCAMT_CANNOT:
        pytest.skip(f"no second opinion from pycamt: {_PYCAMT_CANNOT[name]}")
    ours = [entry.amount for entry in entries_of(read_statement_file(content_of(name)))]
    assert sums(ours) == sums(pycamt_amounts(content_of(name)))


@pytest.mark.parametrize(
    "name", [name for name in _SOUND if name.startswith("mt940") and not name.endswith(_CLOSES_ON_31_NOVEMBER)]
)
def test_a_second_library_agrees_on_the_entries_of_mt940(name: str) -> None:
    content = content_of(name)
    assert [entry.amount for entry in entries_of(read_statement_file(content))] == mt940_amounts(content)
