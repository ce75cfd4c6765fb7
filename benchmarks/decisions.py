"""What deciding costs: stages, tasks and messages of a large ledger, beside years of settled invoices and sent reminders.

    .venv/bin/python -m benchmarks.decisions [--open N] [--customers N] [--history N] [--keep DIR]

A world is made by SQL in the raw log itself: invoices settled by one exact payment each, open invoices due from three
months ago to a month ahead, reminders that left for those long overdue, promises, disputes and holds. The chapters up
to arrangements are built by dbt; dunning, tasks and communications are then built model by model in a process of their
own, in order, each with its CPU seconds (all threads). dbt's own cost is left out; it is the same for every size.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from assets.communications.templates import template_hashes, template_rows
from assets.landing.change_log import replace_rows
from assets.landing.raw_tables import CONTROL_TABLES
from assets.landing.warehouse import writing
from assets.warehouse.dbt import DbtHome, run_dbt
from assets.warehouse.versions import ROOT
from benchmarks.reconciliation import models_in_order

AS_OF = date(2026, 11, 20)
ACCOUNT = "NL91ABNA0417164300"
COMPANY = "BV1"
MEMORY_LIMIT = "4GB"
BEFORE = ("staging", "banking", "reconciliation", "receivables", "arrangements")
CHAPTERS = ("dunning", "tasks", "communications")

# Every random choice is a hash of a number and the name of the choice, so that a world is the same each time it is made.
# One customer in two thousand has a hundredfold of the others' invoices, so that there are key accounts.
WORLD = """
create macro chance(number, choice, parts) as cast(hash(number, choice) % parts as integer);

