"""MT940: which lines belong together, what the dialects mean, and which statement is not whole."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from assets.banking.read import read_statement_file
from assets.banking.statements import Entry, Statement, StatementFile, UnreadableStatement


def read_mt940(content: str) -> StatementFile:
    return read_statement_file(content.encode())


def text(
    *lines: str,
    opening: str = "C260301EUR100,00",
    closing: str = "C260302EUR100,00",
    account: str = "NL69INGB0123456789",
) -> str:
    """A statement around some lines."""
    return "\n".join((":20:R", f":25:{account}", ":28C:1/1", f":60F:{opening}", *lines, f":62F:{closing}", "-", ""))


def statement(
    *lines: str,
    opening: str = "C260301EUR100,00",
    closing: str = "C260302EUR100,00",
    account: str = "NL69INGB0123456789",
) -> Statement:
    return read_mt940(text(*lines, opening=opening, closing=closing, account=account)).statements[0]


def movement(line: str, *information: str) -> Entry:
    """One movement read alone; the closing balance follows from it."""
    for closing in ("C260302EUR101,00", "C260302EUR99,00"):
        try:
            return statement(line, *information, closing=closing).entries[0]
        except UnreadableStatement as refusal:
            if refusal.code != "control_total_mismatch":
                raise
    raise AssertionError("the movement is not of one euro")


def information(*lines: str) -> Entry:
    return movement(":61:2603020302C1,00NTRFNONREF", ":86:" + lines[0], *lines[1:])


def refused(content: str) -> UnreadableStatement:
    with pytest.raises(UnreadableStatement) as caught:
        read_mt940(content)
    return caught.value


@pytest.mark.parametrize(
    ("mark", "amount", "is_reversal"),
    [
        ("C", "1.00", False),
        ("D", "-1.00", False),
        ("RC", "-1.00", True),
        ("RD", "1.00", True),
        ("CR", "1.00", False),
        ("RDR", "1.00", True),
    ],
)
def test_marks_and_the_third_letter_of_the_currency(mark: str, amount: str, is_reversal: bool) -> None:
    entry = movement(f":61:2603020302{mark}1,00NTRFNONREF")
    assert (entry.amount, entry.is_reversal, entry.is_return) == (Decimal(amount), is_reversal, is_reversal)


@pytest.mark.parametrize(
    ("dates", "booked", "valued"),
    [
        ("2603020302", date(2026, 3, 2), date(2026, 3, 2)),
        ("2512310102", date(2026, 1, 2), date(2025, 12, 31)),
        ("2601021231", date(2025, 12, 31), date(2026, 1, 2)),
        ("260302", date(2026, 3, 2), date(2026, 3, 2)),
        ("260302    ", date(2026, 3, 2), date(2026, 3, 2)),
        ("260110", date(2026, 3, 2), date(2026, 1, 10)),
        ("260410", date(2026, 3, 2), date(2026, 4, 10)),
        ("2602300301", date(2026, 3, 1), date(2026, 2, 28)),
        ("2802290301", date(2028, 3, 1), date(2028, 2, 29)),
    ],
)
def test_booking_and_value_dates(dates: str, booked: date, valued: date) -> None:
    entry = movement(f":61:{dates}C1,00NTRFNONREF")
    assert (entry.booked_on, entry.valued_on) == (booked, valued)


@pytest.mark.parametrize(
    ("written", "closing_on"),
    [
        ("261130", date(2026, 11, 30)),
        ("261131", date(2026, 11, 30)),
        ("260229", date(2026, 2, 28)),
        ("280229", date(2028, 2, 29)),
        ("261231", date(2026, 12, 31)),
    ],
)
def test_a_balance_of_a_day_the_month_does_not_have_is_of_its_last(written: str, closing_on: date) -> None:
    content = text(opening="C250101EUR1,00", closing=f"C{written}EUR1,00")
    assert read_mt940(content).statements[0].closing_on == closing_on


@pytest.mark.parametrize("written", ["261132", "261100", "261331", "260028", "260231"])
def test_a_balance_of_no_day_at_all_is_refused(written: str) -> None:
    assert refused(text(opening="C250101EUR1,00", closing=f"C{written}EUR1,00")).code == "invalid_date"


@pytest.mark.parametrize(
    ("written", "account"),
    [
        ("NL69INGB0123456789EUR", "NL69INGB0123456789"),
        ("NL44RABO0123456789 EUR", "NL44RABO0123456789"),
        ("NL24 KNAB 0123 4567 89", "NL24KNAB0123456789"),
        ("KREDBEBB/BE68539007547034", "BE68539007547034"),
        ("TRIODOSBANK/0454545454", "NL15TRIO0454545454"),
        ("2121.21.211EUR     ", "212121211"),
        ("37040044/0532013000", "DE89370400440532013000"),
        ("37040044/532013000EUR", "DE89370400440532013000"),
        ("BPHKPLPK/320000546101", "320000546101"),
    ],
)
def test_the_account_is_read_through_its_dressing(written: str, account: str) -> None:
    assert statement(account=written).account_iban == account


@pytest.mark.parametrize(
    ("sender", "account", "iban"),
    [
        ("ABNANL2A\n940\nABNANL2A\n", "417164300", "NL91ABNA0417164300"),
        ("{1:F01KNABNL2HAXXX0000000000}{2:I940KNABNL2HXXXXN3020}{4:\n", "0123456789", "NL68KNAB0123456789"),
        ("0000 01INGBNL2AXXXX00001\n0000 01INGBNL2AXXXX00001\n940 00\n", "0001234567", "NL20INGB0001234567"),
        ("", "TRIODOSBANK/0454545454", "NL15TRIO0454545454"),
        # Another country's account, and a file that does not say whose it is.
        ("{1:F01KREDBEBBAXXX0000000000}{4:\n", "417164300", "417164300"),
        ("", "417164300", "417164300"),
        ("ABNANL2A\n940\nABNANL2A\n", "NL44RABO0123456789", "NL44RABO0123456789"),
    ],
)
def test_a_dutch_number_is_the_iban_of_the_bank_that_sent_it(sender: str, account: str, iban: str) -> None:
    """The register knows accounts by IBAN: left as a number, the file would be an unknown account's."""
    end = "-}\n" if "{4:" in sender else "-\n"
    assert read_mt940(sender + text(account=account).removesuffix("-\n") + end).statements[0].account_iban == iban


