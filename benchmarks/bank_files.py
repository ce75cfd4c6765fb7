"""What reading and landing bank files costs: entries a second and peak memory, for each format and size.

    .venv/bin/python benchmarks/bank_files.py [--entries 100000 1000000] [--formats camt mt940 coda] [--files 4]

Every measurement runs in a process of its own, on files made for it. Rates are entries a CPU second (of the process and of
those it started), so that another program on the machine does not count; wall seconds are given beside them.
"""

import argparse
import json
import multiprocessing
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from assets.banking.read import statement_parts
from assets.banking.statements import Statement

ACCOUNTS = {"camt": "NL91ABNA0417164300", "mt940": "NL91ABNA0417164300", "coda": "BE68539007547034"}
DAY = date(2026, 3, 2)
NAMES = (
    "Garage Van Dijk",
    "Bakkerij De Molen BV",
    "Installatiebedrijf Jansen en Zonen",
    "Huisarts T. de Wit",
    "Café Zuid",
)
WORDS = [
    "dank",
    "levering",
    "week",
    "maart",
    "onderhoud",
    "volgens",
    "afspraak",
    "bestelling",
    "voorjaar",
    "project",
    "inzake",
    "termijn",
    "restant",
]


# cents, name, account, text, end-to-end id, bank reference
Payment = tuple[int, str, str, str, str, str]