create temp table invoice as
select
    number,
    number > {history} as is_open,
    'I' || number as invoice_id,
    'F' || lpad(cast(number as varchar), 9, '0') as invoice_number,
    case
        when chance(number, 'large', 20) = 0 then chance(number, 'which', greatest({customers} // 2000, 1))
        else chance(number, 'customer', {customers})
    end as customer,
    date '{as_of}' - case
        when number > {history} then chance(number, 'age', 120)
        else 130 + chance(number, 'age', 600)
    end + 0 as issued_on,
    cast((1000 + chance(number, 'amount', 400000)) / 100.0 as decimal(18, 2)) as total_amount
from range(1, {history} + {open} + 1) as numbers (number);

insert into raw.companies by name
select 1 as batch_id, '' as source_sha256, 1 as ordinal, '' as row_hash, false as is_deleted, '{company}' as company_id,
    'Voorbeeld' as name, 'NL' as country, '{account}' as iban, 'nl' as language, 'debiteuren@example.org' as email_from;

insert into raw.customers by name
select 1 as batch_id, '' as source_sha256, number as ordinal, '' as row_hash, false as is_deleted,
    '{company}' as company_id, 'K' || number as customer_id, 'Klant ' || number as name,
    case chance(number, 'country', 10) when 0 then 'BE' when 1 then 'DE' else 'NL' end as country,
    'nl' as language, case when chance(number, 'reached', 50) > 0 then 'k' || number || '@example.org' end as email,
    'Straat ' || number as street, '1000 AA' as postal_code, 'Plaats' as city,
    'collector-' || chance(number, 'collector', 20) as collector, 30 as payment_terms_days,
    case when chance(number, 'limit', 3) = 0 then 25000.00 end as credit_limit,
    chance(number, 'person', 50) = 0 as is_natural_person
from range(0, {customers}) as numbers (number);

insert into raw.invoices by name
select 1 as batch_id, '' as source_sha256, number as ordinal, '' as row_hash, false as is_deleted,
    '{company}' as company_id, invoice_id, invoice_number, 'K' || customer as customer_id, 'invoice' as kind, issued_on,
    issued_on + 30 as due_on, 'EUR' as currency, total_amount, 'PO-' || number as order_number, 'Levering' as description
from invoice;

create temp table payment as
select
    *,
    left(md5('entry' || number), 26) as entry_key,
    issued_on + 20 + chance(number, 'paid', 40) as booked_on
from invoice
where not is_open;

insert into raw.bank_statements by name
select 1 as batch_id, 'world' as file_sha256, 1 as ordinal, 'world' as statement_key, 'camt.053.001.08' as format,
    '{account}' as account_iban, 'EUR' as currency, '1' as statement_id, 1 as sequence_no, date '2023-01-01' as from_on,
    date '{as_of}' - 1 as to_on, date '2023-01-01' as opening_on, 0 as opening_amount,
    date '{as_of}' - 1 as closing_on, (select sum(total_amount) from payment) as closing_amount,
    (select count(*) from payment) as entry_count, false as is_informative;

insert into raw.bank_entries by name
select 1 as batch_id, 'world' as file_sha256, number as ordinal, 0 as detail_ordinal, 'world' as statement_key,
    entry_key, left(md5('content' || number), 26) as content_key, '{account}' as account_iban, booked_on,
    booked_on as valued_on, total_amount as amount, 'EUR' as currency, 'B' || number as bank_reference,
    'Klant ' || customer as counterparty_name, 'NL' || lpad(cast(customer as varchar), 16, '9') as counterparty_iban,
    'Factuur ' || invoice_number as remittance, false as is_return, '1' as parser_version
from payment;

insert into raw.allocations by name
select row_number() over (order by booked_on, number) as seq, 'run-' || (booked_on + 1) as run_id,
    booked_on + 1 as as_of_date, entry_key, '{company}' as company_id, 'K' || customer as customer_id, invoice_id,
    'principal' as component, total_amount as amount, 'EUR' as currency, 3 as rung, 'numbers_exact' as rule_id,
    'The text names "' || invoice_number || '" and the amount is exact.' as evidence,
    'reconciliation-1' as policy_id, booked_on + 1 as allocated_on
from payment;
"""

# Reminders that left for invoices overdue since a week and more, one message each, and what was settled after one.
SENT = """
create temp table reminded as
select
    invoice.*,
    stages.stage_no,
    issued_on + 30 + 5 + 10 * (stages.stage_no - 1) as sent_on,
    left(md5('message' || number || '/' || stages.stage_no), 26) as communication_id
from invoice
inner join (values (1), (2)) as stages (stage_no)
    on
        case
            when is_open then issued_on + 30 + 7 + 10 * (stages.stage_no - 1) < date '{as_of}'
            else chance(number, 'reminded', 10) = 0 and stages.stage_no = 1
        end;

insert into raw.dispatch_events by name
select row_number() over (order by sent_on, communication_id) as seq, communication_id, '{company}' as company_id,
    'K' || customer as customer_id, invoice_id, 'reminder_' || stage_no as message_kind, 'friendly' as class,
    'email' as channel, stage_no, 1 as cycle, true as is_acted, 'sent' as state, sent_on as as_of_date,
    sent_on + interval 9 hour as occurred_at
from reminded;

insert into raw.sent_messages by name
select row_number() over (order by sent_on, communication_id) as seq, communication_id, sent_on as as_of_date,
    '{company}' as company_id, 'K' || customer as customer_id, 'reminder_' || stage_no as message_kind,
    json_object(
        'scenario_id', 'standard', 'currency', 'EUR', 'channel', 'email',
        'recipient_email', 'k' || customer || '@example.org', 'stage_no', stage_no, 'total_amount', total_amount,
        'recipient_name', 'Klant ' || customer, 'sender_name', 'Voorbeeld', 'sender_iban', '{account}',
        'items', '[{{"invoice_id":"' || invoice_id || '","stage_no":' || stage_no || ',"is_acted":true,"open_amount":"'
            || total_amount || '"}}]',
        'trace', '[]'
    ) as row_json
from reminded;
"""

REGISTER = """
insert into raw.register_events by name
with kinds as (
    select number, invoice_id, customer, issued_on, total_amount, chance(number, 'event', 100) as kind_no
    from invoice
    where is_open
),

events as (
    select
        number, issued_on + 35 as effective_on,
        case kind_no when 0 then 'promise_made' when 1 then 'dispute_opened' when 2 then 'hold_placed'
            when 3 then 'call_made' when 4 then 'payment_expected' end as kind,
        case kind_no
            when 0 then json_object('invoices', json_array(invoice_id), 'promised_on', cast(issued_on + 50 as varchar),
                'amount', cast(total_amount as varchar))
            when 1 then json_object('invoice', invoice_id, 'reason', 'price')
            when 2 then json_object('invoice', invoice_id, 'reason', 'asked', 'until', cast(issued_on + 90 as varchar))
            when 3 then json_object('customer', 'K' || customer, 'invoice', invoice_id, 'outcome', 'reached')
            when 4 then json_object('invoice', invoice_id, 'expected_on', cast(issued_on + 45 as varchar))
        end as payload
    from kinds
    where kind_no < 5
)

select row_number() over (order by number) as seq, 'event-' || number as event_id,
    effective_on + interval 9 hour as recorded_at, 'clerk' as recorded_by, '{company}' as company_id, effective_on,
    kind, payload
from events
where effective_on < date '{as_of}'
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How many invoices are open and settled, and of how many customers."""

    open: int
    customers: int
    history: int


def fill(connection: duckdb.DuckDBPyConnection, size: Size) -> None:
    """Puts a world into the raw log."""
    values = {
        "open": size.open,
        "customers": size.customers,
        "history": size.history,
        "company": COMPANY,
        "account": ACCOUNT,
        "as_of": AS_OF.isoformat(),
    }
    for script in (WORLD, SENT, REGISTER):
        connection.execute(script.format(**values))
    connection.execute("drop macro chance")
    last = "(select coalesce(max(seq), 0) from raw.{})"
    day = [(AS_OF, "benchmark", 1, 0, 0, "benchmark")]
    replace_rows(connection, "control.business_day", CONTROL_TABLES["business_day"], day)
    connection.execute(
        f"update control.business_day set register_seq = {last.format('register_events')}, "
        f"dispatch_seq = {last.format('dispatch_events')}"
    )
    templates = template_rows(template_hashes(ROOT / "templates"))
    replace_rows(connection, "control.templates", CONTROL_TABLES["templates"], templates)


def prepare(home: DbtHome, size: Size) -> None:
    """A new warehouse of a world, built by dbt up to the chapter before dunning, and the SQL of all models compiled."""
    with writing(home.warehouse) as connection:
        fill(connection, size)
    rebuild(home)


def rebuild(home: DbtHome) -> None:
    """The chapters before dunning again, as the project stands now."""
    untested = ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]
    paths = [f"path:models/{chapter}" for chapter in BEFORE]
    run_dbt(home, ["build", "--full-refresh", "--select", "resource_type:seed", *paths, *untested])
    run_dbt(home, ["compile", "--quiet"])


def measure(home: DbtHome) -> list[tuple[str, str, float, int]]:
    """Builds the chapters in this process. Returns of each model its chapter, name, CPU seconds and rows."""
    figures = []
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("set threads = 2")
        for node in models_in_order(home.target, CHAPTERS):
            schema, name = node["schema"], node["name"]
            compiled = home.target / "compiled" / "tijdig" / node["original_file_path"]
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            connection.execute(f"create schema if not exists {schema}")
            _drop(connection, schema, name)
            began = time.process_time()
            connection.execute(f"create {kind} {schema}.{name} as {compiled.read_text(encoding='utf-8')}").fetchall()
            spent = time.process_time() - began
            counted = (
                connection.execute(f"select count(*) from {schema}.{name}").fetchone() if kind == "table" else None
            )
            figures.append((schema, name, spent, counted[0] if counted else 0))
        connection.execute("checkpoint")
    return figures


def _drop(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> None:
    found = connection.execute(
        "select table_type from information_schema.tables where table_schema = ? and table_name = ?", [schema, name]
    ).fetchone()
    if found:
        connection.execute(f"drop {'view' if found[0] == 'VIEW' else 'table'} {schema}.{name}")


def report(figures: list[tuple[str, str, float, int]]) -> None:
    print("| chapter | model | CPU s | rows |\n|---|---|---|---|")
    for chapter, name, spent, rows in sorted(figures, key=lambda figure: -figure[2]):
        if spent >= 0.1:
            print(f"| {chapter} | `{name}` | {spent:.2f} | {rows:,} |")
    for chapter in CHAPTERS:
        print(f"| **{chapter}** | | {sum(spent for each, _, spent, _ in figures if each == chapter):.1f} | |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| **all** | peak {peak:,.0f} MB | {sum(spent for _, _, spent, _ in figures):.1f} | |")


def main() -> None:
    """Makes the world, unless it was kept, and prints the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--open", type=int, default=100_000, help="open invoices")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--history", type=int, default=200_000, help="settled invoices")
    parser.add_argument("--keep", type=Path, help="keep the world in this folder, and use it again")
    parser.add_argument("--measure-only", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        home = DbtHome(folder / "warehouse.duckdb", folder / "target")
        if arguments.measure_only:
            report(measure(home))
            return
        if home.warehouse.exists():
            rebuild(home)
        else:
            prepare(home, Size(arguments.open, arguments.customers, arguments.history))
        # Another process, whose peak memory is that of these chapters alone.
        again = [sys.executable, "-m", "benchmarks.decisions", "--keep", str(folder), "--measure-only"]
        subprocess.run(again, check=True)


if __name__ == "__main__":
    main()
