"""Invoice documents from the inbox into the raw log, and Invoice Responses into the register: each whole or not at all.

What a document was found to be (whose, of which customer, due when) is kept as Parquet in the archive beside the document
itself: a deleted warehouse gets back what was decided then, not what today's customers would make of it.
"""

from __future__ import annotations

import hashlib
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, count
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from assets.invoicing.customers import Customers, known_companies, prepare_customers
from assets.invoicing.documents import InvoiceDocument, InvoiceResponse, Party, UnreadableDocument
from assets.invoicing.identity import Known, company_of, contradicts, customer_of
from assets.invoicing.read import read_document
from assets.invoicing.response import ORDER
from assets.invoicing.rows import DOCUMENTS, LINES, Whose, content_key, document_row, line_rows
from assets.landing.batches import NumberedSource, record_sources, taken_hashes
from assets.landing.change_log import append_rows, arrow_table
from assets.landing.context import Landing
from assets.landing.inbox import InboxFile, complete_files, take_away
from assets.landing.quarantine import Refused, quarantine, quarantined_row
from assets.landing.raw_tables import OTHER_TABLES
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
class Answer:
    """A buyer's answer to one of our invoices, ready for the register."""

    company_id: str
    invoice_number: str
    code: str
    effective_on: date
    recorded_by: str
    external_id: str
    reason: str


