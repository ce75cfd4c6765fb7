"""What reconciliation costs: new entries against open invoices beside a long history, and everything at once.

    .venv/bin/python -m benchmarks.reconciliation [--history N] [--open N] [--new N] [--keep DIR]

A world is made by SQL in the raw log itself: history is invoices that are paid and allocated, open invoices are of the last
months, new entries pay some of them in the manners payers have (numbers exact, several, damaged, partial, short, absent).
One customer has a twentieth of all invoices, a third of the customers pay one of twenty prices every month. Then the chapters
before reconciliation are built by dbt, and the models of the chapter one by one in a process of their own, in order, each
with its CPU seconds (all threads). dbt's own cost is left out; it is the same for every size.

`--history 5000000 --open 1000000 --new 100000` is a large day; `--history 0 --open 5000000 --new 5000000` a first load.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from assets.landing.change_log import replace_rows
from assets.landing.raw_tables import CONTROL_TABLES
from assets.landing.warehouse import writing
from assets.warehouse.dbt import DbtHome, run_dbt

AS_OF = date(2026, 11, 20)
ACCOUNT = "NL91ABNA0417164300"
COMPANY = "BV1"
MEMORY_LIMIT = "4GB"

# Every random choice is a hash of a number and the name of the choice, so that a world is the same each time it is made.
MACROS = """
create macro chance(number, choice, parts) as cast(hash(number, choice) % parts as integer);
create macro key_of(name, number) as left(md5(name || number), 26);
"""

# Two neighbours are of one customer, so that a payment may be of both. One in twenty pairs is the large customer's.
INVOICES = """
create temp table invoice as
with placed as (
    select
        number,
        number // 2 as pair,
        number <= {history} as is_settled,
        case when chance(number // 2, 'large', 20) = 0 then 0 else 1 + chance(number // 2, 'customer', {customers}) end as customer
    from range(1, {history} + {open} + 1) as numbers (number)
)
select
    number,
    pair,
    is_settled,
    customer,
    'I' || number as invoice_id,
    'F2024-' || lpad(cast(number as varchar), 8, '0') as invoice_number,
    'K' || customer as customer_id,
    case when is_settled then date '2023-01-01' + chance(number, 'day', 1200) else date '2026-08-01' + chance(number, 'day', 90) end
        as issued_on,
    case
        when chance(customer, 'subscription', 3) = 0 then cast(10 + 5 * chance(customer, 'price', 20) as decimal(18, 2))
        else cast((1000 + chance(number, 'amount', 500000)) / 100.0 as decimal(18, 2))
    end as total_amount
from placed
"""

# What a payer does with an invoice, in parts of a thousand: the ordinary noise of payments.
PAYMENTS = """
create temp table payment as
with chosen as (
    select
        *,
        case
            when is_settled then case when chance(number, 'blank', 20) = 0 then 'account' else 'exact' end
            when chance(pair, 'several', 1000) < 90 then 'several'
            when chance(number, 'manner', 910) < 600 then 'exact'
            when chance(number, 'manner', 910) < 700 then 'damaged'
            when chance(number, 'manner', 910) < 740 then 'partial'
            when chance(number, 'manner', 910) < 780 then 'short'
            when chance(number, 'manner', 910) < 830 then 'account'
            when chance(number, 'manner', 910) < 840 then 'double'
            when chance(number, 'manner', 910) < 850 then 'other'
            when chance(number, 'manner', 910) < 855 then 'returned'
            when chance(number, 'manner', 910) < 870 then 'unknown'
            else 'exact'
        end as manner
    from invoice
    where number <= {history} + {new}
),

-- Several entries of one invoice, or one entry of two.
told as (
    select chosen.*, times.time
    from chosen
    inner join range(1, 3) as times (time)
        on times.time = 1 or manner in ('double', 'returned')
    where manner <> 'several' or number % 2 = 0
)

select
    told.number,
    told.time,
    told.is_settled,
    told.manner,
    key_of('entry' || told.time, told.number) as entry_key,
    least(told.issued_on + 10 + chance(told.number, 'late', 40) + cast(told.time as integer), date '2026-11-19') as booked_on,
    case
        when told.manner = 'several' then told.total_amount + coalesce(neighbour.total_amount, 0)
        when told.manner = 'partial' then cast(told.total_amount / 2 as decimal(18, 2))
        when told.manner = 'short' then told.total_amount - cast(told.total_amount / 50 as decimal(18, 2))
        when told.manner = 'returned' and told.time = 2 then -told.total_amount
        else told.total_amount
    end as amount,
    told.customer,
    case
        when told.manner in ('account', 'unknown') then ''
        when told.manner = 'damaged' then cast(told.number as varchar)
        when told.manner = 'other' then 'F202400000' || (1 + chance(told.number, 'wrong', 999))
        else 'F2024' || lpad(cast(told.number as varchar), 8, '0')
    end as named,
    case when told.manner = 'several' then 'F2024' || lpad(cast(told.number + 1 as varchar), 8, '0') end as named_too,
    case
        when told.manner = 'other' then 'NL' || lpad(cast(chance(told.number, 'payer', 1000000) as varchar), 16, '0')
        else 'NL' || lpad(cast(told.customer as varchar), 16, '9')
    end as counterparty_iban
from told
left join invoice as neighbour
    on told.manner = 'several' and told.number + 1 = neighbour.number
"""

BILLING = """
insert into raw.companies by name
select 1 as batch_id, '' as source_sha256, 1 as ordinal, '' as row_hash, false as is_deleted, '{company}' as company_id,
    'Voorbeeld' as name, 'NL' as country, '{account}' as iban, 'nl' as language;

insert into raw.customers by name
select 1 as batch_id, '' as source_sha256, number as ordinal, '' as row_hash, false as is_deleted,
    '{company}' as company_id, 'K' || number as customer_id, 'Klant ' || number as name, 'NL' as country,
    'nl' as language, 'k' || number || '@example.org' as email,
    -- Of half the customers the account is not on file: it is learnt.
    case when number % 2 = 0 then 'NL' || lpad(cast(number as varchar), 16, '9') end as iban
from range(0, {customers} + 1) as numbers (number);

insert into raw.invoices by name
select 1 as batch_id, '' as source_sha256, number as ordinal, '' as row_hash, false as is_deleted,
    '{company}' as company_id, invoice_id, invoice_number, customer_id, 'invoice' as kind, issued_on,
    issued_on + 30 as due_on, 'EUR' as currency, total_amount,
    case when chance(number, 'reference', 3) = 0 then lpad(cast(7000000000000000 + number as varchar), 16, '0') end
        as payment_reference,
    'PO-' || number as order_number, 'Levering' as description
from invoice;

-- Two in a hundred are credited in part.
insert into raw.invoices by name
select 1 as batch_id, '' as source_sha256, number as ordinal, '' as row_hash, false as is_deleted,
    '{company}' as company_id, 'C' || number as invoice_id, 'C2024-' || lpad(cast(number as varchar), 8, '0') as invoice_number,
    customer_id, 'credit_note' as kind, issued_on + 5 as issued_on, issued_on + 5 as due_on, 'EUR' as currency,
    cast(total_amount / 4 as decimal(18, 2)) as total_amount, invoice_number as credits_invoice_number
from invoice
where not is_settled and chance(number, 'credited', 50) = 0;
"""

BANKING = """
insert into raw.bank_statements by name
select 1 as batch_id, 'world' as file_sha256, 1 as ordinal, 'world' as statement_key, 'camt.053.001.08' as format,
    '{account}' as account_iban, 'EUR' as currency, '1' as statement_id, 1 as sequence_no, date '2023-01-01' as from_on,
    date '2026-11-19' as to_on, date '2023-01-01' as opening_on, 0 as opening_amount, date '2026-11-19' as closing_on,
    (select sum(amount) from payment) as closing_amount, (select count(*) from payment) as entry_count,
    false as is_informative;

insert into raw.bank_entries by name
select 1 as batch_id, 'world' as file_sha256, 2 * number + time as ordinal, 0 as detail_ordinal,
    'world' as statement_key, entry_key, key_of('content' || time, number) as content_key, '{account}' as account_iban,
    booked_on, booked_on as valued_on, amount, 'EUR' as currency, 'B' || number as bank_reference,
    case when chance(number, 'end', 2) = 0 then 'E2E' || number end as end_to_end_id,
    'Klant ' || customer as counterparty_name, counterparty_iban,
    'Factuur ' || named || coalesce(' ' || named_too, '') || ' klant ' || (50000 + customer) || ' dd ' || booked_on
        as remittance,
    manner = 'returned' and time = 2 as is_return, '1' as parser_version
from payment;

-- Nine to ten an entry, of which one or two name a document: that is what the search for tokens gives for such a text.
insert into raw.entry_references by name
with tokens as (
    select
        entry_key,
        number,
        unnest([
            named,
            named_too,
            cast(50000 + customer as varchar),
            case when named <> '' then left(named, 5) end,
            case when named <> '' then substr(named, 6) end,
            case when named <> '' then 'FACTUUR' || left(named, 5) end,
            case when named <> '' then 'FACTUUR' || named end,
            'KLANT' || (50000 + customer),
            strftime(booked_on, '%Y%m%d'),
            strftime(booked_on, '%m%d'),
            'DD' || strftime(booked_on, '%Y%m%d')
        ]) as reference,
        unnest(range(1, 12)) as position
    from payment
)

select 1 as batch_id, entry_key, position, 'remittance' as source, 'token' as kind, reference,
    7 + position as span_start, 7 + position + length(reference) as span_end, reference as span_text
from tokens
where length(reference) >= 4;
"""

HISTORY = """
insert into raw.allocations by name
select row_number() over (order by payment.booked_on, payment.number) as seq,
    'run-' || (payment.booked_on + 1) as run_id, payment.booked_on + 1 as as_of_date, payment.entry_key,
    '{company}' as company_id, invoice.customer_id, invoice.invoice_id, 'principal' as component, payment.amount,
    'EUR' as currency,
    case when payment.manner = 'account' then 5 else 3 end as rung,
    case when payment.manner = 'account' then 'payer_and_single_amount' else 'numbers_exact' end as rule_id,
    case
        when payment.manner = 'account'
            then 'Paid from account ...' || right(payment.counterparty_iban, 4) || ' of this customer; '
                || invoice.invoice_number || ' was its only open invoice of ' || payment.amount || ' EUR.'
        else 'The text names "' || payment.named || '" and the amount is exact.'
    end as evidence,
    'reconciliation-2024' as policy_id, payment.booked_on + 1 as allocated_on, payment.booked_on, payment.counterparty_iban
from payment
inner join invoice using (number)
where payment.is_settled
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How many invoices are settled, how many open, and how many of the open ones a new entry pays."""

    history: int
    open: int
    new: int

    @property
    def values(self) -> dict[str, object]:
        customers = max((self.history + self.open) // 60, 10)
        return {
            "history": self.history,
            "open": self.open,
            "new": self.new,
            "customers": customers,
            "company": COMPANY,
            "account": ACCOUNT,
        }


def fill(connection: duckdb.DuckDBPyConnection, size: Size) -> None:
    """Puts a world into the raw log."""
    day = [(AS_OF, "benchmark", 1, 0, 0, "benchmark")]
    replace_rows(connection, "control.business_day", CONTROL_TABLES["business_day"], day)
    connection.execute(MACROS)
    for script in (INVOICES, PAYMENTS, BILLING, BANKING, HISTORY):
        connection.execute(script.format(**size.values))
    connection.execute("drop macro chance; drop macro key_of")


def prepare(home: DbtHome, size: Size) -> None:
    """A new warehouse of a world, with every chapter up to banking built, and the SQL of all models compiled."""
    with writing(home.warehouse) as connection:
        fill(connection, size)
    untested = ["--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]
    run_dbt(home, ["build", "--select", "resource_type:seed", "path:models/staging", "path:models/banking", *untested])
    run_dbt(home, ["compile", "--quiet"])


def models_in_order(target: Path, chapters: Sequence[str] = ("reconciliation",)) -> list[dict[str, Any]]:
    """The models of some chapters, each after those it reads."""
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    chapter = {
        key: node for key, node in nodes.items() if node["resource_type"] == "model" and node["schema"] in chapters
    }
    graph = {
        key: [parent for parent in node["depends_on"]["nodes"] if parent in chapter] for key, node in chapter.items()
    }
    return [chapter[key] for key in TopologicalSorter(graph).static_order()]


def measure(home: DbtHome, only: Sequence[str] = ()) -> list[tuple[str, float, int]]:
    """Builds the chapter in this process. Returns of each model its name, CPU seconds and rows (views: none)."""
    figures = []
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("set threads = 2")
        connection.execute("create schema if not exists reconciliation")
        kinds = dict(
            connection.execute(
                "select table_schema || '.' || table_name, if(table_type = 'VIEW', 'view', 'table') "
                "from information_schema.tables"
            ).fetchall()
        )
        for node in models_in_order(home.target):
            if only and node["name"] not in only:
                continue
            made = f"reconciliation.{node['name']}"
            compiled = home.target / "compiled" / "tijdig" / node["original_file_path"]
            sql = compiled.read_text(encoding="utf-8")
            began = time.process_time()
            kind = node["config"]["materialized"]
            if node["language"] == "python":
                found = run_python(sql, connection.cursor())  # noqa: F841 (read by the next statement)
                sql = "select * from found"
            connection.execute(f"drop {kinds[made]} {made}" if made in kinds else "select 1").fetchall()
            connection.execute(f"create {kind} {made} as {sql}").fetchall()
            spent = time.process_time() - began
            counted = connection.execute(f"select count(*) from {made}").fetchone() if kind == "table" else None
            figures.append((node["name"], spent, counted[0] if counted else 0))
        connection.execute("checkpoint")
    return figures


def run_python(code: str, connection: duckdb.DuckDBPyConnection) -> Any:
    """What a model written in Python gives, run as dbt's adapter runs it."""
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope["model"](scope["dbtObj"](connection.table), connection)


def report(figures: list[tuple[str, float, int]], whole: float) -> None:
    print("| model | CPU s | rows |\n|---|---|---|")
    for name, spent, rows in sorted(figures, key=lambda figure: -figure[1]):
        if spent >= 0.05:
            print(f"| {name} | {spent:.2f} | {rows:,} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| **the chapter** | **{sum(spent for _, spent, _ in figures):.1f}** | peak {peak:,.0f} MB, all {whole:.1f} s |"
    )


def main() -> None:
    """Makes the world, unless it was kept, and prints the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--history", type=int, default=500_000, help="settled invoices, one entry each")
    parser.add_argument("--open", type=int, default=100_000, help="open invoices")
    parser.add_argument("--new", type=int, default=20_000, help="open invoices that new entries pay")
    parser.add_argument("--keep", type=Path, help="keep the world in this folder, and use it again")
    parser.add_argument("--measure-only", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--models", nargs="+", default=[], help="build these models only, over what was built before")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        home = DbtHome(folder / "warehouse.duckdb", folder / "target")
        if arguments.measure_only:
            began = time.process_time()
            figures = measure(home, arguments.models)
            report(figures, time.process_time() - began)
            return
        if home.warehouse.exists():
            run_dbt(home, ["seed", "--full-refresh", "--quiet"])
            run_dbt(home, ["run", "--select", "path:models/staging,config.materialized:view", "--quiet"])
            run_dbt(home, ["compile", "--quiet"])
        else:
            prepare(home, Size(arguments.history, arguments.open, arguments.new))
        # Another process, whose peak memory is that of the chapter alone.
        again = [sys.executable, "-m", "benchmarks.reconciliation", "--keep", str(folder), "--measure-only"]
        subprocess.run([*again, *(["--models", *arguments.models] if arguments.models else [])], check=True)


if __name__ == "__main__":
    main()
