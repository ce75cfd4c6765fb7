"""A company of a few invoices, by hand: what goes into the inboxes of a small home."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

ACCOUNT = "NL91ABNA0417164300"

COMPANY = {
    "company_id": "VB",
    "name": "Voorbeeld Handel B.V.",
    "country": "NL",
    "iban": ACCOUNT,
    "bic": "ABNANL2A",
    "vat_number": "NL001234567B01",
    "registration_number": "12345678",
    "street": "Keizersgracht 1",
    "postal_code": "1015 AA",
    "city": "Amsterdam",
    "email_from": "debiteuren@voorbeeld.example",
    "phone": "+31 20 555 0100",
    "language": "nl",
}

CUSTOMERS = [
    {
        "company_id": "VB",
        "customer_id": f"K{number}",
        "name": name,
        "country": "NL",
        "language": "nl",
        "email": f"crediteuren@{name.split()[0].lower()}.example",
        "street": "Dorpsstraat 2",
        "postal_code": "3511 AB",
        "city": "Utrecht",
        "collector": "M. Visser",
        "created_on": "2020-01-01",
    }
    for number, name in enumerate(["Molenaar B.V.", "Brandsma B.V.", "Kuipers B.V."], start=1)
] + [
    # Big enough that the small ones are no key accounts, and always paid up.
    {
        "company_id": "VB",
        "customer_id": "K9",
        "name": "Grootverbruik N.V.",
        "country": "NL",
        "language": "nl",
        "email": "ap@grootverbruik.example",
    }
]


@dataclass(frozen=True)
class Payment:
    """An entry on the account: whose words it carries and how much; below zero it goes out."""

    amount: str
    remittance: str
    iban: str = "NL20INGB0001234567"


def invoice(number: str, customer: str, issued_on: str, due_on: str, total: str, **more: str) -> dict[str, str]:
    return {
        "company_id": "VB", "invoice_id": number, "invoice_number": number, "customer_id": customer, "kind": "invoice",
        "issued_on": issued_on, "due_on": due_on, "currency": "EUR", "total_amount": total, **more,
    }  # fmt: skip


# Turnover of the big customer: with it, the small ones stay far below two percent.
TURNOVER = invoice("GROOT-2026-1", "K9", "2026-06-01", "2026-12-31", "900000.00")


def write_csv(folder: Path, table: str, rows: Sequence[dict[str, str]]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def camt(day: date, opening: str, payments: Sequence[Payment]) -> bytes:
    """A camt.053.001.02 statement of one day of the account."""
    closing = Decimal(opening) + sum((Decimal(payment.amount) for payment in payments), Decimal(0))
    entries = "".join(
        f"<Ntry><Amt Ccy='EUR'>{payment.amount.lstrip('-')}</Amt>"
        f"<CdtDbtInd>{'DBIT' if payment.amount.startswith('-') else 'CRDT'}</CdtDbtInd><Sts>BOOK</Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>{day:%Y%m%d}{number}</AcctSvcrRef>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
        f"<RltdPties>{_other_party(payment)}</RltdPties>"
        f"<RmtInf><Ustrd>{payment.remittance}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        for number, payment in enumerate(payments)
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'><BkToCstmrStmt>"
        f"<GrpHdr><MsgId>{day:%Y%m%d}</MsgId><CreDtTm>{day}T20:00:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>{day:%Y%m%d}</Id><ElctrncSeqNb>{day.timetuple().tm_yday}</ElctrncSeqNb><CreDtTm>{day}T20:00:00</CreDtTm>"
        f"<Acct><Id><IBAN>{ACCOUNT}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{_balance('OPBD', opening, day)}{_balance('CLBD', f'{closing:.2f}', day)}{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _other_party(payment: Payment) -> str:
    role = "Cdtr" if payment.amount.startswith("-") else "Dbtr"
    return f"<{role}><Nm>Payer</Nm></{role}><{role}Acct><Id><IBAN>{payment.iban}</IBAN></Id></{role}Acct>"


def _balance(kind: str, amount: str, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )
