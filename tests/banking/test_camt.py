"""camt.053: what counts as booked, how batches split, whose name is the other side's, and which sums must agree."""

from __future__ import annotations

import tracemalloc
from datetime import date
from decimal import Decimal
from io import BytesIO, RawIOBase
from itertools import chain, repeat
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from assets.banking.camt import camt_parts
from assets.banking.markup import LONGEST_TEXT
from assets.banking.references import candidate_references
from assets.banking.statements import Entry, Statement, StatementFile, UnreadableStatement, gathered
from tests.banking.golden_files import STATEMENT_FILES

OWN, OTHER, THIRD = "NL91ABNA0417164300", "NL44RABO0123456789", "BE68539007547034"
BELGIAN = "BE71096123456769"


def read_camt(content: bytes) -> StatementFile:
    return gathered(camt_parts(BytesIO(content)))


def balance(code: str, amount: str, sign: str = "CRDT", currency: str = "EUR") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{amount}</Amt>"
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>"
    )


def booked(
    amount: str, sign: str = "CRDT", inside: str = "", status: str = "<Sts>BOOK</Sts>", currency: str = "EUR"
) -> str:
    return (
        f"<Ntry><Amt Ccy='{currency}'>{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{status}"
        f"<BookgDt><Dt>2026-03-02</Dt></BookgDt>{inside}</Ntry>"
    )


def detail(inside: str) -> str:
    return f"<NtryDtls><TxDtls>{inside}</TxDtls></NtryDtls>"


def party(role: str, name: str, iban: str = "") -> str:
    account = f"<{role}Acct><Id><IBAN>{iban}</IBAN></Id></{role}Acct>" if iban else ""
    return f"<{role}><Nm>{name}</Nm></{role}>{account}"


def statement(*parts: str, balances: str | None = None, account: str = f"<IBAN>{OWN}</IBAN>") -> Statement:
    """Reads one statement made of balances and entries; the namespace is missing on purpose."""
    return read_camt(message(*parts, balances=balances, account=account)).statements[0]


def message(*parts: str, balances: str | None = None, account: str = f"<IBAN>{OWN}</IBAN>") -> bytes:
    header = f"<Id>S</Id><Acct><Id>{account}</Id><Ccy>EUR</Ccy><Ownr><Nm>Voorbeeld B.V.</Nm></Ownr></Acct>"
    body = (balance("OPBD", "0") + balance("CLBD", "0") if balances is None else balances) + "".join(parts)
    return f"<Document><BkToCstmrStmt><Stmt>{header}{body}</Stmt></BkToCstmrStmt></Document>".encode()


def only_entry(entry: str, counter: str) -> Entry:
    """Reads one entry, set off by another so that the balances stay."""
    return statement(entry, counter).entries[0]


def refused(*parts: str, balances: str | None = None, account: str = f"<IBAN>{OWN}</IBAN>") -> str:
    with pytest.raises(UnreadableStatement) as caught:
        read_camt(message(*parts, balances=balances, account=account))
    return caught.value.code


@pytest.mark.parametrize(
    "status", ["<Sts>PDNG</Sts>", "<Sts><Cd>PDNG</Cd></Sts>", "<Sts>INFO</Sts>", "<Sts><Cd>FUTR</Cd></Sts>"]
)
def test_what_is_not_booked_does_not_count(status: str) -> None:
    assert statement(booked("5.00", status=status)).entries == ()


@pytest.mark.parametrize(
    "status", ["<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>", "<Sts><Prtry>book</Prtry></Sts>", ""]
)
def test_what_is_booked_counts(status: str) -> None:
    assert refused(booked("5.00", status=status)) == "control_total_mismatch"


def test_a_batch_splits_when_its_details_make_up_the_entry() -> None:
    one = "<Amt Ccy='EUR'>30.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
    other = "<Amt Ccy='EUR'>10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>"
    entries = statement(
        booked("20.00", inside=f"<NtryDtls><TxDtls>{one}</TxDtls><TxDtls>{other}</TxDtls></NtryDtls>"),
        booked("20.00", "DBIT"),
    ).entries
    assert [(entry.amount, entry.detail_ordinal, entry.ordinal) for entry in entries] == [
        (Decimal("30.00"), 1, 1),
        (Decimal("-10.00"), 2, 2),
        (Decimal("-20.00"), 0, 3),
    ]


