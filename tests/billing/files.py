"""Billing files written the way an export writes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from assets.billing.csv_files import BillingFile, read_billing_file
from assets.landing.quarantine import Refused

INVOICE = {
    "company_id": "C1",
    "invoice_id": "I1",
    "invoice_number": "2026-1",
    "customer_id": "K1",
    "kind": "invoice",
    "issued_on": "2026-01-01",
    "due_on": "2026-01-31",
    "currency": "EUR",
    "total_amount": "100.00",
}
CUSTOMER = {"company_id": "C1", "customer_id": "K1", "name": "Klant BV", "country": "NL"}


def written(rows: Sequence[dict[str, str]], delimiter: str = ",") -> str:
    """RFC 4180 text of rows; the header is every column of any of them."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, delimiter=delimiter, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def invoices(*changes: dict[str, str]) -> str:
    """One invoice a change, numbered from 1."""
    return written([INVOICE | {"invoice_id": f"I{number}"} | change for number, change in enumerate(changes, start=1)])


def read(text: str | bytes, name: str = "invoices.csv") -> BillingFile | Refused:
    return read_billing_file(name, text.encode() if isinstance(text, str) else text)


def taken(text: str | bytes, name: str = "invoices.csv") -> BillingFile:
    file = read(text, name)
    assert isinstance(file, BillingFile), file
    return file


def refused(text: str | bytes, name: str = "invoices.csv") -> Refused:
    file = read(text, name)
    assert isinstance(file, Refused), file
    return file


def rows_of(file: BillingFile) -> list[tuple[object, ...]]:
    """The good rows as tuples: the contract's columns, then `extra`."""
    return [tuple(row.values())[:-2] for row in file.rows.to_pylist()]


def ordinals_of(file: BillingFile) -> list[int]:
    return [int(ordinal) for ordinal in file.rows["ordinal"].to_pylist()]