class Payments:
    """Payments a bank might book: three in four name an invoice, in one of the manners payers have."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed

    def __iter__(self) -> Iterator[Payment]:
        draw = random.Random(self.seed)
        for number in range(self.count):
            invoice = draw.randrange(1_000_000)
            words = " ".join(draw.choices(WORDS, k=draw.randrange(1, 5)))
            text = (
                f"Factuur 2026-{invoice:06d} {words}",
                f"INV 2026 {invoice:06d} klantnr {draw.randrange(10_000, 99_999)} {words}",
                f"Betaling facturen 2026-{invoice:06d}, 2026-{invoice + 1:06d} en 2026-{invoice + 2:06d} {words}",
                f"{words} {draw.choice(WORDS)} {draw.choice(WORDS)}",
            )[number % 4]
            iban = f"NL{draw.randrange(10, 99)}RABO{draw.randrange(10**9, 10**10)}"
            cents = draw.randrange(100, 500_000) * (1 if number % 5 else -1)
            yield cents, draw.choice(NAMES), iban, text, f"E2E{self.seed}-{number:08d}", f"B{self.seed}R{number:09d}"


def write_camt(target: BinaryIO, payments: Payments) -> None:
    """A camt.053.001.08 of one statement."""
    total = sum(cents for cents, *_ in payments)
    target.write(
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
        b"<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-02T22:00:00</CreDtTm></GrpHdr><Stmt>"
        + f"<Id>S{payments.seed}</Id><ElctrncSeqNb>61</ElctrncSeqNb><Acct><Id><IBAN>{ACCOUNTS['camt']}</IBAN></Id>"
        f"<Ccy>EUR</Ccy></Acct>{_balance('OPBD', 0, '2026-03-01')}{_balance('CLBD', total, '2026-03-02')}\n".encode()
    )
    for cents, name, iban, text, end_to_end, reference in payments:
        role, other = ("Dbtr", "CRDT") if cents >= 0 else ("Cdtr", "DBIT")
        target.write(
            f'<Ntry><Amt Ccy="EUR">{_money(cents)}</Amt><CdtDbtInd>{other}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
            "<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-02</Dt></ValDt>"
            f"<AcctSvcrRef>{reference}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd>"
            "<SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs>"
            f'<EndToEndId>{end_to_end}</EndToEndId></Refs><Amt Ccy="EUR">{_money(cents)}</Amt><RltdPties>'
            f"<{role}><Pty><Nm>{name}</Nm></Pty></{role}><{role}Acct><Id><IBAN>{iban}</IBAN></Id></{role}Acct></RltdPties>"
            f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n".encode()
        )
    target.write(b"</Stmt></BkToCstmrStmt></Document>\n")


def _balance(code: str, cents: int, day: str) -> str:
    sign = "CRDT" if cents >= 0 else "DBIT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{_money(cents)}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _money(cents: int, point: str = ".") -> str:
    return f"{abs(cents) // 100}{point}{abs(cents) % 100:02d}"


def write_mt940(target: BinaryIO, payments: Payments) -> None:
    """An MT940 in the manner of ING, wrapped at 65 characters."""
    total = sum(cents for cents, *_ in payments)
    target.write(f":20:S{payments.seed}\r\n:25:{ACCOUNTS['mt940']}\r\n:28C:61/1\r\n:60F:C260301EUR0,00\r\n".encode())
    for cents, name, iban, text, end_to_end, reference in payments:
        told = f":86:/EREF/{end_to_end}//CNTP/{iban}/RABONL2U/{name}///REMI/USTD//{text}/"
        lines = [f":61:2603020302{'CD'[cents < 0]}{_money(cents, ',')}NTRFEREF//{reference}"]
        lines += [told[at : at + 65] for at in range(0, len(told), 65)]
        target.write(("\r\n".join(lines) + "\r\n").encode())
    target.write(f":62F:{'CD'[total < 0]}260302EUR{_money(total, ',')}\r\n-\r\n".encode())


def write_coda(target: BinaryIO, payments: Payments) -> None:
    """CODA statements of up to 9,999 movements, as many as the format can number, one behind the other in one file."""
    balance, rest = 0, iter(payments)
    for number in range(1, payments.count // 9_999 + 2):
        balance = _write_one_coda(target, list(islice(rest, 9_999)), balance, (payments.seed * 101 + number) % 1_000)


def _write_one_coda(target: BinaryIO, payments: Sequence[Payment], opening: int, number: int) -> int:
    """One statement, three records a movement; returns its closing balance."""

    def record(*fields: tuple[int, str]) -> bytes:
        line = ""
        for position, text in fields:
            line = line.ljust(position - 1) + text
        return line.ljust(128).encode("latin-1") + b"\r\n"

    def signed(cents: int) -> str:
        return f"{'01'[cents < 0]}{abs(cents):014d}0"

    total, credit = sum(cents for cents, *_ in payments), sum(cents for cents, *_ in payments if cents > 0)
    account = ACCOUNTS["coda"].ljust(34) + "EUR"
    target.write(record((1, "0000002032630005"), (35, "VOORBEELD NV"), (61, "KREDBEBB"), (128, "2")))
    target.write(record((1, f"12{number:03d}{account}"), (43, signed(opening)), (59, "010326"), (126, f"{number:03d}")))
    for movement, (cents, name, iban, text, end_to_end, reference) in enumerate(payments, start=1):
        key = f"{movement:04d}0000"
        first = ((11, reference), (32, signed(cents)), (48, "020326001500000"), (63, text[:53]), (116, "020326"))
        target.write(
            record((1, "21" + key), *first, (122, f"{number:03d}010"))
            + record((1, "22" + key), (11, text[53:106]), (64, end_to_end), (126, "1 0"))
            + record((1, "23" + key), (11, iban), (48, name), (83, text[106:149]), (126, "0 0"))
        )
    target.write(record((1, f"8{number:03d}{account}"), (42, signed(opening + total)), (58, "020326"), (128, "0")))
    sums = ((17, f"{3 * len(payments) + 2:06d}"), (23, f"{credit - total:014d}0"), (38, f"{credit:014d}0"))
    target.write(record((1, "9"), *sums, (128, "2")))
    return opening + total


WRITERS: dict[str, Callable[[BinaryIO, Payments], None]] = {
    "camt": write_camt,
    "mt940": write_mt940,
    "coda": write_coda,
}


class StandingClock:
    """A day on which nothing hurries."""

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 8, tzinfo=UTC)


def reader_of(path: Path) -> Callable[[], int]:
    """Reads a file and forgets what it reads."""

    def read() -> int:
        with path.open("rb") as source:
            return sum(0 if isinstance(part, Statement) else len(part) for part in statement_parts(source))

    return read


def lander_of(root: Path) -> Callable[[], int]:
    """Lands whatever lies in a home's bank inbox. What a command does before it comes to that is done here."""
    # What only landing needs must not count as memory of reading.
    from assets.banking.landing import land_statements
    from orchestration.home import Home
    from orchestration.installation import open_installation

    installation = open_installation(Home(root), StandingClock())
    landing = installation.landing_room().of_run("day", DAY)
    return lambda: land_statements(landing, installation.home.bank_inbox).entries