def test_a_keyword_in_the_payers_text_is_text() -> None:
    ing = information(
        "/EREF/E-1//CNTP/NL44RABO0123456789/RABONL2U/Payer///REMI/USTD//see /CNTP/NL00/ /EREF/fake 2026-1/"
    )
    assert (ing.counterparty_iban, ing.end_to_end_id) == ("NL44RABO0123456789", "E-1")
    assert ing.remittance == "see /CNTP/NL00/ /EREF/fake 2026-1"
    rabobank = information("/ORDP//NAME/Payer/REMI/2026-1 /NAME/Other /IBAN/NL00/ISDT/2026-03-02")
    assert (rabobank.counterparty_name, rabobank.counterparty_iban) == ("Payer", None)
    assert rabobank.remittance == "2026-1 /NAME/Other /IBAN/NL00"
    abn = information("/TRTP/SEPA OVERBOEKING/IBAN/NL44RABO0123456789/BIC/RABONL2U/NAME/P/REMI/x /IBAN/NL00 y/EREF/E-2")
    assert (abn.counterparty_iban, abn.end_to_end_id, abn.remittance) == ("NL44RABO0123456789", "E-2", "x /IBAN/NL00 y")


def test_a_keyword_may_be_broken_by_a_line_end() -> None:
    entry = information(
        "/EREF/E-1//CNTP/NL44RABO0123456789/RABONL2U/De Vries en Zn///R", "EMI/USTD//Factuur 2026-000", "123/"
    )
    assert (entry.end_to_end_id, entry.remittance) == ("E-1", "Factuur 2026-000 123")