@pytest.mark.parametrize(
    "amounts",
    [
        ("<Amt Ccy='EUR'>12.00</Amt>", "<Amt Ccy='EUR'>7.00</Amt>"),
        ("<Amt Ccy='USD'>12.00</Amt>", "<Amt Ccy='USD'>8.00</Amt>"),
        ("<Amt Ccy='EUR'>20.00</Amt>", ""),
    ],
)
def test_a_batch_that_does_not_add_up_stays_whole_and_says_what_all_details_say(amounts: tuple[str, str]) -> None:
    details = "".join(
        f"<TxDtls><Refs><EndToEndId>{number}</EndToEndId><MndtId>M</MndtId></Refs>{amount}"
        f"<RltdPties>{party('Dbtr', 'A', OTHER)}</RltdPties>"
        f"<RmtInf><Ustrd>2026-00012{number}</Ustrd><Strd><RfrdDocInf><Nb>D{number}</Nb></RfrdDocInf></Strd></RmtInf></TxDtls>"
        for number, amount in enumerate(amounts, start=1)
    )
    entry = only_entry(booked("20.00", inside=f"<NtryDtls>{details}</NtryDtls>"), booked("20.00", "DBIT"))
    assert (entry.amount, entry.detail_ordinal) == (Decimal("20.00"), 0)
    assert (entry.end_to_end_id, entry.mandate_id, entry.counterparty_iban) == (None, "M", OTHER)
    assert (entry.remittance, entry.referred_documents) == ("2026-000121 2026-000122", ("D1", "D2"))


def test_a_batch_kept_whole_names_nobody_when_its_details_name_several() -> None:
    details = "".join(
        f"<TxDtls><RltdPties>{party('Dbtr', 'A', account)}{party('Cdtr', 'Supplier', BELGIAN)}</RltdPties></TxDtls>"
        for account in (OTHER, THIRD)
    )
    entry = only_entry(booked("20.00", inside=f"<NtryDtls>{details}</NtryDtls>"), booked("20.00", "DBIT"))
    assert (entry.counterparty_iban, entry.counterparty_name) == (None, "A")


def test_a_batch_kept_whole_names_nobody_when_some_of_its_details_are_silent() -> None:
    named = (
        f"<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs><RltdPties>{party('Dbtr', 'A', OTHER)}</RltdPties></TxDtls>"
    )
    entry = only_entry(booked("20.00", inside=f"<NtryDtls>{named}<TxDtls/></NtryDtls>"), booked("20.00", "DBIT"))
    assert (entry.counterparty_iban, entry.counterparty_name, entry.end_to_end_id) == (None, None, None)


def test_details_may_stand_in_several_groups() -> None:
    group = detail("<AmtDtls><TxAmt><Amt Ccy='EUR'>10.00</Amt></TxAmt></AmtDtls>")
    entries = statement(booked("20.00", inside=group * 2), booked("20.00", "DBIT")).entries
    assert [entry.detail_ordinal for entry in entries] == [1, 2, 0]


def test_the_booked_amount_counts_even_if_the_only_detail_gives_another() -> None:
    inside = detail("<Amt Ccy='EUR'>21.00</Amt><Chrgs><TtlChrgsAndTaxAmt Ccy='EUR'>1.00</TtlChrgsAndTaxAmt></Chrgs>")
    entry = only_entry(booked("20.00", inside=inside), booked("20.00", "DBIT"))
    assert (entry.amount, entry.charges_amount) == (Decimal("20.00"), Decimal("1.00"))


@pytest.mark.parametrize(
    ("sign", "extra", "parties", "name"),
    [
        ("CRDT", "", party("Dbtr", "Payer", OTHER) + party("Cdtr", "Voorbeeld B.V.", OWN), "Payer"),
        ("DBIT", "", party("Dbtr", "Voorbeeld B.V.", OWN) + party("Cdtr", "Supplier", OTHER), "Supplier"),
        ("DBIT", "<RtrInf/>", party("Dbtr", "Payer", OTHER) + party("Cdtr", "Voorbeeld B.V.", OWN), "Payer"),
        ("DBIT", "<RtrInf/>", party("Dbtr", "Payer") + party("Cdtr", "VOORBEELD BV"), "Payer"),
        ("CRDT", "<RtrInf/>", party("Dbtr", "Voorbeeld B.V.", OWN) + party("Cdtr", "Supplier", OTHER), "Supplier"),
        ("DBIT", "<RtrInf/>", party("Dbtr", "Voorbeeld BV") + party("Cdtr", "Payer", OTHER), "Payer"),
        ("CRDT", "", "<UltmtDbtr><Nm>Behind</Nm></UltmtDbtr>", "Behind"),
        ("CRDT", "", "<Dbtr><Pty><Nm>New</Nm></Pty></Dbtr>", "New"),
    ],
)
def test_the_other_side_is_never_the_owner_of_the_account(sign: str, extra: str, parties: str, name: str) -> None:
    inside = detail(f"<RltdPties>{parties}</RltdPties>{extra}")
    entry = only_entry(booked("20.00", sign, inside), booked("20.00", "DBIT" if sign == "CRDT" else "CRDT"))
    assert entry.counterparty_name == name
    assert entry.counterparty_iban in (None, OTHER)


@pytest.mark.parametrize(
    ("sign", "inside", "name"),
    [
        ("CRDT", "", "Debtor"),
        ("DBIT", "", "Creditor"),
        ("DBIT", "<RtrInf/>", "Debtor"),
        ("CRDT", "<RtrInf/>", "Creditor"),
    ],
)
def test_without_accounts_the_direction_and_the_return_tell_the_other_side(sign: str, inside: str, name: str) -> None:
    parties = detail(f"<RltdPties>{party('Dbtr', 'Debtor')}{party('Cdtr', 'Creditor')}</RltdPties>{inside}")
    entry = only_entry(booked("20.00", sign, parties), booked("20.00", "DBIT" if sign == "CRDT" else "CRDT"))
    assert entry.counterparty_name == name


