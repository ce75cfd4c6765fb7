"""Statements as ISO 20022 camt.053, in the 2009 version (.02) and the 2019 version (.08)."""

from datetime import date
from itertools import groupby
from xml.sax.saxutils import escape

from simulation.bank_days import bank_days_later
from simulation.casting import euros
from simulation.customers import COMPANY
from simulation.model import BankEntry, Statement

# Domain, family and sub-family of the ISO bank transaction code.
TRANSFER_IN = ("PMNT", "RCDT", "ESCT")
TRANSFER_OUT = ("PMNT", "ICDT", "ESCT")
COLLECTION = {"CORE": ("PMNT", "IDDT", "ESDD"), "B2B": ("PMNT", "IDDT", "BBDD")}
RETURNED_COLLECTION = ("PMNT", "IDDT", "UPDD")
CHARGE = ("PMNT", "MDOP", "CHRG")


def element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def amount(cents: int) -> str:
    return f'<Amt Ccy="EUR">{euros(abs(cents))}</Amt>'


def indicator(cents: int) -> str:
    return element("CdtDbtInd", "CRDT" if cents >= 0 else "DBIT")


def transaction_code(entry: BankEntry) -> tuple[str, str, str]:
    match entry.kind:
        case "collection":
            return COLLECTION[entry.scheme or "CORE"]
        case "return":
            return RETURNED_COLLECTION
        case "charge":
            return CHARGE
        case _:
            return TRANSFER_IN if entry.amount_cents >= 0 else TRANSFER_OUT


def code_element(code: tuple[str, str, str]) -> str:
    domain, family, sub_family = code
    return f"<BkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub_family}</SubFmlyCd></Fmly></Domn></BkTxCd>"


def balance(kind: str, cents: int, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{amount(cents)}{indicator(cents)}"
        f"<Dt><Dt>{day.isoformat()}</Dt></Dt></Bal>"
    )


def totals(entries: tuple[BankEntry, ...], bookings: list[int]) -> str:
    """The summary over booked amounts; a batch counts once."""
    credits = [cents for cents in bookings if cents >= 0]
    debits = [-cents for cents in bookings if cents < 0]
    return (
        f"<TxsSummry><TtlNtries><NbOfNtries>{len(bookings)}</NbOfNtries></TtlNtries>"
        f"<TtlCdtNtries><NbOfNtries>{len(credits)}</NbOfNtries><Sum>{euros(sum(credits))}</Sum></TtlCdtNtries>"
        f"<TtlDbtNtries><NbOfNtries>{len(debits)}</NbOfNtries><Sum>{euros(sum(debits))}</Sum></TtlDbtNtries></TxsSummry>"
    )


def party(role: str, name: str, *, is_2019: bool) -> str:
    named = element("Nm", name)
    return f"<{role}>{f'<Pty>{named}</Pty>' if is_2019 else named}</{role}>"


def parties(entry: BankEntry, *, is_2019: bool) -> str:
    """The other side: it is the debtor where money came in, and of a returned collection too."""
    if entry.counterparty_iban is None or entry.counterparty_name is None:
        return ""
    role = "Dbtr" if entry.amount_cents >= 0 or entry.kind == "return" else "Cdtr"
    bic = element("BICFI" if is_2019 else "BIC", entry.counterparty_bic or "")
    return (
        f"<RltdPties>{party(role, entry.counterparty_name, is_2019=is_2019)}"
        f"<{role}Acct><Id><IBAN>{entry.counterparty_iban}</IBAN></Id></{role}Acct></RltdPties>"
        f"<RltdAgts><{role}Agt><FinInstnId>{bic}</FinInstnId></{role}Agt></RltdAgts>"
    )


def remittance(entry: BankEntry) -> str:
    """Text as one `Ustrd` per line the payer typed, or the structured reference with its issuer."""
    if entry.structured_reference:
        issuer = "ISO" if entry.structured_reference.startswith("RF") else "BBA"
        return (
            "<RmtInf><Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry>"
            f"<Issr>{issuer}</Issr></Tp><Ref>{entry.structured_reference}</Ref></CdtrRefInf></Strd></RmtInf>"
        )
    lines = "".join(element("Ustrd", line) for line in entry.remittance)
    return f"<RmtInf>{lines}</RmtInf>" if lines else ""