def test_a_full_line_runs_on_and_a_short_one_ends_in_a_space() -> None:
    head = "/REMI/" + "x" * 50
    full = information(head + "20260", "00123 einde")
    assert full.remittance == "x" * 50 + "2026000123 einde"
    assert full.wraps == (55,)
    short = information("/REMI/NR.2026-111", "NR.2026-112")
    assert (short.remittance, short.wraps) == ("NR.2026-111 NR.2026-112", ())


def test_the_name_of_an_ultimate_party_is_not_the_payers() -> None:
    entry = information("/ORDP//NAME/Payer/ID/123/REMI/2026-1/ULTD//NAME/Behind/ISDT/2026-03-02")
    assert (entry.counterparty_name, entry.remittance) == ("Payer", "2026-1")


@pytest.mark.parametrize(
    ("line", "details", "reason"),
    [
        (":61:2603020302D1,00NRTIEREF//1", "/RTRN/MS03//EREF/INC-1//REMI/USTD//x/", "MS03"),
        (":61:2603020302D1,00N593EREF", "/MARF/M-1/EREF/INC-1/TRCD/593/RTRN/AC04/BENM//NAME/P/REMI/x", "AC04"),
        (
            ":61:2603020302D1,00N658NONREF",
            "/RTYP/SEPA Incasso niet uitgevoerd/MARF/M/RTRN/MD06/IBAN/NL44RABO0123456789/NAME/P/REMI/x",
            "MD06",
        ),
        (":61:2603020302C1,00NRTINONREF//1", "/RTRN/AC01//CNTP/NL44RABO0123456789/RABONL2U/P///REMI/USTD//x/", "AC01"),
        (":61:2603020302D1,00NRTINONREF//1", "zonder reden", None),
        (":61:2603020302D1,00NMSCNONREF", "109?00RETOURE?20EREF+E?34914", "914"),
    ],
)
def test_returns_are_recognised(line: str, details: str, reason: str | None) -> None:
    entry = movement(line, f":86:{details}")
    assert (entry.is_return, entry.return_reason) == (True, reason)


def test_a_line_that_looks_like_a_tag_or_an_end_stays_text() -> None:
    entry = information("2026-000123 om 13", ":20:15 uur", ":00:00", "-", "-}")
    assert entry.remittance == "2026-000123 om 13 :20:15 uur :00:00 - -}"


def test_several_fields_86_of_one_movement_are_one_text() -> None:
    entry = movement(
        ":61:260302C1,00N0600733959555      T-MOBILE NETHERLANDS BV",
        ":86:BETALINGSKENM.  123456789",
        ":86:FACTUUR 987654321",
    )
    assert (entry.counterparty_iban, entry.counterparty_name) == ("0733959555", "T-MOBILE NETHERLANDS BV")
    assert entry.remittance == "BETALINGSKENM. 123456789 FACTUUR 987654321"


@pytest.mark.parametrize(
    ("reference", "end_to_end_id", "structured"),
    [
        ("2026-000123", "2026-000123", None),
        ("2026000123", "2026000123", None),
        ("5000056789012345", None, "5000056789012345"),
        ("EREF", None, None),
        ("NONREF", None, None),
    ],
)
def test_the_owners_reference_of_field_61(reference: str, end_to_end_id: str | None, structured: str | None) -> None:
    entry = movement(f":61:2603020302C1,00NTRF{reference}//26061")
    assert (entry.end_to_end_id, entry.structured_reference) == (end_to_end_id, structured)
    assert entry.bank_reference == "26061"


def test_pages_are_one_statement_and_must_all_be_there() -> None:
    one = "\n".join(
        (
            ":20:R",
            ":25:NL69INGB0123456789",
            ":28C:1/1",
            ":60F:C260301EUR1,00",
            ":61:2603020302C1,00NTRFX",
            ":62M:C260302EUR2,00",
            "",
        )
    )
    two = (
        one.replace("1/1", "1/2")
        .replace(":60F:C260301EUR1,00", ":60M:C260302EUR2,00")
        .replace(":62M:C260302EUR2,00", ":62F:C260302EUR3,00")
    )
    read = read_mt940(one + two)
    assert len(read.statements) == 1
    assert (read.statements[0].opening_amount, read.statements[0].closing_amount) == (Decimal("1.00"), Decimal("3.00"))
    assert refused(one).code == "truncated"
    assert refused(two).code == "truncated"
    assert refused(one + two.replace(":60M:C260302EUR2,00", ":60M:C260302EUR5,00")).code == "control_total_mismatch"
    assert refused(one + two.replace("NL69INGB0123456789", "NL44RABO0123456789")).code == "control_total_mismatch"


