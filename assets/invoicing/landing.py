"""Invoice documents from the inbox into the raw log, and Invoice Responses into the register: each whole or not at all.

What a document was found to be (whose, of which customer, due when) is kept as Parquet in the archive beside the document
itself: a deleted warehouse gets back what was decided then, not what today's customers would make of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, count
from pathlib import Path
from typing import Literal

import duckdb

from assets.invoicing.answers import Recorder, answer_of, said_at
from assets.invoicing.customers import Customers, known_companies, prepare_customers
from assets.invoicing.documents import InvoiceDocument, InvoiceResponse, UnreadableDocument
from assets.invoicing.read import read_document
from assets.invoicing.rows import DOCUMENTS, LINES, Whose, content_key, document_row, line_rows
from assets.invoicing.whose import NotTaken, conflicting, whose_document
from assets.landing.batches import NumberedSource, note_loaded, record_sources, taken_hashes
from assets.landing.change_log import append_archived, append_rows, parquet_of
from assets.landing.context import Landing
from assets.landing.inbox import InboxFile, complete_files, take_away
from assets.landing.quarantine import Refused, quarantine, quarantined_row
from assets.landing.warehouse import transaction, writing
from assets.operations.refusal import Refusal
from assets.operations.runs import LandedSource

INBOX = "invoices"
# What was made of the documents of one delivery, kept for a rebuild; no file that anybody offered.
ROWS = "invoice_rows"
PROBLEMS = "row_problems"
TABLES = (DOCUMENTS, LINES, PROBLEMS)

_WRITERS = 12
_FILES_AT_ONCE, _BYTES_AT_ONCE = 500, 100_000_000


@dataclass(frozen=True, slots=True)
class DocumentsLanded:
    """What one landing of the invoices inbox took in."""

    taken: int = 0
    duplicate: int = 0
    quarantined: int = 0
    invoices: int = 0
    credit_notes: int = 0
    lines: int = 0
    responses: int = 0

    def __add__(self, other: DocumentsLanded) -> DocumentsLanded:
        return DocumentsLanded(
            *(getattr(self, name) + getattr(other, name) for name in DocumentsLanded.__dataclass_fields__)
        )


@dataclass(slots=True)
class _Delivery:
    """The rows and sources that some files come to."""

    sources: list[LandedSource] = field(default_factory=list)
    files: list[InboxFile] = field(default_factory=list)
    rows: dict[str, list[tuple[object, ...]]] = field(default_factory=lambda: {table: [] for table in TABLES})
    to_archive: list[bytes] = field(default_factory=list)


def land_documents(landing: Landing, inbox: Path, record: Recorder) -> DocumentsLanded:
    """Takes every complete file of the invoices inbox.

    The same document again changes nothing. What cannot be read whole, is not ours, or contradicts what was taken before
    goes to quarantine with its reason, unless billing says the same; the others go on. Answers come after invoices: they may arrive together.
    """
    landed = DocumentsLanded()
    answers: list[tuple[InboxFile, InvoiceResponse]] = []
    files = complete_files(inbox)
    first = next(files, None)
    if first is None:
        return landed
    with writing(landing.warehouse) as connection:
        desk = _Desk(connection, landing, record)
        for chunk in _chunks(chain([first], files)):
            read = [(file, _read(file)) for file in chunk]
            answers.extend((file, each) for file, each in read if isinstance(each, InvoiceResponse))
            landed += desk.land([(file, each) for file, each in read if not isinstance(each, InvoiceResponse)])
        # The newest of a buyer's answers counts, whatever the files are called.
        answers.sort(key=lambda answer: said_at(answer[1]))
        for begin in range(0, len(answers), _FILES_AT_ONCE):
            landed += desk.land(answers[begin : begin + _FILES_AT_ONCE])
    return landed


def _chunks(files: Iterable[InboxFile]) -> Iterator[list[InboxFile]]:
    """So many files at once that their lists of questions are few, and so few that they fit in memory."""
    chunk: list[InboxFile] = []
    size = 0
    for file in files:
        if chunk and (len(chunk) >= _FILES_AT_ONCE or size + len(file.content) > _BYTES_AT_ONCE):
            yield chunk
            chunk, size = [], 0
        chunk.append(file)
        size += len(file.content)
    if chunk:
        yield chunk


def _read(file: InboxFile) -> InvoiceDocument | InvoiceResponse | UnreadableDocument:
    if file.refusal:
        return UnreadableDocument("not_a_file", f"the file is not taken: {file.refusal}")
    try:
        return read_document(file.content)
    except UnreadableDocument as refusal:
        return refusal


class _Desk:
    """One landing at work: whom we know, which documents we have, and the numbers the next rows get."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, landing: Landing, record: Recorder) -> None:
        self.connection = connection
        self.landing = landing
        self.record = record
        self.companies = known_companies(connection)
        self.seen = taken_hashes(landing.store, INBOX)
        # Two deliveries of one batch, or a step that is tried again, must not share numbers.
        self.ordinals = count(_last_ordinal(connection, landing.batch_id) + 1)
        prepare_customers(connection)

    def land(
        self, read: Sequence[tuple[InboxFile, InvoiceDocument | InvoiceResponse | UnreadableDocument]]
    ) -> DocumentsLanded:
        """Lands one delivery of files: archive and record first, then load, then take them out of the inbox."""
        if not read:
            return DocumentsLanded()
        customers = Customers(self.connection, [each for _, each in read])
        known = _content_keys(self.connection, [each for _, each in read])
        delivery, landed = _Delivery(), DocumentsLanded()
        for file, each in read:
            landed += self._take(file, each, customers, known, delivery)
        self._load(delivery)
        for file in delivery.files:
            take_away(file)
        return landed

    def _take(
        self,
        file: InboxFile,
        read: InvoiceDocument | InvoiceResponse | UnreadableDocument,
        customers: Customers,
        known: dict[tuple[str, str], str],
        delivery: _Delivery,
    ) -> DocumentsLanded:
        delivery.files.append(file)
        sha256 = hashlib.sha256(file.content).hexdigest()
        if not file.refusal and sha256 in self.seen:
            delivery.sources.append(LandedSource(INBOX, "document", sha256, 0, "duplicate", None, file.name))
            return DocumentsLanded(duplicate=1)
        if isinstance(read, InvoiceResponse):
            return self._answer(file, sha256, read, customers, delivery)
        found = whose_document(read, self.companies, customers)
        if isinstance(found, NotTaken):
            return self._refuse(file, found, delivery)
        key = (found.company_id, found.document.number)
        content = content_key(found)
        if key in known and known[key] == content:
            delivery.to_archive.append(file.content)
            delivery.sources.append(LandedSource(INBOX, found.document.syntax, sha256, 0, "duplicate", None, file.name))
            return DocumentsLanded(duplicate=1)
        if key in known and not _is_mended(self.connection, found, known[key], content):
            return self._refuse(file, conflicting(found, known[key], content), delivery)
        # New; or the one before was wrong, and is mended by this one: from now on it is compared with billing.
        known[key] = content
        return self._keep(file, sha256, found, content, delivery)

    def _keep(self, file: InboxFile, sha256: str, whose: Whose, content: str, delivery: _Delivery) -> DocumentsLanded:
        document = whose.document
        delivery.to_archive.append(file.content)
        self.seen.add(sha256)
        batch_id = self.landing.batch_id
        delivery.sources.append(LandedSource(INBOX, document.syntax, sha256, 1, "taken", None, file.name))
        delivery.rows[DOCUMENTS].append(document_row(batch_id, sha256, next(self.ordinals), whose, content))
        delivery.rows[LINES].extend(line_rows(batch_id, sha256, whose))
        is_credit = document.kind == "credit_note"
        return DocumentsLanded(taken=1, invoices=not is_credit, credit_notes=is_credit, lines=len(document.lines))

    def _refuse(self, file: InboxFile, not_taken: NotTaken, delivery: _Delivery) -> DocumentsLanded:
        refused = not_taken.refused
        sha256 = quarantine(self.landing.quarantine, file, refused)
        delivery.sources.append(
            LandedSource(INBOX, "document", sha256, 0, "quarantined", None, file.name, refused.code, refused.sentence)
        )
        if not_taken.company_id is not None:
            delivery.rows[PROBLEMS].append(
                (
                    self.landing.batch_id,
                    sha256,
                    next(self.ordinals),
                    DOCUMENTS,
                    not_taken.company_id,
                    not_taken.customer_id,
                    not_taken.number,
                    refused.code,
                    refused.sentence,
                )
            )
        return DocumentsLanded(quarantined=1)

    def _answer(
        self, file: InboxFile, sha256: str, response: InvoiceResponse, customers: Customers, delivery: _Delivery
    ) -> DocumentsLanded:
        """Records a buyer's answer, once: the register knows it by the document's id and its sender."""
        answer = answer_of(response, self.companies, customers, self.landing.as_of_date)
        if isinstance(answer, NotTaken):
            return self._refuse(file, answer, delivery)
        try:
            is_new = self.record(answer)
        except Refusal as refusal:
            problem = f"{refusal.what}. {refusal.what_to_do}".strip()
            return self._refuse(file, NotTaken(Refused("refused_by_register", problem, refusal.where)), delivery)
        delivery.to_archive.append(file.content)
        self.seen.add(sha256)
        outcome: Literal["taken", "duplicate"] = "taken" if is_new else "duplicate"
        delivery.sources.append(LandedSource(INBOX, "response", sha256, int(is_new), outcome, None, file.name))
        return DocumentsLanded(taken=is_new, duplicate=not is_new, responses=is_new)

    def _load(self, delivery: _Delivery) -> None:
        """Archives, records everything in one transaction of the operations store, then loads it in one of the
        warehouse. Files are made durable side by side: the disk takes a dozen in the time of one."""
        with ThreadPoolExecutor(_WRITERS) as writers:
            list(writers.map(self.landing.archive.put, delivery.to_archive))
        datasets = [
            (table, rows, self.landing.archive.put(parquet_of(table, rows)))
            for table, rows in delivery.rows.items()
            if rows
        ]
        sources = [LandedSource(ROWS, "rows", sha256, len(rows), "taken", table) for table, rows, sha256 in datasets]
        numbered = record_sources(
            self.landing.store, self.landing.clock, self.landing.batch_id, [*delivery.sources, *sources]
        )
        quarantined = [each for each in numbered if each.source.outcome == "quarantined"]
        with transaction(self.connection):
            for table, rows in delivery.rows.items():
                append_rows(self.connection, table, rows)
            append_rows(self.connection, "quarantined_files", [quarantined_row(each) for each in quarantined])
            note_loaded(self.connection, [each for each in numbered if each.source.inbox == ROWS])