def family(code: str) -> str:
    return f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd><SubFmlyCd>{code}</SubFmlyCd></Fmly></Domn></BkTxCd>"


@pytest.mark.parametrize(
    ("inside", "is_return", "reason"),
    [
        (family("UPDD"), True, None),
        (family("PRDD"), True, None),
        (family("RCDD"), True, None),
        (family("RRTN"), True, None),
        (family("ESDD"), False, None),
        (detail("<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf>"), True, "AM04"),
        (detail("<RtrInf><Rsn><Prtry>914</Prtry></Rsn></RtrInf>"), True, "914"),
        (family("ESDD") + detail(family("UPDD")), True, None),
        ("<RvslInd>true</RvslInd>", True, None),
        ("<RvslInd>1</RvslInd>", True, None),
        ("<RvslInd>false</RvslInd>", False, None),
    ],
)
def test_returns_are_told_by_code_or_indicator_never_by_sign(inside: str, is_return: bool, reason: str | None) -> None:
    for sign, other in (("CRDT", "DBIT"), ("DBIT", "CRDT")):
        entry = only_entry(booked("20.00", sign, inside), booked("20.00", other))
        assert (entry.is_return, entry.return_reason) == (is_return, reason)
        assert entry.is_reversal == ("RvslInd" in inside and is_return)


def test_an_end_to_end_id_of_nothing_is_none() -> None:
    for nothing in ("NOTPROVIDED", "NotProvided", "0000", " "):
        inside = detail(f"<Refs><EndToEndId>{nothing}</EndToEndId></Refs>")
        assert only_entry(booked("1.00", inside=inside), booked("1.00", "DBIT")).end_to_end_id is None


@pytest.mark.parametrize(
    ("balances", "code"),
    [
        ("", "balance_missing"),
        (balance("OPBD", "0"), "balance_missing"),
        (balance("CLAV", "0") + balance("CLBD", "0"), "balance_missing"),
        (balance("ITBD", "0"), "balance_missing"),
        (balance("OPBD", "0") + balance("CLBD", "1"), "control_total_mismatch"),
        (balance("OPBD", "0", currency="USD") + balance("CLBD", "0"), "currency_mismatch"),
        (
            balance("OPBD", "0")
            + balance("CLBD", "0")
            + "<TxsSummry><TtlCdtNtries><Sum>1.00</Sum></TtlCdtNtries></TxsSummry>",
            "control_total_mismatch",
        ),
    ],
)
def test_a_statement_that_cannot_be_checked_is_refused(balances: str, code: str) -> None:
    assert refused(balances=balances) == code


@pytest.mark.parametrize(
    "balances",
    [
        balance("PRCD", "0") + balance("CLBD", "0"),
        balance("OPBD", "0") + balance("ITBD", "0"),
        balance("ITBD", "0") + balance("ITBD", "0"),
        balance("OPBD", "0") + balance("PRCD", "9") + balance("CLBD", "0") + balance("FWAV", "7"),
    ],
)
def test_the_booked_balances_are_found_among_the_others(balances: str) -> None:
    assert statement(balances=balances).closing_amount == 0


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ((booked("1.00", currency="USD"),), "currency_mismatch"),
        ((booked("1.00", "BOTH"),), "malformed"),
        ((booked("1.00").replace("</Ntry>", "<Amt Ccy='EUR'>2.00</Amt></Ntry>"),), "malformed"),
        ((booked("1.00"), balance("OPBD", "5")), "malformed"),
    ],
)
def test_a_contradictory_entry_is_refused(parts: tuple[str, ...], code: str) -> None:
    assert refused(*parts) == code


def test_an_account_must_be_named_and_need_not_be_an_iban() -> None:
    assert refused(account="<Othr/>") == "missing_account"
    assert statement(account="<Othr><Id>12 34-56</Id></Othr>").account_iban == "123456"


def test_a_notification_is_informative_and_needs_no_balances() -> None:
    body = f"<Ntfctn><Id>N</Id><Acct><Id><IBAN>{OWN}</IBAN></Id></Acct>{booked('5.00')}</Ntfctn>"
    read = read_camt(f"<Document><BkToCstmrDbtCdtNtfctn>{body}</BkToCstmrDbtCdtNtfctn></Document>".encode())
    assert (read.format, read.statements[0].is_informative, read.entry_count) == ("camt.054", True, 1)


def test_entities_and_comments_do_not_cut_texts() -> None:
    inside = detail("<RmtInf><Ustrd>A &amp; B<!-- x --> 2026<![CDATA[-000123]]></Ustrd></RmtInf>")
    assert only_entry(booked("1.00", inside=inside), booked("1.00", "DBIT")).remittance == "A & B 2026-000123"


