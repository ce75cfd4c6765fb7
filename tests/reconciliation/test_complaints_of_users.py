"""What users of other systems complain of where payments meet invoices, each complaint as a test that names its thread.

Every complaint is a company of its own, in one warehouse: CSV and bank files are landed as they always are, and the real dbt
computes one day. Addresses are https://github.com/ + the thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from assets.banking.landing import StatementsLanded, land_statements
from assets.billing.landing import land_files
from assets.landing.change_log import replace_rows
from assets.landing.raw_tables import CONTROL_TABLES
from assets.landing.warehouse import writing
from assets.warehouse.dbt import DbtHome
from benchmarks.matching.warehouse import chapters
from tests.landing.rooms import Rooms, open_rooms

BEFORE, DAY, NEXT, TODAY = (date(2026, 11, day) for day in (10, 11, 12, 13))
KNOWN = {"K1": "NL20INGB0001234567", "K2": "NL44RABO0123456789"}
"""The accounts of the customers that are in the ERP."""
STRANGER = "BE71096123456769"


@dataclass(frozen=True)
class Invoice:
    """An invoice or a credit note, three weeks overdue."""

    number: str
    total: str
    customer: str = "K1"
    kind: str = "invoice"


@dataclass(frozen=True)
class Paid:
    """An entry of the bank: whose account, which words, and what the bank adds."""

    amount: str
    text: str = ""
    iban: str = STRANGER
    name: str = "Payer"
    returned: str = ""
    code: str = "PMNT/RCDT/ESCT"
    end_to_end_id: str = "NOTPROVIDED"
    day: date = DAY


@dataclass(frozen=True)
class Company:
    """What a complaint is about: documents, and the statements of the bank, the newest of them up to yesterday."""

    invoices: Sequence[Invoice]
    paid: Sequence[Paid] = ()
    statements: Sequence[tuple[date, date, Sequence[Paid]]] = ()
    """Statements with (day before the first, last day, entries), where one would not do."""


COMPANIES: Mapping[str, Company] = {
    "OTHER_REFERENCE": Company(
        [Invoice("2026-0101", "500.00"), Invoice("2026-0202", "500.00", "K2")],
        [Paid("500.00", "betaling 2026-0999", KNOWN["K1"]), Paid("500.00", "betaling 2026-0202", KNOWN["K1"])],
    ),
    "PRIORITY": Company(
        [Invoice("2026-0101", "100.00"), Invoice("2026-0102", "250.00"), Invoice("2026-0103", "350.00")],
        [Paid("350.00", "2026-0101 en 2026-0102", KNOWN["K1"])],
    ),
    "HALF": Company([Invoice("2026-0101", "1000.00")], [Paid("500.00", "factuur 2026-0101", KNOWN["K1"])]),
    "RETURNS": Company(
        [Invoice("2026-0101", "120.00"), Invoice("2026-0102", "80.00")],
        [
            Paid("120.00", "2026-0101", KNOWN["K1"], code="PMNT/IDDT/ESDD", end_to_end_id="E-1", day=BEFORE),
            Paid("-120.00", "2026-0101", KNOWN["K1"], "Payer", "AC04", "PMNT/IDDT/UPDD", "E-1"),
            Paid("80.00", "2026-0102", KNOWN["K1"], "Payer", "0000", "PMNT/IDDT/ESDD", "E-2"),
        ],
    ),
    "NO_MOVEMENTS": Company([Invoice("2026-0101", "120.00")]),
    "KNOWN_LINES": Company(
        [Invoice("2026-0101", "120.00"), Invoice("2026-0102", "80.00")],
        statements=[
            (BEFORE, DAY, [Paid("120.00", "2026-0101")]),
            (BEFORE, NEXT, [Paid("120.00", "2026-0101"), Paid("80.00", "2026-0102", day=NEXT)]),
        ],
    ),
    "EQUAL_BOOKINGS": Company(
        [Invoice("2026-0101", "300.00")],
        [Paid("150.00", "aanbetaling 2026-0101", KNOWN["K1"]), Paid("150.00", "aanbetaling 2026-0101", KNOWN["K1"])],
    ),
    "SEVERAL": Company(
        [Invoice("2026-0101", "100.00"), Invoice("2026-0102", "55.10"), Invoice("2026-0103", "0.90")],
        [Paid("156.00", "2026-0101, 2026-0102 2026-0103")],
    ),
    "BY_ITSELF": Company([Invoice("2026-0101", "100.00")], [Paid("100.00", "Betreft: factuur 2026-0101 d.d. 24 sep")]),
    "A_CENT": Company(
        [Invoice("2026-0101", "4.99"), Invoice("2026-0102", "35.01")],
        [Paid("5.00", "2026-0101", KNOWN["K1"]), Paid("35.00", "2026-0102", KNOWN["K1"])],
    ),
    "CREDIT_NOTE": Company(
        [Invoice("2026-0101", "500.00"), Invoice("CN-2026-01", "120.00", kind="credit_note")],
        [Paid("380.00", "2026-0101 minus CN-2026-01", KNOWN["K1"])],
    ),
    "PART_PAID": Company([Invoice("2026-0101", "500.00")], [Paid("200.00", "deel van 2026-0101", KNOWN["K1"])]),
    "SLACK": Company(
        [Invoice("2026-0101", "100.00"), Invoice("2026-0102", "100.00")],
        [Paid("300.00", "2026-0101 2026-0102", KNOWN["K1"])],
    ),
    "OTHERS_MONEY": Company(
        [Invoice("2026-0101", "75.00"), Invoice("2026-0102", "75.00", "K2")],
        [Paid("75.00", "bedankt", STRANGER, "Klant K1")],
    ),
}


def iban(company: str) -> str:
    account = f"ABNA{list(COMPANIES).index(company) + 1:010d}"
    digits = "".join(str(int(place, 36)) for place in account + "NL00")
    return f"NL{98 - int(digits) % 97:02d}{account}"


def statement(company: str, first: date, last: date, opening: Decimal, paid: Sequence[Paid], number: int) -> bytes:
    """A camt.053: the opening balance is of the day before the first."""
    closing = opening + sum((Decimal(one.amount) for one in paid), Decimal(0))
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy='EUR'>{amount:.2f}</Amt>"
        f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        for kind, amount, day in (("OPBD", opening, first), ("CLBD", closing, last))
    )
    body = (
        f"<Stmt><Id>S{number}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb><Acct><Id><IBAN>{iban(company)}</IBAN></Id>"
        f"<Ccy>EUR</Ccy></Acct>{balances}{''.join(map(entry, paid))}</Stmt>"
    )
    return (
        "<?xml version='1.0' encoding='UTF-8'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'>"
        f"<BkToCstmrStmt><GrpHdr><MsgId>1</MsgId></GrpHdr>{body}</BkToCstmrStmt></Document>"
    ).encode()


def entry(paid: Paid) -> str:
    domain, family, sub_family = paid.code.split("/")
    is_credit = not paid.amount.startswith("-")
    role = "Dbtr" if is_credit or paid.returned else "Cdtr"
    reason = f"<RtrInf><Rsn><Cd>{paid.returned}</Cd></Rsn></RtrInf>" if paid.returned else ""
    return (
        f"<Ntry><Amt Ccy='EUR'>{paid.amount.lstrip('-')}</Amt><CdtDbtInd>{'CRDT' if is_credit else 'DBIT'}</CdtDbtInd>"
        f"<Sts>BOOK</Sts><BookgDt><Dt>{paid.day}</Dt></BookgDt><ValDt><Dt>{paid.day}</Dt></ValDt>"
        f"<BkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub_family}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{paid.end_to_end_id}</EndToEndId></Refs>"
        f"<RltdPties><{role}><Pty><Nm>{paid.name}</Nm></Pty></{role}><{role}Acct><Id><IBAN>{paid.iban}</IBAN></Id></{role}Acct>"
        f"</RltdPties><RmtInf><Ustrd>{paid.text}</Ustrd></RmtInf>{reason}</TxDtls></NtryDtls></Ntry>"
    )


@dataclass(frozen=True)
class Built:
    """The warehouse of all complaints after the day."""

    rooms: Rooms
    landed: StatementsLanded

    def allocated(self, company: str) -> dict[str, Decimal]:
        """What each invoice got from all entries together."""
        rows = self.rooms.rows(
            "select invoice_id, sum(amount) from reconciliation.payment_allocations where company_id = ? group by all",
            company,
        )
        return {str(invoice): Decimal(str(amount)) for invoice, amount in rows}

    def opened(self, company: str) -> dict[str, Decimal]:
        """The open amount of every document."""
        rows = self.rooms.rows(
            "select invoice_id, open_amount from receivables.invoice_balances where company_id = ?", company
        )
        return {str(invoice): Decimal(str(amount)) for invoice, amount in rows}

    def unplaced(self, company: str) -> list[tuple[object, ...]]:
        """(amount, reason) of the money that is not placed."""
        return self.rooms.rows(
            "select unapplied_amount, reason from reconciliation.unapplied_payments where company_id = ? order by all",
            company,
        )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    rooms = open_rooms(Path(tmp_path_factory.mktemp("complaints")))
    rooms.put(
        "billing",
        "companies.csv",
        "\n".join(["company_id,name,country,iban", *(f"{one},Voorbeeld B.V.,NL,{iban(one)}" for one in COMPANIES)]),
    )
    rooms.put(
        "billing",
        "customers.csv",
        "\n".join(
            ["company_id,customer_id,name,country,iban"]
            + [f"{one},{customer},Klant {customer},NL,{own}" for one in COMPANIES for customer, own in KNOWN.items()]
        ),
    )
    invoices = ["company_id,invoice_id,invoice_number,customer_id,kind,issued_on,due_on,currency,total_amount"]
    for name, company in COMPANIES.items():
        for each in company.invoices:
            invoices.append(
                f"{name},{each.number},{each.number},{each.customer},{each.kind},2026-09-24,2026-10-24,EUR,{each.total}"
            )
    rooms.put("billing", "invoices.csv", "\n".join(invoices))
    land_files(rooms.run("billing"), rooms.room.billing_inbox)
    for name, company in COMPANIES.items():
        before = Decimal(1000)
        told = [(BEFORE - (DAY - BEFORE), NEXT, company.paid)] if not company.statements else company.statements
        for number, (first, last, paid) in enumerate(told, start=1):
            rooms.put("bank", f"{name}-{number}.xml", statement(name, first, last, before, paid, number))
    run = rooms.run("bank")
    landed = land_statements(run, rooms.room.bank_inbox)
    with writing(rooms.room.warehouse) as connection:
        day = [(TODAY, "complaints", run.batch_id, 0, 0, "test")]
        replace_rows(connection, "control.business_day", CONTROL_TABLES["business_day"], day)
    chapters(DbtHome(rooms.room.warehouse, rooms.root / "target"), "receivables")
    return Built(rooms, landed)


def test_an_equal_amount_with_another_reference_is_not_matched(built: Built) -> None:
    """frappe/erpnext/issues/46725: auto-reconcile matched a transaction with another reference number."""
    assert built.allocated("OTHER_REFERENCE") == {}
    assert len(built.unplaced("OTHER_REFERENCE")) == 2


def test_what_the_payer_names_goes_before_what_the_amount_fits(built: Built) -> None:
    """frappe/erpnext/issues/54823: no order of priority, and a line of several invoices is matched with one; an invoice of
    exactly the amount is not what the payer named."""
    assert built.allocated("PRIORITY") == {"2026-0101": Decimal(100), "2026-0102": Decimal(250)}


def test_every_match_says_why_and_by_which_rule(built: Built) -> None:
    """frappe/erpnext/issues/54823 and 34477: how a line was matched cannot be told afterwards."""
    unexplained = built.rooms.rows(
        "select * from reconciliation.payment_allocations where coalesce(evidence, '') = '' or rule_id is null "
        "or policy_id is null"
    )
    silent = built.rooms.rows("select * from reconciliation.unapplied_payments where coalesce(explanation, '') = ''")
    assert (unexplained, silent) == ([], [])
    ((evidence,),) = built.rooms.rows(
        "select evidence from reconciliation.payment_allocations where company_id = 'BY_ITSELF'"
    )
    assert "2026-0101" in str(evidence)


def test_half_the_amount_does_not_pay_an_invoice(built: Built) -> None:
    """odoo/odoo/pull/44046: a rule of 100 % of the amount marked a bill of 1000 as paid by a line of 500."""
    assert built.opened("HALF")["2026-0101"] >= Decimal(500)
    assert built.allocated("HALF").get("2026-0101", Decimal(0)) <= Decimal(500)


def test_a_returned_collection_opens_its_invoice_again(built: Built) -> None:
    """OCA/account-payment/issues/471 and 235: returns in a camt are not handled."""
    assert built.allocated("RETURNS")["2026-0101"] == 0
    assert built.opened("RETURNS")["2026-0101"] == Decimal(120)


def test_a_reason_that_means_success_is_no_return(built: Built) -> None:
    """OCA/account-payment/pull/519: collections that succeeded are told with the reason 0000 and were reversed."""
    assert built.allocated("RETURNS")["2026-0102"] == Decimal(80)
    assert built.opened("RETURNS")["2026-0102"] == 0


def test_a_statement_without_movements_is_taken_and_counts(built: Built) -> None:
    """OCA/bank-statement-import/issues/93: a file with no movements fails to import."""
    assert built.landed.quarantined == 0
    covered = "select is_covered from banking.account_coverage where company_id = 'NO_MOVEMENTS'"
    assert built.rooms.rows(covered) == [(True,)]
    assert built.opened("NO_MOVEMENTS") == {"2026-0101": Decimal(120)}


def test_lines_that_are_known_already_leave_no_gap_in_the_balance(built: Built) -> None:
    """OCA/bank-statement-import/issues/59: where known lines are skipped, the balance at the start is wrong."""
    assert built.allocated("KNOWN_LINES") == {"2026-0101": Decimal(120), "2026-0102": Decimal(80)}
    assert built.rooms.rows("select * from banking.statement_gaps") == []
    assert built.rooms.rows("select count(*) from banking.entries where company_id = 'KNOWN_LINES'") == [(2,)]


def test_two_equal_bookings_of_one_day_are_two(built: Built) -> None:
    """tom-schorn/Duofy/issues/25: of two equal bookings on a day one was taken for a duplicate."""
    assert built.rooms.rows(
        "select count(*), sum(amount) from banking.entries where company_id = 'EQUAL_BOOKINGS'"
    ) == [(2, Decimal(300))]
    assert built.allocated("EQUAL_BOOKINGS") == {"2026-0101": Decimal(300)}


def test_one_bank_line_pays_several_invoices(built: Built) -> None:
    """invoiceninja/invoiceninja/issues/8987: a bank line can be linked with one payment only."""
    assert built.opened("SEVERAL") == {"2026-0101": 0, "2026-0102": 0, "2026-0103": 0}


def test_what_is_named_in_full_is_matched_without_anybody(built: Built) -> None:
    """invoiceninja/invoiceninja/issues/9962: nothing is matched by itself."""
    assert built.allocated("BY_ITSELF") == {"2026-0101": Decimal(100)}


def test_a_cent_of_cash_rounding_is_no_reason_to_leave_a_payment(built: Built) -> None:
    """OCA/account-reconcile/pull/711: 4.99 is paid with 5.00 in the Netherlands; a cent over or short is nobody's debt, and
    it is not written off by itself."""
    assert built.allocated("A_CENT") == {"2026-0101": Decimal("4.99"), "2026-0102": Decimal("35.00")}
    assert built.opened("A_CENT") == {"2026-0101": Decimal(0), "2026-0102": Decimal("0.01")}


def test_a_credit_note_is_netted_as_its_payer_nets_it(built: Built) -> None:
    """OCA/credit-control/issues/211: open credit notes are ignored instead of netted."""
    assert built.opened("CREDIT_NOTE") == {"2026-0101": 0, "CN-2026-01": 0}


def test_an_invoice_that_is_paid_in_part_stays_open_for_the_rest(built: Built) -> None:
    """OCA/credit-control/issues/330: invoices paid in part drop out of reminding; what was paid may not be claimed either."""
    ((claimable,),) = built.rooms.rows(
        "select dunnable_amount from receivables.customer_balances where company_id = 'PART_PAID' and customer_id = 'K1'"
    )
    assert claimable == Decimal(300)


def test_no_cent_more_is_placed_than_there_is(built: Built) -> None:
    """ERPNext lets 0.009 more be allocated than there is, floats being what they are: here every cent is in one place."""
    assert (
        built.rooms.rows(
            """
        select entries.entry_key
        from banking.entries as entries
        left join (
            select entry_key, sum(amount) as amount from reconciliation.payment_allocations group by entry_key
        ) as allocated on entries.entry_key = allocated.entry_key
        left join reconciliation.unapplied_payments as unapplied on entries.entry_key = unapplied.entry_key
        where entries.amount <> coalesce(allocated.amount, 0) + coalesce(unapplied.unapplied_amount, 0)
        """
        )
        == []
    )
    opened = built.opened("SLACK")
    assert min(opened.values()) >= 0
    over = sum((Decimal(str(amount)) for amount, _ in built.unplaced("SLACK")), Decimal(0))
    assert over + sum(built.allocated("SLACK").values(), Decimal(0)) == Decimal(300)


def test_money_that_came_in_before_the_day_was_computed_counts_on_that_day(built: Built) -> None:
    """killbill/killbill/issues/472: a payment made while the overdue state is computed leaves the account blocked."""
    assert built.opened("BY_ITSELF") == {"2026-0101": 0}
    ((booked,),) = built.rooms.rows("select booked_on from banking.entries where company_id = 'BY_ITSELF'")
    assert booked == DAY


def test_a_name_and_an_amount_alone_place_nothing(built: Built) -> None:
    """odoo/odoo/pull/63111, frappe/erpnext/issues/46725: a partner that is only guessed, and an amount two invoices have."""
    assert built.allocated("OTHERS_MONEY") == {}