def new_home(root: Path) -> Path:
    """A home that knows the accounts the files are of."""
    from assets.billing.landing import land_files
    from orchestration.home import create_home
    from orchestration.installation import open_installation

    home = create_home(root)
    content = f"company_id,name,country,iban\nC1,Voorbeeld BV,NL,{';'.join(sorted(set(ACCOUNTS.values())))}\n"
    (home.billing_inbox / "companies.csv").write_text(content, encoding="utf-8")
    installation = open_installation(home, StandingClock())
    land_files(installation.landing_room().of_run("setup", DAY), home.billing_inbox)
    installation.store.dispose()
    return home.root


def measured(what: str, path: Path) -> dict[str, float]:
    """Runs one measurement in a process of its own: entries, CPU and wall seconds, peak memory in MB of the largest process."""
    told = subprocess.run(
        [sys.executable, __file__, "--measure", what, str(path)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return dict(json.loads(told.splitlines()[-1]))


def measure(what: str, path: Path) -> None:
    """What `measured` runs."""
    work = {"read": reader_of, "land": lander_of}[what](path)
    peaks: dict[int, int] = {}
    done = threading.Event()
    watching = threading.Thread(target=watch_children, args=(peaks, done))
    watching.start()
    began, cpu = time.monotonic(), time.process_time()
    entries = work()
    wall, cpu = time.monotonic() - began, time.process_time() - cpu
    done.set()
    watching.join()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu += children.ru_utime + children.ru_stime
    own, each = peak_memory(os.getpid()), max(peaks.values(), default=0)
    print(json.dumps({"entries": entries, "cpu": cpu, "wall": wall, "own": own / 1024, "each": each / 1024}))


def watch_children(peaks: dict[int, int], done: threading.Event) -> None:
    """Notes the peak memory of the processes that read, until done."""
    while not done.wait(0.2):
        for child in multiprocessing.active_children():
            if child.pid is not None:
                peaks[child.pid] = max(peaks.get(child.pid, 0), peak_memory(child.pid))


def peak_memory(process: int) -> int:
    """Kilobytes a process ever had in memory. (`ru_maxrss` counts what its parent had when it was forked.)"""
    try:
        told = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in told.splitlines() if line.startswith("VmHWM")), 0)


def main() -> None:
    """Measures everything and prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="+", default=[100_000])
    parser.add_argument("--formats", nargs="+", choices=sorted(WRITERS), default=sorted(WRITERS))
    parser.add_argument("--files", type=int, default=4, help="Over how many files the last column spreads them")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure[0], Path(arguments.measure[1]))
        return
    print(
        "| format | entries | file | read: entries/s, MB | landed whole: entries/s, MB | landing alone: entries/s ",
        end="",
    )
    print(f"| {arguments.files} files: wall against one file, MB |\n|---|---|---|---|---|---|---|")
    for name in arguments.formats:
        for count in arguments.entries:
            with tempfile.TemporaryDirectory() as folder:
                print(row(name, count, arguments.files, Path(folder)), flush=True)


def row(name: str, count: int, files: int, folder: Path) -> str:
    """One line of the table."""
    one, several = new_home(folder / "one"), new_home(folder / "several")
    path = folder / "one" / "inbox" / "bank" / "file"
    with path.open("wb") as target:
        WRITERS[name](target, Payments(count, 1))
    size = path.stat().st_size
    for number in range(files):
        with (several / "inbox" / "bank" / f"file-{number}").open("wb") as target:
            WRITERS[name](target, Payments(count // files, number + 2))
    read = measured("read", path)
    whole = measured("land", one)
    spread = measured("land", several)
    for told in (read, whole, spread):
        assert told["entries"] in (count, count // files * files), told
    landing_alone = whole["cpu"] - read["cpu"]
    return (
        f"| {name} | {count:,} | {size / 1e6:,.0f} MB | {count / read['cpu']:,.0f}, {read['own']:.0f} "
        f"| {count / whole['cpu']:,.0f}, {whole['own']:.0f} | {count / landing_alone:,.0f} "
        f"| {spread['wall']:.1f} s against {whole['wall']:.1f} s, {spread['own']:.0f} and {spread['each']:.0f} each |"
    )


if __name__ == "__main__":
    main()