@pytest.mark.parametrize(
    ("pieces", "remittance", "wraps"),
    [
        (["x" * 139, "y"], "x" * 139 + " y", ()),
        (["x" * 140, "y"], "x" * 140 + "y", (140,)),
        (["x" * 141, "y"], "x" * 141 + " y", ()),
        (["x" * 139 + " ", "y"], "x" * 139 + " y", ()),
        (["x" * 140, " y"], "x" * 140 + " y", ()),
        (["x" * 140, "y" * 140, "z"], "x" * 140 + "y" * 140 + "z", (140, 280)),
        (["a  " + "x" * 137, "y"], "a " + "x" * 137 + "y", (139,)),
        (["x" * 140, "  ", "y"], "x" * 140 + "y", (140,)),
        (["a", "", "b"], "a b", ()),
    ],
)
def test_a_full_piece_of_text_may_end_inside_a_word(pieces: list[str], remittance: str, wraps: tuple[int, ...]) -> None:
    inside = detail("<RmtInf>" + "".join(f"<Ustrd>{piece}</Ustrd>" for piece in pieces) + "</RmtInf>")
    entry = only_entry(booked("1.00", inside=inside), booked("1.00", "DBIT"))
    assert (entry.remittance, entry.wraps) == (remittance, wraps)


def test_a_reference_broken_over_two_full_pieces_is_found_in_either_reading() -> None:
    for first, second, wanted in (
        ("x" * 128 + " 2026-000123", "45", "202600012345"),
        ("y" * 132 + " 4711000", "99", "4711000"),
    ):
        assert len(first) == 140
        inside = detail(f"<RmtInf><Ustrd>{first}</Ustrd><Ustrd>{second}</Ustrd></RmtInf>")
        entry = only_entry(booked("1.00", inside=inside), booked("1.00", "DBIT"))
        assert wanted in {found.reference for found in candidate_references(entry)}


def test_the_first_return_reason_counts_and_a_code_before_words() -> None:
    for inside, reason in (
        ("<RtrInf><AddtlInf>words</AddtlInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>", "AC04"),
        ("<RtrInf/><RtrInf><Rsn><Cd>MS03</Cd></Rsn></RtrInf>", "MS03"),
        ("<RtrInf><Rsn><Cd>MD01</Cd></Rsn></RtrInf><RtrInf><Rsn><Cd>MS03</Cd></Rsn></RtrInf>", "MD01"),
        ("<RtrInf><AddtlInf>no \n  money</AddtlInf></RtrInf>", "no money"),
    ):
        entry = only_entry(booked("1.00", inside=detail(inside)), booked("1.00", "DBIT"))
        assert (entry.is_return, entry.return_reason) == (True, reason)


@pytest.mark.parametrize(
    ("inside", "charges"),
    [
        ("<Chrgs><Amt Ccy='EUR'>1.00</Amt></Chrgs><Chrgs><Amt Ccy='EUR'>2.00</Amt></Chrgs>", "3.00"),
        ("<Chrgs><TtlChrgsAndTaxAmt Ccy='EUR'>4.00</TtlChrgsAndTaxAmt><Rcrd><Amt Ccy='EUR'>9.00</Amt></Rcrd></Chrgs>", "4.00"),
        ("<Chrgs><Rcrd><Amt Ccy='EUR'>3.00</Amt></Rcrd><Rcrd><Amt Ccy='EUR'>1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Rcrd></Chrgs>", "2.00"),
        ("<Chrgs><Rcrd><Amt Ccy='USD'>3.00</Amt></Rcrd></Chrgs>", None),
        ("<Chrgs><Amt Ccy='EUR'>0</Amt></Chrgs>", None),
    ],
)  # fmt: skip
def test_charges_are_added_up_in_the_currency_of_the_entry(inside: str, charges: str | None) -> None:
    expected = None if charges is None else Decimal(charges)
    for placed in (inside, detail(inside)):
        entry = only_entry(booked("9.00", inside=placed), booked("9.00", "DBIT"))
        assert entry.charges_amount == expected


def test_charges_beyond_any_column_are_refused() -> None:
    most = "<Chrgs><Amt Ccy='EUR'>9999999999999999</Amt></Chrgs>"
    assert only_entry(booked("1.00", inside=most), booked("1.00", "DBIT")).charges_amount == Decimal(10**16 - 1)
    assert refused(booked("1.00", inside=most * 2)) == "invalid_amount"