# Records an answer; false when it had been recorded before. Raises Refusal when the register does not take it.
Recorder = Callable[[Answer], bool]


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


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A refused document, and whose it is as far as that is known: that customer is held until it is mended."""

    refused: Refused
    company_id: str | None = None
    customer_id: str | None = None
    number: str | None = None


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
    goes to quarantine with its reason; the others go on. Answers come after invoices: they may arrive together.
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
        answers.sort(key=lambda answer: _said_at(answer[1]))
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


def _said_at(response: InvoiceResponse) -> tuple[date, str, int]:
    return response.issued_on, response.issued_at, ORDER.index(response.code)


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
        customers = Customers(self.connection, self.companies, [each for _, each in read])
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
        whose = self._whose(read, customers)
        if isinstance(whose, Whose):
            key = (whose.company_id, whose.document.number)
            content = content_key(whose)
            if key not in known:
                known[key] = content
                return self._keep(file, sha256, whose, content, delivery)
            if known[key] == content:
                delivery.to_archive.append(file.content)
                delivery.sources.append(
                    LandedSource(INBOX, whose.document.syntax, sha256, 0, "duplicate", None, file.name)
                )
                return DocumentsLanded(duplicate=1)
            whose = _conflict(whose, known[key], content)
        return self._refuse(file, whose, delivery)

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
        answer = self._judged(response, customers)
        if isinstance(answer, NotTaken):
            return self._refuse(file, answer, delivery)
        try:
            is_new = self.record(answer)
        except Refusal as refusal:
            problem = f"{refusal.what}. {refusal.what_to_do}".strip()
            return self._refuse(file, NotTaken(Refused("refused_by_register", problem, refusal.where)), delivery)
        delivery.to_archive.append(file.content)
        self.seen.add(sha256)
        outcome: LandedSource = LandedSource(
            INBOX, "response", sha256, int(is_new), "taken" if is_new else "duplicate", None, file.name
        )
        delivery.sources.append(outcome)
        return DocumentsLanded(taken=is_new, duplicate=not is_new, responses=is_new)

    def _judged(self, response: InvoiceResponse, customers: Customers) -> Answer | NotTaken:
        """The answer, if it is to an invoice of ours and from the customer it is of."""
        match = company_of(response.receiver, (), self.companies)
        company = match.only
        if company is None:
            return NotTaken(
                Refused(
                    "not_our_document" if not match.found else "ambiguous_supplier",
                    f"the answer is to {response.receiver.described()}, and no one company here is that",
                )
            )
        owners = customers.of_invoice(company.identity, response.invoice_number)
        if not owners:
            return NotTaken(
                Refused(
                    "unknown_invoice",
                    f"the answer is about invoice {response.invoice_number}, which {company.identity} has not sent;"
                    " if it is new, deliver the answer again when the invoice has landed",
                )
            )
        sender = customer_of(response.sender, [owner for owner in owners if not contradicts(response.sender, owner)])
        if sender.only is None:
            return NotTaken(
                Refused(
                    "not_the_customer",
                    f"invoice {response.invoice_number} is not of {response.sender.described()}, who answers it;"
                    " add the sender's numbers to the customer if it is the same",
                )
            )
        endpoint = response.sender.endpoint or response.sender.legal_id
        by = f"{endpoint.scheme}:{endpoint.value}" if endpoint else response.sender.name
        return Answer(
            company_id=company.identity,
            invoice_number=response.invoice_number,
            code=response.code,
            # It has arrived, so it is known: a day to come would only keep a rejection from being heard.
            effective_on=min(response.effective_on or response.issued_on, response.issued_on, self.landing.as_of_date),
            recorded_by=_plain(f"Peppol {by}")[:200],
            external_id=_short(_plain(f"invoice-response/{by}/{response.document_id}")),
            reason=_plain("; ".join([*response.reasons, *response.actions, *response.texts]))[:2000],
        )

    def _whose(self, read: InvoiceDocument | UnreadableDocument, customers: Customers) -> Whose | NotTaken:
        """Whose document it is; or why it is refused, and whom that concerns as far as it can be told."""
        if isinstance(read, UnreadableDocument):
            refused = Refused(read.code, read.message, read.position)
            if read.named is None:
                return NotTaken(refused)
            company = company_of(read.named.supplier, (), self.companies).only
            if company is None:
                return NotTaken(refused)
            customer = customers.matching(company, read.named.customer, read.named.number).only
            identity = customer.identity if customer else None
            return NotTaken(refused, company.identity if identity else None, identity, read.named.number)
        match = company_of(read.supplier, read.payee_accounts, self.companies)
        company = match.only
        if company is None:
            return NotTaken(self._not_ours(read, match.found))
        customer_match = customers.matching(company, read.customer, read.number)
        customer = customer_match.only
        if customer is None:
            return NotTaken(_unknown_customer(company, read.customer, customer_match.found))
        if read.payee_accounts and not company.accounts & set(read.payee_accounts):
            # Money that goes elsewhere is never seen here: whoever paid would be reminded for ever.
            message = (
                f"it asks for payment to {', '.join(read.payee_accounts[:3])}, which is no account of {company.identity};"
                " if it is, add it to companies.iban"
            )
            return NotTaken(Refused("unknown_payee_account", message), company.identity, customer.identity, read.number)
        return Whose(read, company.identity, customer)

    def _not_ours(self, read: InvoiceDocument, found: Sequence[Known]) -> Refused:
        if found:
            names = ", ".join(sorted(each.identity for each in found))
            return Refused(
                "ambiguous_supplier", f"the seller {read.supplier.described()} may be each of the companies {names}"
            )
        if company_of(read.customer, (), self.companies).found:
            return Refused(
                "not_our_document",
                f"this is a purchase invoice: we are its buyer, the seller is {read.supplier.described()}",
            )
        return Refused(
            "unknown_supplier",
            f"no company here is the seller {read.supplier.described()}; if it is one, add its VAT or registration number"
            " to companies",
        )

    def _load(self, delivery: _Delivery) -> None:
        """Archives, records everything in one transaction of the operations store, then loads it in one of the
        warehouse. Files are made durable side by side: the disk takes a dozen in the time of one."""
        with ThreadPoolExecutor(_WRITERS) as writers:
            list(writers.map(self.landing.archive.put, delivery.to_archive))
        datasets = [
            (table, rows, self.landing.archive.put(_parquet(table, rows)))
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
            _note_loaded(self.connection, [each for each in numbered if each.source.inbox == ROWS])


def load_rows(connection: duckdb.DuckDBPyConnection, numbered: NumberedSource, content: bytes) -> None:
    """Loads archived rows again: how a deleted warehouse gets its documents back."""
    table = numbered.source.table_name
    if table not in TABLES:
        raise ValueError(f"no rows of invoice documents are kept for {table}")
    with transaction(connection):
        connection.register("incoming", pq.read_table(io.BytesIO(content)))
        connection.execute(f"insert into raw.{table} by name select * from incoming")
        connection.unregister("incoming")
        _note_loaded(connection, [numbered])


def _note_loaded(connection: duckdb.DuckDBPyConnection, sources: Iterable[NumberedSource]) -> None:
    rows = [(each.batch_id, each.ordinal, each.source.sha256) for each in sources]
    append_rows(connection, "landed_sources", rows)


def _parquet(table: str, rows: Sequence[tuple[object, ...]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(arrow_table(OTHER_TABLES[table], rows), out, compression="zstd")
    return out.getvalue()


_KEY_WORDS = ("customer", "kind", "date", "due date", "currency", "amount incl. VAT", "amount payable", "references")


def _conflict(whose: Whose, before: str, now: str) -> NotTaken:
    differing = [
        f"{word} was {old or 'empty'}, is {new or 'empty'}"
        for word, old, new in zip(_KEY_WORDS, before.split("|"), now.split("|"), strict=False)
        if old != new
    ]
    message = (
        f"{whose.document.number} was taken before with other content: {'; '.join(differing)};"
        " a corrected document needs its own number, or the billing extract to say which one holds"
    )
    refused = Refused("conflicting_document", message)
    return NotTaken(refused, whose.company_id, whose.customer.identity, whose.document.number)


def _unknown_customer(company: Known, buyer: Party, found: Sequence[Known]) -> Refused:
    if found:
        names = ", ".join(sorted(each.identity for each in found[:5]))
        return Refused("ambiguous_customer", f"the buyer {buyer.described()} may be each of the customers {names}")
    return Refused(
        "unknown_customer",
        f"no customer of {company.identity} is the buyer {buyer.described()}; add the customer, or its numbers, and"
        " deliver the file again",
    )


def _plain(text: str) -> str:
    """Text without characters nobody sees: the register refuses those, and a rejection must not be lost over one."""
    return "".join(mark for mark in text if unicodedata.category(mark) not in ("Cc", "Cf", "Cs"))


def _short(text: str) -> str:
    """An id of at most 200 characters: what is longer is told apart by its hash."""
    return text if len(text) <= 200 else f"{text[:100]}/{hashlib.sha256(text.encode()).hexdigest()}"


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
        f"select company_id, invoice_number, content_key from raw.{DOCUMENTS} where invoice_number in (select unnest(?))",
        [numbers],
    ).fetchall()
    return {(company_id, number): content for company_id, number, content in rows}