def load_rows(connection: duckdb.DuckDBPyConnection, numbered: NumberedSource, content: bytes) -> None:
    """Loads archived rows again: how a deleted warehouse gets its documents back."""
    table = numbered.source.table_name
    if table not in TABLES:
        raise ValueError(f"no rows of invoice documents are kept for {table}")
    with transaction(connection):
        append_archived(connection, table, content)
        note_loaded(connection, [numbered])


def _last_ordinal(connection: duckdb.DuckDBPyConnection, batch_id: int) -> int:
    rows = connection.execute(
        f"""
        select greatest(
            (select coalesce(max(ordinal), 0) from raw.{DOCUMENTS} where batch_id = ?),
            (select coalesce(max(ordinal), 0) from raw.{PROBLEMS} where batch_id = ? and table_name = '{DOCUMENTS}')
        )
        """,
        [batch_id, batch_id],
    ).fetchall()
    return int(rows[0][0])


def _content_keys(connection: duckdb.DuckDBPyConnection, read: Sequence[object]) -> dict[tuple[str, str], str]:
    """What the documents taken before claim, for the numbers that are offered now."""
    numbers = sorted({each.number for each in read if isinstance(each, InvoiceDocument)})
    rows = connection.execute(
        f"""
        select company_id, invoice_number, content_key from raw.{DOCUMENTS}
        where invoice_number in (select unnest(?))
        order by batch_id, ordinal
        """,
        [numbers],
    ).fetchall()
    return {(company_id, number): content for company_id, number, content in rows}