@pytest.mark.parametrize(
    ("inside", "original"),
    [
        ("<AmtDtls><InstdAmt><Amt Ccy='USD'>11.00</Amt></InstdAmt></AmtDtls>", (Decimal("11.00"), "USD")),
        ("<AmtDtls><InstdAmt><Amt Ccy='EUR'>11.00</Amt></InstdAmt></AmtDtls>", (Decimal("11.00"), "EUR")),
        ("<AmtDtls><InstdAmt><Amt Ccy='EUR'>10.00</Amt></InstdAmt></AmtDtls>", (None, None)),
        ("<AmtDtls><InstdAmt><Amt Ccy='eur'>11.00</Amt></InstdAmt></AmtDtls>", (None, None)),
        ("<AmtDtls><InstdAmt><Amt>11.00</Amt></InstdAmt></AmtDtls>", (None, None)),
        ("<AmtDtls><InstdAmt><Amt Ccy='KWD'>3.125</Amt></InstdAmt></AmtDtls>", (None, "KWD")),
        ("<AmtDtls><TxAmt><Amt Ccy='USD'>11.00</Amt></TxAmt></AmtDtls>", (Decimal("11.00"), "USD")),
        ("<AmtDtls><TxAmt><Amt Ccy='EUR'>11.00</Amt></TxAmt></AmtDtls>", (None, None)),
    ],
)
def test_the_original_amount_is_what_was_not_booked(inside: str, original: tuple[Decimal | None, str | None]) -> None:
    for placed in (inside, detail(inside)):
        entry = only_entry(booked("10.00", inside=placed), booked("10.00", "DBIT"))
        assert (entry.original_amount, entry.original_currency) == original


def test_the_instructed_amount_of_a_batch_is_not_that_of_its_details() -> None:
    whole = "<AmtDtls><InstdAmt><Amt Ccy='USD'>33.00</Amt></InstdAmt></AmtDtls>"
    parts = "".join(f"<TxDtls><Amt Ccy='EUR'>{amount}</Amt></TxDtls>" for amount in ("10.00", "20.00"))
    entries = statement(booked("30.00", inside=f"{whole}<NtryDtls>{parts}</NtryDtls>"), booked("30.00", "DBIT")).entries
    assert [entry.original_amount for entry in entries] == [None, None, None]


def test_a_batch_is_known_by_its_id_with_details_and_without() -> None:
    group = "<Btch><PmtInfId>{}</PmtInfId></Btch>"
    parts = "<TxDtls><Amt Ccy='EUR'>1.00</Amt></TxDtls>"
    own = "<TxDtls><Refs><PmtInfId>OWN</PmtInfId></Refs><Amt Ccy='EUR'>1.00</Amt></TxDtls>"
    entries = statement(
        booked("3.00", inside=f"<NtryDtls>{group.format('A')}</NtryDtls>"),
        booked("3.00", "DBIT", f"<NtryDtls>{group.format('B')}{parts}{own}</NtryDtls><NtryDtls>{parts}</NtryDtls>"),
    ).entries
    assert [entry.payment_batch_id for entry in entries] == ["A", "B", "OWN", None]


@pytest.mark.parametrize(
    ("inside", "reference", "kind"),
    [
        ("<Tp><Issr>BBA</Issr></Tp><Ref>+++090/9337/55493+++</Ref>", "090933755493", "OGM"),
        ("<Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry><Issr>ISO</Issr></Tp><Ref>RF18 5390 0754 7034</Ref>", "RF18539007547034", "RF"),
        ("<Ref>2026-000123</Ref>", "2026000123", None),
    ],
)  # fmt: skip
def test_structured_references_carry_their_kind(inside: str, reference: str, kind: str | None) -> None:
    block = f"<Strd><CdtrRefInf>{inside}</CdtrRefInf></Strd>"
    entry = only_entry(booked("1.00", inside=detail(f"<RmtInf>{block}</RmtInf>")), booked("1.00", "DBIT"))
    assert (entry.structured_reference, entry.structured_reference_kind) == (reference, kind)


def test_one_block_says_nothing_about_the_next() -> None:
    one = "<Strd><CdtrRefInf><Tp><Issr>BBA</Issr></Tp></CdtrRefInf></Strd><Strd><CdtrRefInf><Ref>4711</Ref></CdtrRefInf></Strd>"
    entries = statement(
        booked("1.00", inside=detail(f"<RmtInf>{one}</RmtInf><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>")),
        booked("1.00", "DBIT", detail("<RtrInf/>")),
    ).entries
    assert [(entry.structured_reference_kind, entry.return_reason) for entry in entries] == [
        (None, "AC04"),
        (None, None),
    ]


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ((booked("0").replace("<BookgDt>", "<BookgDt><Dt>2026-03-03</Dt></BookgDt><BookgDt>"),), "malformed"),
        ((booked("0").replace("</Ntry>", "<Sts>PDNG</Sts></Ntry>"),), "malformed"),
        ((booked("0"), "<Acct><Id><IBAN>NL44RABO0123456789</IBAN></Id></Acct>"), "malformed"),
        ((booked("0"), "<Id>X</Id>"), "malformed"),
        ((booked("0"), "<TxsSummry/>"), "malformed"),
        ((booked("0", inside="<Wrap>" + booked("5.00") + "</Wrap>"),), "malformed"),
        (("<Wrap>" + booked("5.00") + "</Wrap>",), "malformed"),
        ((booked("0", currency=""),), "currency_mismatch"),
        (("<Ntry/>",), "invalid_amount"),
    ],
)
def test_what_leaves_it_to_chance_is_refused(parts: tuple[str, ...], code: str) -> None:
    assert refused(*parts) == code


