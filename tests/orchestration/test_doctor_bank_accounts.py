"""What the doctor says of bank accounts: what arrives, what is missing, and the line that would settle the source."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from assets.landing.warehouse import writing
from orchestration.bank_accounts import BankAccount, Counted, Delivery, bank_accounts
from orchestration.doctor import Finding, examine
from orchestration.home import Home, create_home

IBAN = "NL91ABNA0417164300"
CAMT = Delivery("camt.053", False, 3, date(2026, 11, 16), date(2026, 11, 18))
MT940 = Delivery("mt940", False, 9, date(2026, 11, 9), date(2026, 11, 19))

# The tables of the rules that the doctor reads, as far as it reads them.
TABLES = """
create schema banking;
create table banking.account_coverage (
    company_id varchar, account_iban varchar, as_of_date date, last_statement_on date, covered_until_on date,
    expected_until_on date, is_covered boolean
);
create table banking.statements (
    account_iban varchar, format_family varchar, is_counted boolean, set_aside_reason varchar, from_on date, to_on date
);
create table banking.account_sources (
    company_id varchar, account_iban varchar, format varchar, valid_from date, valid_to date
);
"""


def account(
    *,
    last: date | None = date(2026, 11, 19),
    covered: bool = True,
    deliveries: tuple[Delivery, ...] = (),
    counted: tuple[Counted, ...] = (),
    twice: int = 0,
    configured: tuple[str, ...] = (),
) -> BankAccount:
    day = date(2026, 11, 20)
    return BankAccount(
        "VB", IBAN, day, last, last, date(2026, 11, 19), covered, deliveries, counted, twice, configured
    )  # fmt: skip


def test_an_account_with_one_format_is_well_and_gets_a_line_from_its_first_day() -> None:
    known = account(deliveries=(MT940,), counted=(Counted("mt940", date(2026, 11, 9), date(2026, 11, 19)),))
    assert known.is_well
    assert known.proposal() == f"VB,{IBAN},mt940,2026-11-09,,2026-11-20,NAME"
    assert "mt940 2026-11-09 to 2026-11-19 (9)" in known.words()


def test_after_a_change_of_format_the_line_begins_behind_the_last_day_of_the_old_one() -> None:
    known = account(
        deliveries=(CAMT, MT940),
        counted=(
            Counted("mt940", date(2026, 11, 9), date(2026, 11, 13)),
            Counted("camt.053", date(2026, 11, 10), date(2026, 11, 19)),
        ),
    )
    assert known.proposal() == f"VB,{IBAN},camt.053,2026-11-14,,2026-11-20,NAME"


@pytest.mark.parametrize(("configured", "is_well"), [((), False), (("camt.053",), True)])
def test_days_told_twice_ask_for_a_source_until_one_is_configured(configured: tuple[str, ...], is_well: bool) -> None:
    known = account(
        deliveries=(CAMT, MT940),
        counted=(Counted("camt.053", date(2026, 11, 16), date(2026, 11, 19)),),
        twice=4,
        configured=configured,
    )
    assert known.is_well is is_well
    assert "4 statements tell days that another one tells" in known.words()
    assert (known.proposal() is None) is is_well


def test_informative_messages_alone_are_no_money() -> None:
    known = account(
        last=None, covered=False, deliveries=(Delivery("camt.052", True, 2, None, None), Delivery("camt.054", True, 1, None, None))
    )  # fmt: skip
    assert not known.is_well
    assert known.proposal() is None
    assert "these never count as money: ask the bank for camt.053" in known.words()
    assert "camt.054 no days named (1 informative)" in known.words()


def test_what_is_missing_or_stale_is_said() -> None:
    assert "no file has ever arrived" in account(last=None, covered=False).words()
    assert "no statement counts yet" in account(last=None, covered=False, deliveries=(MT940,)).words()
    stale = account(last=date(2026, 11, 18), covered=False, deliveries=(MT940,))
    assert not stale.is_well
    assert "up to 2026-11-18, asked for 2026-11-19 on 2026-11-20" in stale.words()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return create_home(tmp_path / "thuis")


def of_banks(home: Home) -> list[Finding]:
    return [finding for finding in examine(home) if finding.subject.startswith("bank account")]


def test_before_the_first_day_nothing_is_known(home: Home) -> None:
    assert bank_accounts(home.warehouse) == []
    with writing(home.warehouse):
        pass
    (finding,) = of_banks(home)
    assert finding.is_well
    assert "no day has been run yet" in finding.words


def test_a_warehouse_in_use_is_not_looked_into(home: Home) -> None:
    with writing(home.warehouse):
        pass
    program = "import sys, duckdb\nheld = duckdb.connect(sys.argv[1])\nprint('held', flush=True)\nsys.stdin.read()\n"
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(home.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    (finding,) = of_banks(home)
    holder.communicate(timeout=20)
    assert finding.is_well
    assert "in use by another program" in finding.words


def test_the_warehouse_is_read_account_by_account(home: Home) -> None:
    with writing(home.warehouse) as connection:
        connection.execute(TABLES)
        connection.execute(
            """
            insert into banking.account_coverage values
                ('VB', 'NL91ABNA0417164300', '2026-11-20', '2026-11-19', '2026-11-19', '2026-11-19', true),
                ('VB', 'BE71096123456769', '2026-11-20', null, null, '2026-11-19', false),
                ('VB', 'NL20INGB0001234567', '2026-11-20', '2026-11-19', '2026-11-19', '2026-11-19', true)
            """
        )
        connection.execute(
            """
            insert into banking.statements values
                ('NL91ABNA0417164300', 'mt940', true, null, '2026-11-18', '2026-11-18'),
                ('NL91ABNA0417164300', 'camt.053', true, null, '2026-11-19', '2026-11-19'),
                ('NL91ABNA0417164300', 'mt940', false, 'other_format', '2026-11-19', '2026-11-19'),
                ('NL20INGB0001234567', 'mt940', true, null, '2026-11-19', '2026-11-19')
            """
        )
        connection.execute(
            """
            insert into banking.account_sources values
                ('*', 'NL20INGB0001234567', 'mt940', '2026-01-01', null),
                ('*', '*', 'coda', '2026-11-21', null)
            """
        )
        connection.execute(
            """
            insert into raw.bank_statements (account_iban, format, is_informative, from_on, to_on) values
                ('NL91 ABNA 0417 1643 00', 'mt940', false, '2026-11-18', '2026-11-18'),
                ('NL91ABNA0417164300', 'mt940', false, '2026-11-19', '2026-11-19'),
                ('NL91ABNA0417164300', 'camt.053.001.08', false, '2026-11-19', '2026-11-19'),
                ('BE71096123456769', 'camt.054.001.08', true, '2026-11-19', '2026-11-19')
            """
        )
    both, configured, informative = sorted(of_banks(home), key=lambda finding: finding.subject, reverse=True)
    assert (both.is_well, configured.is_well, informative.is_well) == (False, True, False)
    assert "camt.053 2026-11-19 to 2026-11-19 (1), mt940 2026-11-18 to 2026-11-19 (2)" in both.words
    assert both.words.endswith("VB,NL91ABNA0417164300,camt.053,2026-11-19,,2026-11-20,NAME")
    assert "source configured: mt940" in configured.words
    assert "never count as money" in informative.words