def _is_mended(connection: duckdb.DuckDBPyConnection, whose: Whose, before: str, now: str) -> bool:
    """Whether billing contradicts the document taken before and agrees with this one: then this one stands from now on.

    `before` and `now` are their content keys. What is compared is what `differs_from_billing` compares.
    """
    rows = connection.execute(
        """
        select customer_id, kind, currency, total_amount from raw.invoices
        where
            company_id = $company
            and invoice_id in (
                select invoice_id from raw.invoices
                where company_id = $company and regexp_replace(invoice_number, '[^A-Za-z0-9]', '', 'g') ilike $number
            )
        qualify
            row_number() over (partition by company_id, invoice_id order by batch_id desc, ordinal desc) = 1
            and not is_deleted
            and not coalesce(is_cancelled, false)
            and kind <> 'term_note'
            and regexp_replace(invoice_number, '[^A-Za-z0-9]', '', 'g') ilike $number
        """,
        {"company": whose.company_id, "number": "".join(re.findall("[A-Za-z0-9]", whose.document.number))},
    ).fetchall()
    return bool(rows) and _agrees(now, rows) and not _agrees(before, rows)


def _agrees(content: str, rows: Sequence[tuple[str, str, str, Decimal]]) -> bool:
    customer, kind, _, _, currency, inclusive, payable, *_ = content.split("|")
    claims = {abs(Decimal(inclusive)), abs(Decimal(payable))}
    return all(
        (customer_id, of_kind, in_currency) == (customer, kind, currency.upper()) and total_amount in claims
        for customer_id, of_kind, in_currency, total_amount in rows
    )