def details(entry: BankEntry, *, is_2019: bool) -> str:
    mandate = element("MndtId", entry.mandate_id) if entry.mandate_id else ""
    money = (
        f"{amount(entry.amount_cents)}{indicator(entry.amount_cents)}"
        if is_2019
        else f"<AmtDtls><TxAmt>{amount(entry.amount_cents)}</TxAmt></AmtDtls>"
    )
    returned = f"<RtrInf><Rsn><Cd>{entry.return_reason}</Cd></Rsn></RtrInf>" if entry.return_reason else ""
    return (
        f"<TxDtls><Refs>{element('EndToEndId', entry.end_to_end_id or 'NOTPROVIDED')}{mandate}</Refs>{money}"
        f"{parties(entry, is_2019=is_2019)}{remittance(entry)}{returned}</TxDtls>"
    )


def booking(entries: list[BankEntry], *, is_2019: bool) -> str:
    """One `Ntry`: a single movement, or a batch of collections with its details."""
    first = entries[0]
    cents = sum(entry.amount_cents for entry in entries)
    status = "<Sts><Cd>BOOK</Cd></Sts>" if is_2019 else "<Sts>BOOK</Sts>"
    batch = (
        f"<Btch><PmtInfId>{first.batch_id}</PmtInfId><NbOfTxs>{len(entries)}</NbOfTxs>"
        f'<TtlAmt Ccy="EUR">{euros(cents)}</TtlAmt><CdtDbtInd>CRDT</CdtDbtInd></Btch>'
        if first.batch_id
        else ""
    )
    information = "".join(element("AddtlNtryInf", line) for line in first.remittance) if first.kind == "charge" else ""
    transactions = "".join(details(entry, is_2019=is_2019) for entry in entries) if first.kind != "charge" else ""
    inside = f"<NtryDtls>{batch}{transactions}</NtryDtls>" if transactions else ""
    return (
        f"<Ntry>{amount(cents)}{indicator(cents)}{status}<BookgDt><Dt>{first.booked_on.isoformat()}</Dt></BookgDt>"
        f"<ValDt><Dt>{first.valued_on.isoformat()}</Dt></ValDt><AcctSvcrRef>{first.bank_reference}</AcctSvcrRef>"
        f"{code_element(transaction_code(first))}{inside}{information}</Ntry>"
    )


def bookings(statement: Statement) -> list[list[BankEntry]]:
    """The statement's entries as the bank books them: the parts of one batch together."""
    return [list(group) for _, group in groupby(statement.entries, key=lambda entry: entry.batch_id or entry.entry_id)]


def statement_element(statement: Statement, *, is_2019: bool) -> str:
    account, day = statement.account, statement.booked_on
    groups = bookings(statement)
    bic = element("BICFI" if is_2019 else "BIC", account.bic)
    made_at = f"{bank_days_later(day, 1).isoformat()}T05:31:00"
    return (
        f"<Stmt><Id>{statement.statement_id}</Id><ElctrncSeqNb>{statement.sequence_no}</ElctrncSeqNb>"
        f"<LglSeqNb>{statement.sequence_no}</LglSeqNb><CreDtTm>{made_at}</CreDtTm>"
        f"<FrToDt><FrDtTm>{day.isoformat()}T00:00:00</FrDtTm><ToDtTm>{day.isoformat()}T23:59:59</ToDtTm></FrToDt>"
        f"<Acct><Id><IBAN>{account.iban}</IBAN></Id><Ccy>EUR</Ccy><Ownr>{element('Nm', COMPANY.name)}</Ownr>"
        f"<Svcr><FinInstnId>{bic}</FinInstnId></Svcr></Acct>"
        f"{balance('OPBD', statement.opening_cents, day)}{balance('CLBD', statement.closing_cents, day)}"
        f"{totals(statement.entries, [sum(entry.amount_cents for entry in group) for group in groups])}"
        f"{''.join(booking(group, is_2019=is_2019) for group in groups)}</Stmt>"
    )


def camt_053(statements: list[Statement], *, version: str) -> bytes:
    """One message with these statements of one account; `version` is 02 or 08."""
    is_2019 = version == "08"
    last = statements[-1]
    made_at = f"{bank_days_later(last.booked_on, 1).isoformat()}T05:31:00"
    message_id = f"STM{last.booked_on:%Y%m%d}{last.account.iban[-10:]}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>{message_id}</MsgId><CreDtTm>{made_at}</CreDtTm></GrpHdr>\n"
        + "\n".join(statement_element(statement, is_2019=is_2019) for statement in statements)
        + "\n</BkToCstmrStmt></Document>\n"
    ).encode()
