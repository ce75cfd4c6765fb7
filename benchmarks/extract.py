"""What an extract of a million invoices costs: the first full one, the same again, and a delta of one in a hundred.

    .venv/bin/python benchmarks/extract.py [--rows N] [--only sqlite|postgresql]

The invoices lie in an ERP's own table and are mapped by a query with all columns the contract knows. Each case runs in a
process of its own on one warehouse, from the query to the committed log, archive included; peak memory is that process's,
imports and all, beside what it held before it began. The PostgreSQL server is one of our own, or the one TIJDIG_TEST_POSTGRES_URL names.
"""

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import create_engine, text

from tests.operations.stores import new_schema, postgresql_server

CASES = ("first full extract", "the same again", "delta of 1 %")

TABLE = """
create table facturen (
    id integer primary key, nummer text, relatie text, datum {day}, vervalt {day}, bedrag_centen bigint, kenmerk text,
    order_nr text, omschrijving text, geleverd {moment}, gewijzigd {moment}
)
"""

# One row a number: some thousand customers, six years of days, amounts without a pattern.
SQLITE_ROWS = """
insert into facturen
with recursive nummers(n) as (select 1 union all select n + 1 from nummers where n < {rows})
select
    n, printf('F%08d', n), 'K' || (n % 20000), date('2020-01-01', (n % 2000) || ' days'),
    date('2020-01-31', (n % 2000) || ' days'), (n * 7919) % 1000000 + 100, printf('RF%016d', n),
    case when n % 3 = 0 then 'PO-' || n end, 'Levering week ' || (n % 52) || ' volgens opdracht',
    datetime('2020-01-01', (n % 2000) || ' days', '9 hours'), datetime('2020-01-01', (n / 600) || ' minutes')
from nummers
"""
POSTGRESQL_ROWS = """
insert into facturen
select
    n, 'F' || lpad(n::text, 8, '0'), 'K' || (n % 20000), date '2020-01-01' + n % 2000,
    date '2020-01-31' + n % 2000, (n::bigint * 7919) % 1000000 + 100, 'RF' || lpad(n::text, 16, '0'),
    case when n % 3 = 0 then 'PO-' || n end, 'Levering week ' || (n % 52) || ' volgens opdracht',
    timestamp '2020-01-01 09:00' + (n % 2000) * interval '1 day', timestamp '2020-01-01' + (n / 600) * interval '1 minute'
from generate_series(1, {rows}) as n
"""

AMOUNTS = {
    "sqlite": "printf('%d.%02d', bedrag_centen / 100, bedrag_centen % 100)",
    "postgresql": "(bedrag_centen / 100.0)::numeric(18, 2)",
}

CHANGES = "update facturen set bedrag_centen = bedrag_centen + 1, gewijzigd = {moment} where id % 100 = 0"


def queries(kind: str) -> dict[str, str]:
    """The billing queries of this ERP."""
    return {
        "companies": "select 'C1' as company_id, 'Voorbeeld BV' as name, 'NL' as country, 'NL91ABNA0417164300' as iban",
        "customers": "select distinct 'C1' as company_id, relatie as customer_id, 'Klant ' || relatie as name,"
        " 'NL' as country from facturen",
        "invoices": f"""
            select
                'C1' as company_id, id as invoice_id, nummer as invoice_number, relatie as customer_id,
                'invoice' as kind, datum as issued_on, vervalt as due_on, 'EUR' as currency,
                {AMOUNTS[kind]} as total_amount, kenmerk as payment_reference, order_nr as order_number,
                null as project_number, geleverd as delivered_at, 'sent' as delivery_status,
                null as credits_invoice_number, null as replaces_invoice_number, null as discount_percent,
                null as discount_until, null as term_of_invoice_id, null as document_path, 0 as is_cancelled,
                omschrijving as description, gewijzigd
            from facturen
        """,
    }


def one(home: Path, url: str, kind: str, case: str) -> dict[str, Any]:
    """Runs one case in this process."""
    from assets.billing.landing import land_extract
    from assets.billing.source import BillingSource
    from assets.landing.archive import Archive
    from assets.landing.batches import open_batch
    from assets.landing.context import Landing
    from assets.operations.clock import SystemClock
    from assets.operations.store import migrate, open_store

    home.mkdir(exist_ok=True)
    store, clock, day = open_store(f"sqlite:///{home / 'operations.db'}"), SystemClock(), date(2026, 3, 2)
    migrate(store, clock)
    batch = open_batch(store, clock, case)
    landing = Landing(
        store, clock, home / "warehouse.duckdb", Archive(home / "archive"), home / "quarantine", case, batch, day
    )
    source = BillingSource(url, queries(kind), is_full=case != CASES[2], watermarks={"invoices": "gewijzigd"})
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began, cpu = time.monotonic(), time.process_time()
    landed = land_extract(landing, source)
    wall, cpu = time.monotonic() - began, time.process_time() - cpu
    invoices = next(table for table in landed.tables if table.table_name == "invoices")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": invoices.seen, "changed": invoices.changed, "wall": wall, "cpu": cpu, "idle": idle, "peak": peak}


def measured(home: Path, url: str, kind: str, case: str) -> dict[str, Any]:
    """Runs one case in a process of its own."""
    command = [sys.executable, __file__, "--case", case, "--home", str(home), "--url", url, "--kind", kind]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@contextmanager
def erp(kind: str, folder: Path, rows: int) -> Iterator[str]:
    """An ERP with that many invoices, as a URL."""
    if kind == "sqlite":
        with sqlite3.connect(folder / "erp.db") as connection:
            connection.execute(TABLE.format(day="text", moment="text"))
            connection.execute(SQLITE_ROWS.format(rows=rows))
        connection.close()
        yield f"sqlite:///{folder / 'erp.db'}"
        return
    with postgresql_server() as server:
        url = new_schema(server)
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text(TABLE.format(day="date", moment="timestamp")))
            connection.execute(text(POSTGRESQL_ROWS.format(rows=rows).replace(":", "\\:")))
        engine.dispose()
        yield url


def change(kind: str, url: str) -> None:
    """What happens between two days: one invoice in a hundred is touched."""
    moment = "datetime('2026-03-01 12:00:00')" if kind == "sqlite" else "timestamp '2026-03-01 12:00'"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(CHANGES.format(moment=moment).replace(":", "\\:")))
    engine.dispose()


def main() -> None:
    """Runs all cases and prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", choices=list(AMOUNTS))
    for internal in ("--case", "--home", "--url", "--kind"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(one(Path(arguments.home), arguments.url, arguments.kind, arguments.case)))
        return
    print("| ERP | case | rows read | appended | seconds | rows/s | CPU s | MB before | peak MB |\n" + "|---" * 9 + "|")
    for kind in [arguments.only] if arguments.only else AMOUNTS:
        with tempfile.TemporaryDirectory() as folder, erp(kind, Path(folder), arguments.rows) as url:
            for case in CASES:
                if case == CASES[2]:
                    change(kind, url)
                found = measured(Path(folder) / "home", url, kind, case)
                print(
                    f"| {kind} | {case} | {found['rows']:,} | {found['changed']:,} | {found['wall']:.1f}"
                    f" | {found['rows'] / found['wall']:,.0f} | {found['cpu']:.1f} | {found['idle']:.0f} | {found['peak']:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