def test_what_is_not_read_may_stand_anywhere() -> None:
    other = "<Other a='1'><Amt Ccy='EUR'>9</Amt><Sts>PDNG</Sts></Other>"
    read = statement(
        other, booked("0", inside=other + detail(other)), other, "<AddtlStmtInf>x</AddtlStmtInf>", booked("0")
    )
    assert [entry.amount for entry in read.entries] == [0, 0]


@pytest.mark.parametrize("currency", ["eur", "E R", "EURO", "123", ""])
def test_a_currency_is_three_capitals(currency: str) -> None:
    body = f"<Ntfctn><Acct><Id><IBAN>{OWN}</IBAN></Id></Acct>{booked('5.00', currency=currency)}</Ntfctn>"
    with pytest.raises(UnreadableStatement) as caught:
        read_camt(f"<Document><BkToCstmrDbtCdtNtfctn>{body}</BkToCstmrDbtCdtNtfctn></Document>".encode())
    assert (caught.value.code, caught.value.account_iban) == ("currency_mismatch", OWN)


NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"


@pytest.mark.parametrize(
    ("opening", "format"),
    [
        (f'<Document xmlns="{NAMESPACE}camt.053.001.02">', "camt.053.001.02"),
        (f"<Document xmlns = '{NAMESPACE}camt.053.001.14'>", "camt.053.001.14"),
        (f'<Document xmlns:n="{NAMESPACE}camt.053.001.08">', "camt.053"),
        ('<Document xmlns="urn:somebody-else">', "camt.053"),
        ("<Document>", "camt.053"),
    ],
)
def test_the_version_is_that_of_the_namespace(opening: str, format: str) -> None:
    assert read_camt(message().replace(b"<Document>", opening.encode())).format == format


def test_the_namespace_of_a_prefix_counts_and_the_inner_one_before_the_outer() -> None:
    content = message().decode().replace("<", "<p:").replace("<p:/", "</p:")
    inner = content.replace("<p:BkToCstmrStmt>", f'<p:BkToCstmrStmt xmlns:p="{NAMESPACE}camt.053.001.06">')
    assert read_camt(inner.replace("<p:Document>", '<p:Document xmlns:p="urn:x">').encode()).format == "camt.053.001.06"


@pytest.mark.parametrize("other", ["camt.052.001.08", "camt.054.001.02", "pain.001.001.09"])
def test_a_message_in_the_namespace_of_another_is_refused(other: str) -> None:
    with pytest.raises(UnreadableStatement) as caught:
        read_camt(message().replace(b"<Document>", f'<Document xmlns="{NAMESPACE}{other}">'.encode()))
    assert caught.value.code == "malformed"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<Ntry><Amt Ccy='EUR'>1.00</Amt></Ntry>", "unknown_format"),
        (b"<Stmt/>", "unknown_format"),
        (b"<Invoice xmlns='urn:oasis'/>", "unknown_format"),
        (b"<BkToCstmrStmt/>", "no_statement"),
        (b"<BkToCstmrStmt><Ntry/></BkToCstmrStmt>", "malformed"),
        (b"<BkToCstmrStmt><Stmt/></BkToCstmrStmt>", "missing_account"),
        (b"<BkToCstmrStmt><Rpt/></BkToCstmrStmt>", "malformed"),
    ],
)
def test_parts_of_a_message_are_no_statement(content: bytes, code: str) -> None:
    with pytest.raises(UnreadableStatement) as caught:
        read_camt(content)
    assert caught.value.code == code


def period(first: str, last: str) -> tuple[date | None, date | None]:
    """First and last day of a statement whose balances have no dates."""
    undated = (balance("OPBD", "0") + balance("CLBD", "0")).replace("<Dt><Dt>2026-03-02</Dt></Dt>", "")
    read = statement(balances=f"<FrToDt>{first}{last}</FrToDt>{undated}")
    return read.from_on, read.to_on


def test_a_period_to_midnight_ends_on_the_day_before() -> None:
    first, second, third = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
    start = "<FrDtTm>2026-03-02T00:00:00</FrDtTm>"
    for end in ("T00:00:00", "T00:00:00.000+01:00", "T00:00:00Z"):
        assert period(start, f"<ToDtTm>2026-03-04{end}</ToDtTm>") == (first, second)
    assert period(start, "<ToDtTm>2026-03-04T00:00:01</ToDtTm>") == (first, third)
    assert period(start, "<ToDtTm>2026-03-02T00:00:00</ToDtTm>") == (first, first)
    assert period("<FrDt>2026-03-02</FrDt>", "<ToDt>2026-03-04</ToDt>") == (first, third)


def test_a_statement_of_no_day_is_refused() -> None:
    undated = (balance("OPBD", "0") + balance("CLBD", "0")).replace("<Dt><Dt>2026-03-02</Dt></Dt>", "")
    assert refused(balances=undated) == "invalid_date"


# -- the stream ----------------------------------------------------------------------------------------------------


class Dribble(BytesIO):
    """A source that gives a few bytes at a time, whatever is asked for."""

    few = 1

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.few)


