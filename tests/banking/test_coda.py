"""CODA: places, counts, sums, batches and the structured communications."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assets.banking.read import read_statement_file
from assets.banking.statements import Entry, UnreadableStatement
from tests.banking.build import Payment, coda, record

PAID = (Payment(121_00, "Factuur 2026-000123"), Payment(-9_99, "Kosten"))


def refused(content: bytes) -> str:
    with pytest.raises(UnreadableStatement) as caught:
        read_statement_file(content)
    return caught.value.code


def structured(text: str) -> Entry:
    """A movement with a structured communication."""
    return read_statement_file(coda([Payment(121_00, text)], structured=True)).statements[0].entries[0]


@pytest.mark.parametrize(
    ("text", "kind", "reference"),
    [
        ("101123456789002", "OGM", "123456789002"),
        ("102090933755493", "OGM", "090933755493"),
        ("100RF18539007547034", "RF", "RF18539007547034"),
        ("100RF18 5390 0754 7034", "RF", "RF18539007547034"),
    ],
)
def test_structured_communications(text: str, kind: str, reference: str) -> None:
    entry = structured(text)
    assert (entry.structured_reference_kind, entry.structured_reference, entry.remittance) == (kind, reference, None)


def test_a_direct_debit_that_came_back() -> None:
    text = (
        "127"
        + "020326"
        + "110"
        + "BE11ZZZ0403170701".ljust(35)
        + "M-2024-0044".ljust(35)
        + "februari 2026-000163".ljust(62)
        + "2AM04"
    )
    assert len(text) == 149
    entry = structured(text)
    assert (entry.mandate_id, entry.creditor_id) == ("M-2024-0044", "BE11ZZZ0403170701")
    assert (entry.is_return, entry.return_reason, entry.remittance) == (True, "AM04", "februari 2026-000163")
    assert not structured(text[:144]).is_return


def test_a_free_communication_runs_over_three_records() -> None:
    text = "x" * 50 + "2026-000123" + "y" * 40 + " 2026-000124 z" + "w" * 34
    assert len(text) == 149
    entry = read_statement_file(coda([Payment(1_00, text)])).statements[0].entries[0]
    assert entry.remittance == text


def test_counts_and_sums_of_the_trailer_must_agree() -> None:
    lines = coda(PAID, eol="\n").decode("latin-1").splitlines()
    trailer = lines[-1]
    assert refused("\n".join([*lines[:-1], trailer[:21] + "9" + trailer[22:]]).encode()) == "control_total_mismatch"
    assert refused("\n".join([*lines[:-1], trailer[:30] + "9" + trailer[31:]]).encode()) == "control_total_mismatch"
    assert refused("\n".join(lines[:3] + lines[4:]).encode()) == "control_total_mismatch"
    assert refused("\n".join(lines[:-1]).encode()) == "truncated"
    assert refused("\n".join([*lines[:-2], lines[-1]]).encode()) == "balance_missing"


def test_a_record_of_another_length_is_refused() -> None:
    lines = coda(PAID, eol="\n").decode("latin-1").splitlines()
    assert refused("\n".join([*lines[:3], lines[3][:-1], *lines[4:]]).encode()) == "malformed"
    assert refused("\n".join([*lines[:-1], lines[-1][:60]]).encode()) == "truncated"


def test_thousandths_and_signs() -> None:
    content = coda(PAID, eol="\n")
    assert refused(content.replace(b"000000000121000", b"000000000121001", 1)) == "too_many_decimals"
    assert refused(content.replace(b"0000000000121000", b"2000000000121000", 1)) == "invalid_amount"
    assert refused(content.replace(b"000000000121000", b"00000000012100X", 1)) == "invalid_amount"


def test_blocks_that_follow_one_another_are_statements_of_one_file() -> None:
    read = read_statement_file(coda(PAID) + coda(PAID, opening=111_01))
    assert [statement.entry_count for statement in read.statements] == [2, 2]
    assert [entry.ordinal for statement in read.statements for entry in statement.entries] == [1, 2, 3, 4]


def batch(*details: tuple[str, int, str]) -> list[Entry]:
    """A movement of 30.00 with details (type, cents, text)."""
    lines = coda([Payment(30_00, "")], eol="\n").decode("latin-1").splitlines()
    at = next(place for place, line in enumerate(lines) if line[0] == "8")
    extra = [
        record(
            (1, "21"),
            (3, f"0001{number:04d}"),
            (32, "01"[cents < 0]),
            (33, f"{abs(cents):014d}0"),
            (48, "020326"),
            (54, f"{kind}0501000"),
            (62, "0"),
            (63, text),
            (116, "020326"),
            (122, "061"),
            (125, "000"),
        )
        for number, (kind, cents, text) in enumerate(details, start=1)
    ]
    lines[at:at] = extra
    trailer = lines[-1]
    lines[-1] = trailer[:16] + f"{len(lines) - 2:06d}" + trailer[22:]
    return list(read_statement_file("\n".join(lines).encode("latin-1")).statements[0].entries)


def test_a_batch_splits_when_its_payments_add_up() -> None:
    entries = batch(("5", 10_00, "2026-1000"), ("5", 20_00, "2026-1001"))
    assert [(one.amount, one.detail_ordinal, one.remittance) for one in entries] == [
        (Decimal("10.00"), 1, "2026-1000"),
        (Decimal("20.00"), 2, "2026-1001"),
    ]


def test_of_a_batch_of_one_the_detail_is_told() -> None:
    (entry,) = batch(("5", 30_00, "2026-1000"))
    assert (entry.amount, entry.detail_ordinal, entry.remittance) == (Decimal("30.00"), 0, "2026-1000")


def test_a_batch_that_does_not_add_up_stays_whole() -> None:
    assert [(one.amount, one.detail_ordinal) for one in batch(("5", 10_00, "a"), ("5", 15_00, "b"))] == [
        (Decimal("30.00"), 0)
    ]


def test_a_breakdown_into_charges_is_one_payment() -> None:
    (entry,) = batch(("8", 31_00, ""), ("8", -1_00, ""))
    assert (entry.amount, entry.charges_amount, entry.detail_ordinal) == (Decimal("30.00"), Decimal("1.00"), 0)


def test_the_other_account_is_an_iban_where_it_can_be_one() -> None:
    entry = read_statement_file(coda([Payment(1_00, iban="539007547034")])).statements[0].entries[0]
    assert entry.counterparty_iban is None, "it is the account of the statement itself"
    entry = read_statement_file(coda([Payment(1_00, iban="096123456769")])).statements[0].entries[0]
    assert entry.counterparty_iban == "BE71096123456769"


def test_where_bytes_are_counted_the_text_is_still_utf_8() -> None:
    lines = coda([Payment(121_00, "Betaald door Caf__ Zuid", name="CAF__ ZUID")], eol="\n").splitlines()
    content = b"\n".join(line.replace(b"Caf__", "Café".encode()).replace(b"CAF__", "CAFÉ".encode()) for line in lines)
    assert {len(line) for line in content.splitlines()} == {128}
    (entry,) = read_statement_file(content).statements[0].entries
    assert (entry.remittance, entry.counterparty_name) == ("Betaald door Café Zuid", "CAFÉ ZUID")


def without_new_balance(header: str) -> bytes:
    """A block without movements and without record 8."""
    lines = coda([], eol="\n").decode("latin-1").splitlines()
    trailer = lines[-1]
    return "\n".join([header, lines[1], trailer[:16] + "000001" + trailer[22:]]).encode()


@pytest.mark.parametrize(
    ("created", "duplicate", "closes"),
    [("030326", " ", "2026-03-03"), ("090326", "D", "2026-03-01"), ("280226", " ", "2026-03-01")],
)
def test_without_a_new_balance_nothing_changed_until_the_file_was_made(
    created: str, duplicate: str, closes: str
) -> None:
    header = record((1, "00000"), (6, created), (12, "20105"), (17, duplicate), (61, "KREDBEBB"), (128, "2"))
    (statement,) = read_statement_file(without_new_balance(header)).statements
    assert (str(statement.closing_on), statement.closing_amount) == (closes, statement.opening_amount)


def test_a_separate_application_tells_what_the_main_statement_books() -> None:
    content = coda([Payment(121_00)])
    assert not read_statement_file(content).statements[0].is_informative
    header = content[:83] + b"00123" + content[88:]
    assert read_statement_file(header).statements[0].is_informative


@pytest.mark.parametrize("written", ["eur", "E R", "   ", "123"])
def test_what_is_no_currency_is_refused(written: str) -> None:
    content = coda(PAID, eol="\n").decode("latin-1")
    assert refused(content.replace("EUR", written).encode("latin-1")) == "currency_mismatch"


def test_both_balances_are_in_one_currency() -> None:
    lines = coda(PAID, eol="\n").decode("latin-1").splitlines()
    lines[-2] = lines[-2].replace("EUR", "USD")
    assert refused("\n".join(lines).encode("latin-1")) == "currency_mismatch"


@pytest.mark.parametrize(
    ("digit", "code"), [("1", "malformed"), ("8", "malformed"), ("0", "truncated"), ("7", "malformed")]
)
def test_a_record_that_cannot_stand_there_is_refused(digit: str, code: str) -> None:
    lines = coda(PAID, eol="\n").decode("latin-1").splitlines()
    extra = {"1": lines[1], "8": lines[-2], "0": lines[0], "7": "7" + lines[1][1:]}[digit]
    assert refused("\n".join([*lines[:-1], extra, lines[-1]]).encode("latin-1")) == code


def test_what_follows_the_end_is_refused() -> None:
    content = coda(PAID)
    assert refused(content + b"x" * 128 + b"\r\n") == "malformed"
    assert refused(content + b"2" + b" " * 127 + b"\r\n") == "malformed"
    assert refused(content + b"the end\r\n") == "truncated"
    read_statement_file(content + b"\r\n\r\n\x1a")


def test_a_message_at_a_terminal_keeps_its_twelve_digits() -> None:
    entry = structured("115" + "x" * 93 + "090933755493")
    assert (entry.structured_reference_kind, entry.structured_reference) == ("OGM", "090933755493")
    entry = structured("115" + "x" * 93 + "090933755494")
    assert entry.structured_reference is None


def test_the_original_amount_of_a_foreign_payment() -> None:
    entry = structured("105" + "000000000121000" + "000000000130000" + "000108000000" + "USD" + "090933755493" + "US")
    assert (entry.original_amount, entry.original_currency) == (Decimal("130.00"), "USD")
    assert entry.structured_reference == "090933755493"
    assert structured("105" + "000000000121000" + "000000000130001" + "000108000000" + "JPY").original_amount is None
    assert structured("105" + "000000000121000" + "000000000130000" + "000108000000" + "usd").original_amount is None


def test_an_unpaid_direct_debit_without_a_return_type_is_a_return() -> None:
    text = "127" + "020326" + "112" + "BE11ZZZ0403170701".ljust(35) + "M-1".ljust(35) + "2026-000163".ljust(62)
    entry = structured(text)
    assert (entry.is_return, entry.return_reason, entry.mandate_id) == (True, None, "M-1")


def test_ten_thousand_movements_begin_their_numbers_again() -> None:
    lines = coda([Payment(1_00)] * 9_999, eol="\n").decode("latin-1").splitlines()
    more = coda([Payment(1_00)] * 3, eol="\n").decode("latin-1").splitlines()[2:-2]
    lines[-2:-2] = more
    total = (9_999 + 3) * 1_00
    lines[-2] = lines[-2][:42] + f"{total:014d}0" + lines[-2][57:]
    lines[-1] = lines[-1][:16] + f"{len(lines) - 2:06d}" + lines[-1][22:37] + f"{total:014d}0" + lines[-1][52:]
    read = read_statement_file("\n".join(lines).encode("latin-1"))
    assert [entry.ordinal for entry in read.statements[0].entries] == list(range(1, 10_003))
