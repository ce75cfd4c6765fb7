"""camt.053: what counts as booked, how batches split, whose name is the other side's, and which sums must agree."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO

import pytest

from assets.banking.camt import camt_parts
from assets.banking.statements import Entry, Statement, StatementFile, UnreadableStatement, gathered

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
