"""What reading and landing invoice documents costs: documents a second, for each syntax and size.

    .venv/bin/python benchmarks/invoice_documents.py [--read 5000] [--land 10000] [--customers 100000]

Reading is CPU seconds of this process, on documents held in memory. Landing is the whole step on a home of its own: find
whose each document is among so many customers, archive it, record it, load it; wall and CPU seconds, and peak memory. Every
archived file is made durable (two fsyncs) before the inbox forgets it, so the disk counts; a home in memory shows the rest.
"""

import argparse
import csv
import gc
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from assets.billing.landing import land_files
from assets.invoicing.answers import Answer
from assets.invoicing.landing import land_documents
from assets.invoicing.read import read_document
from orchestration.home import create_home
from orchestration.installation import open_installation
from simulation.invoice_documents import Document, DocumentLine, Trader, cii, pdf_with, ubl

ACCOUNT = "NL91ABNA0417164300"
DAY = date(2026, 3, 2)
SELLER = Trader("Voorbeeld Handel B.V.", "NL", "NL001234567B01", ("0106", "12345678"), ("0106", "12345678"))
REPEATS = 3


class StandingClock:
    """A clock that stands still: nothing here depends on when it runs."""

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 9, tzinfo=UTC)


def buyer(number: int) -> Trader:
    register = f"{20_000_000 + number}"
    return Trader(f"Customer {number}", "NL", f"NL{100_000_000 + number}B01", ("0106", register), ("0106", register))


def document(number: int, customers: int, lines: int, draw: random.Random) -> Document:
    """An invoice of so many lines to one of so many customers."""
    return Document(
        number=f"2026-{number:06d}",
        seller=SELLER,
        buyer=buyer(draw.randrange(customers)),
        issued_on=DAY - timedelta(days=draw.randrange(60)),
        due_on=DAY + timedelta(days=draw.randrange(60)),
        lines=tuple(
            DocumentLine(str(line), f"Article {draw.randrange(10_000)} as agreed", draw.randrange(100, 100_000), 3)
            for line in range(1, lines + 1)
        ),
        vat_cents=draw.randrange(1_000_000),
        iban=ACCOUNT,
        payment_reference=f"RF{draw.randrange(10, 99)}{number:012d}",
        order_number=f"PO-{draw.randrange(100_000)}",
        terms="Betaling binnen 30 dagen",
    )


def read_rate(write: Callable[[Document], bytes], count: int, lines: int) -> tuple[float, int]:
    """Documents a CPU second, the median of some rounds, and the size of one."""
    draw = random.Random(1)
    contents = [write(document(number, 1_000, lines, draw)) for number in range(count)]
    rates = []
    for _ in range(REPEATS):
        gc.collect()
        began = time.process_time()
        for content in contents:
            read_document(content)
        rates.append(count / (time.process_time() - began))
    return statistics.median(rates), sum(map(len, contents)) // count


def recorded(_: Answer) -> bool:
    return True


def land(folder: Path, count: int, customers: int) -> tuple[float, float]:
    """Wall and CPU seconds of landing so many documents."""
    home = create_home(folder / "home")
    installation = open_installation(home, StandingClock())
    try:
        write_extract(home.billing_inbox, customers)
        land_files(installation.landing_room().of_run("extract", DAY), home.billing_inbox)
        draw = random.Random(2)
        for number in range(count):
            content = ubl(document(number, customers, 5, draw))
            (home.invoices_inbox / f"{number:06d}.xml").write_bytes(content)
        began, worked = time.monotonic(), time.process_time()
        landed = land_documents(installation.landing_room().of_run("run", DAY), home.invoices_inbox, recorded)
        assert landed.taken == count, landed
        return time.monotonic() - began, time.process_time() - worked
    finally:
        installation.store.dispose()


def write_extract(inbox: Path, customers: int) -> None:
    with (inbox / "companies.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["company_id", "name", "country", "iban", "vat_number", "registration_number"])
        writer.writerow(["C1", SELLER.name, "NL", ACCOUNT, SELLER.vat_number, "12345678"])
    with (inbox / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["company_id", "customer_id", "name", "country", "vat_number", "registration_number"])
        for number in range(customers):
            trader = buyer(number)
            assert trader.registration is not None
            writer.writerow(["C1", f"K{number}", trader.name, "NL", trader.vat_number, trader.registration[1]])


def main() -> None:
    """Measures and prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--read", type=int, default=5_000)
    parser.add_argument("--land", type=int, default=10_000)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="Where the home is made; in memory the disk does not count")
    arguments = parser.parse_args()
    print("| syntax | lines | bytes | documents a CPU second |\n|---|---|---|---|")
    for name, write, lines in (
        ("UBL", ubl, 1), ("UBL", ubl, 5), ("UBL", ubl, 50), ("CII", cii, 5),
        ("PDF", lambda each: pdf_with(("factur-x.xml", cii(each))), 5),
    ):  # fmt: skip
        rate, size = read_rate(write, max(arguments.read // max(lines // 5, 1), 100), lines)
        print(f"| {name} | {lines} | {size:,} | {rate:,.0f} |")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        wall, cpu = land(Path(folder), arguments.land, arguments.customers)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"\nLanding {arguments.land:,} UBL invoices among {arguments.customers:,} customers: {wall:.1f} s, {cpu:.1f} CPU s"
    )
    print(f"({arguments.land / wall:,.0f} a second; peak memory {peak} MB).")


if __name__ == "__main__":
    main()