@pytest.mark.parametrize("few", [1, 2, 7, 61])
@pytest.mark.parametrize(
    "path", [path for path in STATEMENT_FILES if path.suffix == ".xml"], ids=lambda path: path.name
)
def test_it_does_not_matter_where_the_blocks_end(path: Path, few: int) -> None:
    content = path.read_bytes()
    source = Dribble(content)
    source.few = few
    assert gathered(camt_parts(source)) == read_camt(content)


def test_rows_come_in_chunks_and_each_statement_behind_its_own() -> None:
    many = message(*[booked("1.00"), booked("1.00", "DBIT")] * 1_001)
    two = many.replace(b"</Stmt>", b"</Stmt>" + message(booked("0")).split(b"<BkToCstmrStmt>")[1].split(b"</BkTo")[0])
    parts = list(camt_parts(BytesIO(two)))
    told = [part.entry_count if isinstance(part, Statement) else [len(part)] for part in parts]
    assert told == [[2_000], [2], 2_002, [1], 1]
    ordinals = [row.ordinal for part in parts if not isinstance(part, Statement) for row in part]
    assert ordinals == list(range(1, 2_004))


@pytest.mark.parametrize("count", [1_999, 2_000, 2_001, 6_500])
def test_a_batch_of_any_number_of_details_splits(count: int) -> None:
    parts = "".join(
        f"<TxDtls><Refs><EndToEndId>E{number}</EndToEndId></Refs><Amt Ccy='EUR'>0.01</Amt></TxDtls>"
        for number in range(count)
    )
    total = f"{count / 100:.2f}"
    first, last = booked("5.00"), booked("5.00", "DBIT")
    whole = message(first, booked(total, inside=f"<NtryDtls>{parts}</NtryDtls>"), booked(total, "DBIT"), last)
    rows = gathered(camt_parts(BytesIO(whole))).statements[0].entries
    assert [row.ordinal for row in rows] == list(range(1, count + 4))
    assert [row.end_to_end_id for row in rows[1:-2]] == [f"E{number}" for number in range(count)]
    assert [row.detail_ordinal for row in rows] == [0, *range(1, count + 1), 0, 0]
    off = message(first, booked("5.00", inside=f"<NtryDtls>{parts}</NtryDtls>"), last, last)
    assert [row.detail_ordinal for row in gathered(camt_parts(BytesIO(off))).statements[0].entries] == [0] * 4


class Endless(RawIOBase):
    """A statement with as many entries as wanted, made while it is read."""

    def __init__(self, entries: int) -> None:
        start, end = message("@").split(b"@")
        pair = (
            booked("1.00", inside=detail("<RmtInf><Ustrd>2026-000123</Ustrd></RmtInf>")) + booked("1.00", "DBIT")
        ).encode()
        self.blocks = chain([start], repeat(pair * 500, entries // 1_000), [end])

    def read(self, size: int = -1, /) -> bytes:
        return next(self.blocks, b"")


def test_memory_does_not_grow_with_the_file() -> None:
    def peak(entries: int) -> int:
        tracemalloc.start()
        rows = sum(
            len(part) for part in camt_parts(cast("BinaryIO", Endless(entries))) if not isinstance(part, Statement)
        )
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert rows == entries
        return used

    assert peak(20_000) < 1.2 * peak(5_000) < 12_000_000


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8", ""),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("iso-8859-15", "ISO-8859-15"),
        ("cp1252", "windows-1252"),
        ("latin-1", "latin1"),
    ],
)
def test_every_usual_encoding_is_read(encoding: str, declared: str) -> None:
    inside = detail("<RmtInf><Ustrd>Café Zoë ÆØÅ</Ustrd></RmtInf>")
    text = message(booked("1.00", inside=inside), booked("1.00", "DBIT")).decode()
    written = f' encoding="{declared}"' if declared else ""
    read = read_camt(f'<?xml version="1.0"{written}?>{text}'.encode(encoding))
    assert read.statements[0].entries[0].remittance == "Café Zoë ÆØÅ"


@pytest.mark.parametrize("declared", ["utf-7", "rot13", "base64", "utf-16", "ebcdic", "iso-8859-12", "x" * 300, "idna"])
def test_an_encoding_nobody_uses_is_refused(declared: str) -> None:
    with pytest.raises(UnreadableStatement) as caught:
        read_camt(f'<?xml version="1.0" encoding="{declared}"?>'.encode() + message())
    assert (caught.value.code, caught.value.position) == ("encoding", "line 1")


def test_the_first_wrong_byte_is_named() -> None:
    content = message("<!-- é -->".join(["", ""]))
    place = content.index("é".encode())
    with pytest.raises(UnreadableStatement) as caught:
        read_camt(content.replace("é".encode(), b"\xe9"))
    assert (caught.value.code, caught.value.position) == ("encoding", f"byte {place + 1}")
    source = Dribble(content.replace("é".encode(), b"\xe9"))
    with pytest.raises(UnreadableStatement) as caught:
        list(camt_parts(source))
    assert caught.value.position == f"byte {place + 1}"


