"""A batch that the statement books as one sum, and whose payers only a notification tells: in every order of arrival."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from click.testing import Result

from orchestration.home import Home
from tests.end_to_end.published import select
from tests.end_to_end.small import COMPANY, CUSTOMERS, TURNOVER, Payment, invoice, write_csv

Tijdig = Callable[..., Result]

WEDNESDAY, THURSDAY, FRIDAY, MONDAY = (date(2026, 11, day) for day in (11, 12, 13, 16))
# The companies of one home, by what befalls the notification of their batch.
LATE, EARLY, TWICE, NEVER, WRONG, ANSWERED, SINGLY = (
    "late", "early", "twice", "never", "wrong", "answered", "singly",
)  # fmt: skip
COMPANIES = (LATE, EARLY, TWICE, NEVER, WRONG, ANSWERED, SINGLY)
TOLD = [Payment("121.00", "betaling {}-1", "NL20INGB0001234567"), Payment("221.00", "{}-2", "NL44RABO0123456789")]


def iban(company: str) -> str:
    """An account per company, its check digits right."""
    account = f"ABNA{COMPANIES.index(company) + 1:010d}"
    digits = "".join(str(int(place, 36)) for place in account + "NL00")
    return f"NL{98 - int(digits) % 97:02d}{account}"


def header(company: str, name: str, day: date) -> str:
    return f"<Id>{name}</Id><CreDtTm>{day}T20:00:00</CreDtTm><Acct><Id><IBAN>{iban(company)}</IBAN></Id><Ccy>EUR</Ccy></Acct>"


def booked(day: date, amount: str, inside: str) -> str:
    return (
        f"<Ntry><Amt Ccy='EUR'>{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
        f"<ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>{day:%Y%m%d}-77</AcctSvcrRef>{inside}</Ntry>"
    )


def document(message: str, family: str, body: str) -> bytes:
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:{family}.001.08'>"
        f"<{message}><GrpHdr><MsgId>1</MsgId></GrpHdr>{body}</{message}></Document>"
    ).encode()


def statement(company: str, day: date, opening: str, batch: str | None = None) -> bytes:
    """A camt.053 of a day, with a batch of two payments as one sum, or with nothing."""
    closing = Decimal(opening) + Decimal(batch or 0)
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount}</Amt>"
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        for kind, amount in (("OPBD", opening), ("CLBD", f"{closing:.2f}"))
    )
    group = "<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch></NtryDtls>"
    entries = booked(day, batch, group) if batch else ""
    body = f"<Stmt>{header(company, f'S{day:%Y%m%d}', day)}{balances}{entries}</Stmt>"
    return document("BkToCstmrStmt", "camt.053", body)


def notification(
    company: str, day: date, payments: Sequence[Payment] = TOLD, *, name: str = "N-1", singly: bool = False
) -> bytes:
    """A camt.054 with the details of that batch, in one entry or each in one of its own."""
    details = [
        f"<NtryDtls><TxDtls><Amt Ccy='EUR'>{payment.amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><RltdPties>"
        f"<Dbtr><Pty><Nm>Payer</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{payment.iban}</IBAN></Id></DbtrAcct></RltdPties>"
        f"<RmtInf><Ustrd>{payment.remittance.format(company)}</Ustrd></RmtInf></TxDtls></NtryDtls>"
        for payment in payments
    ]
    if singly:
        told = "".join(booked(day, one.amount, detail) for one, detail in zip(payments, details, strict=True))
    else:
        told = booked(day, str(sum(Decimal(one.amount) for one in payments)), "".join(details))
    return document("BkToCstmrDbtCdtNtfctn", "camt.054", f"<Ntfctn>{header(company, name, day)}{told}</Ntfctn>")


@pytest.fixture
def home(tmp_path: Path, tijdig: Tijdig) -> Home:
    """A home of companies, each with three customers and an overdue invoice of each."""
    made = Home(tmp_path / "home")
    assert tijdig("init", home=made).exit_code == 0
    write_csv(made.billing_inbox, "companies", [{**COMPANY, "company_id": one, "iban": iban(one)} for one in COMPANIES])
    write_csv(made.billing_inbox, "customers", [{**each, "company_id": one} for one in COMPANIES for each in CUSTOMERS])
    invoices = [
        {**invoice(f"{one}-{number}", f"K{number}", "2026-09-24", "2026-10-24", total), "company_id": one}
        for one in COMPANIES
        for number, total in ((1, "121.00"), (2, "221.00"), (3, "342.00"))
    ]
    write_csv(made.billing_inbox, "invoices", [*invoices, *({**TURNOVER, "company_id": one} for one in COMPANIES)])
    return made


def allocated(home: Home) -> dict[str, dict[str, Decimal]]:
    rows = select(home, "select company_id, invoice_id, amount from reconciliation.payment_allocations")
    return {one: {invoice: amount for company, invoice, amount in rows if company == one} for one in COMPANIES}


def held(home: Home) -> set[str]:
    rows = select(home, "select distinct company_id, kind from receivables.customers_held_by_gap")
    assert {kind for _, kind in rows} <= {"details_missing"}
    return {company for company, _ in rows}


def written_to(home: Home) -> set[tuple[str, str]]:
    return set(select(home, "select distinct company_id, invoice_id from communications.communication_items"))


def entries(home: Home) -> dict[str, str]:
    return dict(select(home, "select entry_key, company_id from banking.entries"))


def test_who_paid_in_a_batch_is_known_when_a_notification_tells_it(home: Home, tijdig: Tijdig) -> None:
    def put(name: str, content: bytes) -> None:
        (home.bank_inbox / f"{name}.xml").write_bytes(content)

    def run(day: date) -> None:
        result = tijdig("run", "--date", day.isoformat(), home=home)
        assert result.exit_code == 0, result.output

    # Thursday's statements hold a batch as one sum; of the early ones it is booked a day later.
    for one in COMPANIES:
        put(f"{one}-1", statement(one, THURSDAY, "1000.00", None if one == EARLY else "342.00"))
    put("early-told", notification(EARLY, FRIDAY))
    put("twice-told", notification(TWICE, THURSDAY))
    put("wrong-told", notification(WRONG, THURSDAY, [*TOLD[:1], Payment("220.99", "{}-2")]))
    put("singly-told", notification(SINGLY, THURSDAY, singly=True))
    run(FRIDAY)
    paid = {"{}-1": Decimal("121.00"), "{}-2": Decimal("221.00")}
    known = {one: {number.format(one): amount for number, amount in paid.items()} for one in COMPANIES}
    assert allocated(home) == {one: known[one] if one in (TWICE, SINGLY) else {} for one in COMPANIES}
    # Nobody who may have paid is written to; where the payers are known, who did not pay is.
    unknown = {LATE, NEVER, WRONG, ANSWERED}
    assert held(home) == unknown
    assert {company for company, _ in written_to(home)} == {EARLY, TWICE, SINGLY}
    assert {(TWICE, "twice-3"), (SINGLY, "singly-3")} <= written_to(home)
    assert not {(TWICE, "twice-1"), (SINGLY, "singly-2")} & written_to(home)
    batches = select(home, "select company_id, state, message from banking.undetailed_batches")
    assert {company: state for company, state, _ in batches} == dict.fromkeys(unknown, "missing") | {
        WRONG: "not_adding_up"
    }
    told = {company: sentence for company, _, sentence in batches}
    assert "2 payments" in told[NEVER]
    assert "camt.054" in told[NEVER]
    assert "341.99" in told[WRONG]
    tasks = select(home, "select company_id, reason from tasks.tasks where reason like 'A batch of%'")
    assert dict(tasks) == told
    # What is only notified is no money.
    booked_money = "select company_id, sum(amount) from banking.entries group by company_id"
    assert dict(select(home, booked_money)) == {one: Decimal("342.00") for one in COMPANIES if one != EARLY}
    before = entries(home)

    # The next day the late notification is there, one comes again under another name, and a person answers.
    ((sum_key,),) = [(key,) for key, company in before.items() if company == ANSWERED]
    answer = ("--company", ANSWERED, "--by", "M. Visser", "--entry-key", sum_key, "--invoice", "answered-3")
    recorded = tijdig("record", "match_confirmed", *answer, home=home)
    assert recorded.exit_code == 0, recorded.output
    for one in COMPANIES:
        opening = "1000.00" if one == EARLY else "1342.00"
        put(f"{one}-2", statement(one, FRIDAY, opening, "342.00" if one == EARLY else None))
    put("late-told", notification(LATE, THURSDAY))
    put("answered-told", notification(ANSWERED, THURSDAY))
    put("twice-told-again", notification(TWICE, THURSDAY, name="N-2"))
    run(MONDAY)
    assert allocated(home) == {
        one: {NEVER: {}, WRONG: {}, ANSWERED: {"answered-3": Decimal("342.00")}}.get(one, known[one])
        for one in COMPANIES
    }
    assert held(home) == {NEVER, WRONG}
    after = entries(home)
    assert {key for key, one in before.items() if one != LATE} <= set(after)
    assert dict(select(home, booked_money)) == {one: Decimal("342.00") for one in COMPANIES}
    # A detail is found where it stands: in the notification; its money in the statement that booked it.
    ((files, statements),) = select(
        home,
        "select count(distinct entries.file_sha256), count(distinct statements.file_sha256) from banking.entries "
        "inner join banking.statements on entries.statement_key = statements.statement_key "
        "where entries.company_id = 'late' and entries.file_sha256 <> statements.file_sha256",
    )
    assert (files, statements) == (1, 1)

    # Where an entry went is told for a detail, a sum its details stand for, and a sum of unknown payers.
    explained = {
        company: tijdig("explain", key[:10], home=home).stdout
        for key, company in before.items()
        if company in (LATE, NEVER, TWICE)
    }
    assert "a notification tells the 2 payments" in explained[LATE]
    assert told[NEVER] in explained[NEVER]
    assert re.search(r"rule numbers_exact of .*\n +\"twice-[12]\" at \d+-\d+ of the text", explained[TWICE])
    assert (
        "step 3, document numbers written in full" in tijdig("explain", "twice-1", "--company", TWICE, home=home).stdout
    )
    unknown_key = tijdig("explain", "0123456789", home=home)
    assert unknown_key.exit_code == 2
    assert "the key of a bank entry" in unknown_key.output

    # Once known, what comes later changes nothing of it: nor does the same notification after the answer.
    put("late-told-again", notification(LATE, THURSDAY, name="N-9"))
    for one in COMPANIES:
        put(f"{one}-3", statement(one, MONDAY, "1342.00"))
    run(date(2026, 11, 17))
    assert entries(home) == after
    assert select(home, "select count(*) from reconciliation.reallocations") == [(0,)]
    # The past is what it was: a day computed again sees the sum it saw.
    assert tijdig("replay", "--date", FRIDAY.isoformat(), "--verify", home=home).exit_code == 0
    # The whole log can be made again from the files.
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        logged = connection.execute("from raw.notified_entries order by all").fetchall()
    assert len(logged) == 2 * 8
    rebuilt = home.warehouse.rename(home.warehouse.with_name("before"))
    assert tijdig("verify", home=home).exit_code == 0
    rebuilt.unlink()