def test_what_is_not_whole_or_not_in_order_is_refused() -> None:
    whole = text(":61:2603020302C1,00NTRFX", closing="C260302EUR101,00")
    assert refused(whole.partition(":62F")[0]).code == "truncated"
    assert refused(whole + whole.partition(":62F")[0]).code == "truncated"
    assert refused(whole + whole.removesuffix("-\n")).code == "truncated"
    assert refused(whole + ":61:2603020302C1,00NTRFX\n").code == "malformed"
    assert refused(whole.replace(":60F:C260301EUR100,00\n", "")).code == "malformed"
    assert refused(text() + text().removeprefix(":20:R\n")).code == "malformed"
    assert refused(text().replace(":60F:C260301EUR100,00\n", "")).code == "balance_missing"
    assert refused(whole.replace(":25:NL69INGB0123456789\n", "")).code == "missing_account"
    assert refused(whole.replace("EUR101", "USD101")).code == "currency_mismatch"
    assert refused(whole.replace("C1,00N", "X1,00N")).code == "malformed"
    position = refused(whole.replace("C1,00N", "C1.00N"))
    assert (position.position, position.account_iban) == ("line 5", "NL69INGB0123456789")


def test_a_second_message_without_closing_balance_before_it_is_a_cut() -> None:
    cut = text(":61:2603020302C1,00NTRFX", ":86:tekst").partition(":62F")[0]
    assert refused(cut + text()).code == "truncated"


def test_charges_and_original_amount() -> None:
    entry = movement(":61:2603020302C1,00NTRFX//1", "/OCMT/USD1,10//CHGS/EUR0,05/", ":86:x")
    assert (entry.original_amount, entry.original_currency, entry.charges_amount) == (
        Decimal("1.10"),
        "USD",
        Decimal("0.05"),
    )


def test_a_closing_balance_cut_inside_its_decimals_is_refused() -> None:
    whole = text(":61:2603020302C1,50NTRFX", closing="C260302EUR101,50").partition("\n-\n")[0]
    assert refused(whole[:-1]).code == "truncated"
    assert refused(whole[:-2]).code in ("truncated", "control_total_mismatch")
    assert read_mt940(whole).statements[0].entry_count == 1
    bank_writes_it_so = whole.replace("101,50", "101,5") + "\n"
    assert read_mt940(bank_writes_it_so).statements[0].entry_count == 1


@pytest.mark.parametrize("begun", [":", ":2", "{1:F01INGBNL2AXXX}", "{1:F01", "-}{5:{CHK"])
def test_a_message_that_is_only_begun_is_a_cut(begun: str) -> None:
    assert refused(text() + begun).code == "truncated"


def test_what_stands_before_every_message_announces_one_at_the_end_too() -> None:
    one = "ABNANL2A\n940\nABNANL2A\n" + text()
    assert len(read_mt940(one + one).statements) == 2
    for size in range(len(one), len(one) + len("ABNANL2A\n940\nABNANL2A")):
        if size > len(one):
            assert refused((one + one)[:size]).code == "truncated"


@pytest.mark.parametrize("garbage", ["<html>", "x" * 101, "a\x00b".replace("\x00", "\x07"), "<?xml version='1.0'?>"])
def test_what_belongs_to_no_statement_is_refused(garbage: str) -> None:
    assert refused(text() + garbage + "\n").code == "malformed"
    assert refused(garbage + "\n" + text()).code in ("malformed", "unknown_format", "no_statement", "doctype_forbidden")