def test_a_refusal_in_the_middle_of_the_file_names_the_account() -> None:
    content = message(booked("1.00"), booked("1.00", "DBIT"))
    for broken, code in (
        (content[:-30], "truncated"),
        (content.replace(b"DBIT", b"DB<T"), "malformed"),
        (content.replace(b"DBIT", b"DB\x00T"), "malformed"),
        (content.replace(b"</Document>", b"</Document>garbage"), "malformed"),
    ):
        with pytest.raises(UnreadableStatement) as caught:
            read_camt(broken)
        assert (caught.value.code, bool(caught.value.position)) == (code, True)


@pytest.mark.parametrize(
    "kind", ["<Ustrd>{}</Ustrd>", "<Ustrd>x</Ustrd><!--{}-->", "<Ustrd><![CDATA[{}]]></Ustrd>", "<Ustrd a='{}'/>"]
)
def test_a_text_of_ten_megabytes_is_read_and_one_beyond_the_limit_is_refused(kind: str) -> None:
    def content(size: int) -> bytes:
        inside = detail(f"<RmtInf>{kind.format('2026 ' * (size // 5))}</RmtInf>")
        return message(booked("1.00", inside=inside), booked("1.00", "DBIT"))

    assert read_camt(content(10 << 20)).entry_count == 2
    with pytest.raises(UnreadableStatement) as caught:
        read_camt(content(LONGEST_TEXT + (1 << 18)))
    assert caught.value.code == "malformed"


def test_elements_without_end_are_refused_and_a_few_hundred_strange_ones_are_not() -> None:
    for count, depth, is_read in ((4_700, 254, True), (5_100, 0, False), (0, 255, False)):
        strange = "".join(f"<e{number}/>" for number in range(count)) + "<d>" * depth + "</d>" * depth
        if is_read:
            assert statement(booked("0"), strange).entry_count == 1
        else:
            assert refused(booked("0"), strange) == "malformed"


def test_tags_may_be_written_in_any_manner() -> None:
    content = message(booked("2.00"), booked("2.00", "DBIT")).decode()
    for old, new in (
        ("<Amt Ccy='EUR'>", '<Amt\n  note = "a>b"   Ccy="&#69;UR" >'),
        ("</Amt>", "</Amt\n>"),
        ("<BookgDt>", "<BookgDt\t>"),
        ("<Ntry>", "<Ntry id='7'>"),
        ("2.00<", "<!-- a < b -->2<?x <y> ?>.<![CDATA[00]]><"),
        ("CRDT", "&#x43;RD&#84;"),
    ):
        assert old in content
        content = content.replace(old, new)
    assert [entry.amount for entry in read_camt(content.encode()).statements[0].entries] == [2, -2]


BATCH = "<NtryDtls><Btch><PmtInfId>B-1</PmtInfId>{}</Btch>{}</NtryDtls>"
OTHER_MESSAGE = "<AddtlInfInd><MsgNmId>camt.054.001.08</MsgNmId></AddtlInfInd>"


@pytest.mark.parametrize(
    ("inside", "lacking", "count"),
    [
        ("", "plain", None),
        (OTHER_MESSAGE, "batch", None),
        (BATCH.format("", ""), "batch", None),
        (BATCH.format("<NbOfTxs>1</NbOfTxs>", ""), "batch", 1),
        (BATCH.format("<NbOfTxs>12</NbOfTxs>", "") + BATCH.format("<NbOfTxs>3</NbOfTxs>", ""), "batch", 15),
        (BATCH.format("<NbOfTxs>twelve</NbOfTxs>", ""), "batch", None),
        # A detail that says nothing of a payer is none; one that does pays the whole, unless it is one of several.
        (BATCH.format("", "<TxDtls><Refs><MsgId>M</MsgId></Refs></TxDtls>"), "batch", None),
        (BATCH.format("<NbOfTxs>1</NbOfTxs>", "<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs></TxDtls>"), None, None),
        (
            BATCH.format("<NbOfTxs>2</NbOfTxs>", "<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs></TxDtls>"),
            "incomplete",
            2,
        ),
        ("<NtryDtls><TxDtls><Refs><EndToEndId>E</EndToEndId></Refs></TxDtls></NtryDtls>", None, None),
    ],
)
def test_an_entry_says_whether_it_lacks_its_details(inside: str, lacking: str | None, count: int | None) -> None:
    entry = only_entry(booked("1.00", inside=inside), booked("1.00", "DBIT"))
    assert (entry.details_lacking, entry.payment_count) == (lacking, count)
    assert entry.end_to_end_id == ("E" if "EndToEndId" in inside and lacking is None else None)


@pytest.mark.parametrize(("code", "is_return"), [("0000", False), ("0", False), ("AC04", True), ("0001", True)])
def test_a_reason_of_zeros_is_no_return(code: str, is_return: bool) -> None:
    inside = detail(f"<RtrInf><Rsn><Prtry>{code}</Prtry></Rsn></RtrInf>")
    assert only_entry(booked("1.00", inside=inside), booked("1.00", "DBIT")).is_return is is_return