def test_a_statement_may_be_told_about_after_its_closing_balance() -> None:
    told = text().replace("\n-\n", "\n:64:C260302EUR100,00\n:86:Uw saldo is gunstig\nen blijft dat\n-\n")
    assert read_mt940(told).statements[0].entry_count == 0


@pytest.mark.parametrize(
    ("second_line", "details", "name", "remittance"),
    [
        ("VIREMENT EN EURO", "2026-1", None, "2026-1"),
        ("VIREMENT 2026-2", "dank", None, "dank VIREMENT 2026-2"),
        ("VIREMENT EN EURO", None, None, "VIREMENT EN EURO"),
    ],
)
def test_the_second_line_is_text_where_no_account_stands_in_the_field(
    second_line: str, details: str | None, name: str | None, remittance: str
) -> None:
    entry = movement(":61:2603020302C1,00NTRFNONREF", second_line, *([f":86:{details}"] if details else []))
    assert (entry.counterparty_name, entry.remittance) == (name, remittance)


def test_the_second_line_is_the_name_beside_an_account() -> None:
    entry = movement(":61:2603020302C1,00NTRFNL44RABO0123456789", "garage van dijk", ":86:2026-1")
    assert (entry.counterparty_name, entry.counterparty_iban) == ("garage van dijk", "NL44RABO0123456789")


def test_german_ids_end_with_their_subfield_unless_they_fill_it() -> None:
    entry = information(
        "166?00X?20EREF+KURZ?21Rechnung 2026-1?22MREF+ABCDEFGHIJKLMNOPQRSTUV?23WXYZ?24CRED+DE98ZZZ?25und 2026-2"
    )
    assert (entry.end_to_end_id, entry.mandate_id, entry.creditor_id) == (
        "KURZ",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "DE98ZZZ",
    )
    assert entry.remittance == "Rechnung 2026-1 und 2026-2"


def test_a_number_of_a_subfield_in_the_payers_text_is_text() -> None:
    entry = information("166?00X?20SVWZ+was ist ?22 gegen?21den Rest?32Max Muster?33 GmbH?70weg damit")
    assert (entry.counterparty_name, entry.remittance) == ("Max Muster GmbH", "was ist gegen?21den Rest")


@pytest.mark.parametrize(
    ("details", "kind", "reference"),
    [
        (
            "/TRTP/Acceptgirobetaling/IBAN/NL86INGB0002445588/REMI/ISSUER: CUR      REF: 5000056789012345/EREF/X",
            "CUR",
            "5000056789012345",
        ),
        ("/CNTP/NL86INGB0002445588/INGBNL2A/X///REMI/STRD/CUR/5000056789012345/", "CUR", "5000056789012345"),
        ("/CNTP/BE68539007547034/KREDBEBB/X///REMI/STRD/BBA/090933755493/", "OGM", "090933755493"),
        (
            "/ORDP//NAME/X/REMI/CDTRREFTP//CD/SCOR/ISSR/ISO/CDTRREF/RF18539007547034/ISDT/2026-03-02",
            "RF",
            "RF18539007547034",
        ),
    ],
)
def test_structured_references(details: str, kind: str, reference: str) -> None:
    entry = information(*(details[at : at + 61] for at in range(0, len(details), 61)))
    assert (entry.structured_reference_kind, entry.structured_reference) == (kind, reference)


def test_a_word_that_only_looks_like_an_iban_is_text() -> None:
    entry = information("EJ46GREENP100610T1456 CLIEOP 2026-1")
    assert (entry.counterparty_iban, entry.remittance) == (None, "EJ46GREENP100610T1456 CLIEOP 2026-1")
    assert information("NL91ABNA0417164300 2026-1").counterparty_iban == "NL91ABNA0417164300"


def test_a_code_behind_the_banks_reference_is_no_part_of_it() -> None:
    entry = movement(":61:2603020302C1,00NTRFEREF//00000000001005/TRCD/00100/", ":86:/EREF/E-1/REMI/x")
    assert (entry.bank_reference, entry.transaction_code) == ("00000000001005", "NTRF/00100")
