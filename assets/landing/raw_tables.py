"""The raw change log of the warehouse: which tables there are and what their columns mean.

Everything under `raw` is append-only. A row is never changed: a newer version is a further row with a higher
`batch_id`, and the staging chapter reads the newest one at or below the watermark of the run.

The tables of the billing extract are declared column by column, because three readers share that declaration:
the CSV reader, the SQLAlchemy extract and the DDL below.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "date", "timestamp", "amount", "percentage", "integer", "flag"]

SQL_TYPES: dict[Kind, str] = {
    "text": "varchar",
    "date": "date",
    "timestamp": "timestamp",
    "amount": "decimal(18, 2)",
    "percentage": "decimal(9, 4)",
    "integer": "bigint",
    "flag": "boolean",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the billing extract. `choices` is the closed list of values, empty when free."""

    name: str
    kind: Kind = "text"
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BillingTable:
    """A table of the billing extract: its columns and the columns that identify a row."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def _must(name: str, kind: Kind = "text", choices: tuple[str, ...] = ()) -> Column:
    return Column(name, kind, required=True, choices=choices)


BILLING_TABLES: tuple[BillingTable, ...] = (
    BillingTable(
        "companies",
        ("company_id",),
        (
            _must("company_id"),
            _must("name"),
            _must("country"),
            _must("iban"),
            Column("bic"),
            Column("vat_number"),
            Column("registration_number"),
            Column("creditor_id"),
            Column("street"),
            Column("postal_code"),
            Column("city"),
            Column("email_from"),
            Column("phone"),
            Column("language"),
            Column("logo_path"),
            Column("can_deduct_vat", "flag"),
            Column("size_class"),
        ),
    ),
    BillingTable(
        "customers",
        ("company_id", "customer_id"),
        (
            _must("company_id"),
            _must("customer_id"),
            _must("name"),
            _must("country"),
            Column("language"),
            Column("email"),
            Column("phone"),
            Column("street"),
            Column("postal_code"),
            Column("city"),
            Column("iban"),
            Column("vat_number"),
            Column("registration_number"),
            Column("is_natural_person", "flag"),
            Column("parent_customer_id"),
            Column("account_manager"),
            Column("collector"),
            Column("payment_terms_days", "integer"),
            Column("required_references"),
            Column("credit_limit", "amount"),
            Column("risk_class"),
            Column("risk_source"),
            Column("risk_on", "date"),
            Column("department"),
            Column("created_on", "date"),
            Column("scenario_id"),
            Column("is_blocked", "flag"),
            Column("size_class"),
        ),
    ),
    BillingTable(
        "invoices",
        ("company_id", "invoice_id"),
        (
            _must("company_id"),
            _must("invoice_id"),
            _must("invoice_number"),
            _must("customer_id"),
            _must("kind", choices=("invoice", "credit_note", "term_note")),
            _must("issued_on", "date"),
            _must("due_on", "date"),
            _must("currency"),
            _must("total_amount", "amount"),
            Column("payment_reference"),
            Column("order_number"),
            Column("project_number"),
            Column("delivered_at", "timestamp"),
            Column("delivery_status", choices=("sent", "received", "failed")),
            Column("credits_invoice_number"),
            Column("replaces_invoice_number"),
            Column("discount_percent", "percentage"),
            Column("discount_until", "date"),
            Column("term_of_invoice_id"),
            Column("document_path"),
            Column("is_cancelled", "flag"),
            Column("description"),
        ),
    ),
    BillingTable(
        "invoice_lines",
        ("company_id", "invoice_id", "line_number"),
        (
            _must("company_id"),
            _must("invoice_id"),
            _must("line_number", "integer"),
            _must("description"),
            _must("line_amount", "amount"),
            Column("quantity"),
            Column("unit_price"),
            Column("order_line"),
        ),
    ),
    BillingTable(
        "mandates",
        ("company_id", "mandate_id"),
        (
            _must("company_id"),
            _must("mandate_id"),
            _must("customer_id"),
            _must("scheme", choices=("CORE", "B2B")),
            _must("iban"),
            _must("signed_on", "date"),
            _must("status"),
            Column("bic"),
            Column("last_used_on", "date"),
        ),
    ),
    BillingTable(
        "orders",
        ("company_id", "customer_id", "order_number"),
        (
            _must("company_id"),
            _must("customer_id"),
            _must("order_number"),
            Column("project_number"),
        ),
    ),
    BillingTable(
        "opening_stages",
        ("company_id", "invoice_id"),
        (
            _must("company_id"),
            _must("invoice_id"),
            _must("stage_no", "integer"),
            _must("dispatched_on", "date"),
            Column("channel"),
        ),
    ),
)

BILLING_TABLE_BY_NAME: dict[str, BillingTable] = {table.name: table for table in BILLING_TABLES}

# Columns every row of a change log carries, whatever its table.
LOG_COLUMNS: tuple[tuple[str, str], ...] = (
    ("batch_id", "bigint"),
    ("source_sha256", "varchar"),
    ("ordinal", "bigint"),
    ("row_hash", "varchar"),
    ("is_deleted", "boolean"),
)

# Tables that are not part of the billing extract, with their columns in order.
OTHER_TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    # Which sources of the operations store this warehouse holds: what is missing here is replayed from the archive.
    "landed_sources": (
        ("batch_id", "bigint"),
        ("ordinal", "bigint"),
        ("sha256", "varchar"),
    ),
    # Where in the log a full extract of a table begins: what was refused before it and still is wrong was said again.
    "full_extracts": (
        ("batch_id", "bigint"),
        ("table_name", "varchar"),
        ("after_ordinal", "bigint"),
    ),
    # What Great Expectations said of the rows that came since it last agreed.
    "expectation_results": (
        ("batch_id", "bigint"),
        ("table_name", "varchar"),
        ("is_met", "boolean"),
        ("message", "varchar"),
    ),
    "row_problems": (
        ("batch_id", "bigint"),
        ("source_sha256", "varchar"),
        ("ordinal", "bigint"),
        ("table_name", "varchar"),
        ("company_id", "varchar"),
        ("customer_id", "varchar"),
        ("invoice_id", "varchar"),
        ("code", "varchar"),
        ("message", "varchar"),
    ),
    "bank_statements": (
        ("batch_id", "bigint"),
        ("file_sha256", "varchar"),
        ("ordinal", "bigint"),
        ("statement_key", "varchar"),
        ("format", "varchar"),
        ("account_iban", "varchar"),
        ("currency", "varchar"),
        ("statement_id", "varchar"),
        ("sequence_no", "bigint"),
        ("from_on", "date"),
        ("to_on", "date"),
        ("opening_on", "date"),
        ("opening_amount", "decimal(18, 2)"),
        ("closing_on", "date"),
        ("closing_amount", "decimal(18, 2)"),
        ("entry_count", "bigint"),
        ("is_informative", "boolean"),
    ),
    "bank_entries": (
        ("batch_id", "bigint"),
        ("file_sha256", "varchar"),
        ("ordinal", "bigint"),
        ("detail_ordinal", "bigint"),
        ("statement_key", "varchar"),
        ("entry_key", "varchar"),
        ("content_key", "varchar"),
        ("account_iban", "varchar"),
        ("booked_on", "date"),
        ("valued_on", "date"),
        ("amount", "decimal(18, 2)"),
        ("currency", "varchar"),
        ("bank_reference", "varchar"),
        ("end_to_end_id", "varchar"),
        ("mandate_id", "varchar"),
        ("creditor_id", "varchar"),
        ("counterparty_name", "varchar"),
        ("counterparty_iban", "varchar"),
        ("counterparty_bic", "varchar"),
        ("structured_reference", "varchar"),
        ("structured_reference_kind", "varchar"),
        ("remittance", "varchar"),
        ("is_return", "boolean"),
        ("is_reversal", "boolean"),
        ("return_reason", "varchar"),
        ("transaction_code", "varchar"),
        ("payment_batch_id", "varchar"),
        ("charges_amount", "decimal(18, 2)"),
        ("original_amount", "decimal(18, 2)"),
        ("original_currency", "varchar"),
        ("details_lacking", "varchar"),
        ("payment_count", "bigint"),
        ("servicer_reference", "varchar"),
        ("entry_reference", "varchar"),
        ("parser_version", "varchar"),
    ),
    "entry_references": (
        ("batch_id", "bigint"),
        ("entry_key", "varchar"),
        ("position", "bigint"),
        ("source", "varchar"),
        ("kind", "varchar"),
        ("reference", "varchar"),
        ("span_start", "bigint"),
        ("span_end", "bigint"),
        ("span_text", "varchar"),
        ("is_valid", "boolean"),
    ),
    "quarantined_files": (
        ("batch_id", "bigint"),
        ("file_sha256", "varchar"),
        ("inbox", "varchar"),
        ("account_iban", "varchar"),
        ("code", "varchar"),
        ("message", "varchar"),
        ("position", "varchar"),
        ("original_name", "varchar"),
    ),
    # Invoices and credit notes that came as documents (UBL, CII), each with the customer it was found to be of.
    "invoice_documents": (
        ("batch_id", "bigint"),
        ("source_sha256", "varchar"),
        ("ordinal", "bigint"),
        ("company_id", "varchar"),
        ("customer_id", "varchar"),
        ("invoice_number", "varchar"),
        ("kind", "varchar"),
        ("type_code", "varchar"),
        ("syntax", "varchar"),
        ("profile", "varchar"),
        ("issued_on", "date"),
        ("due_on", "date"),
        ("is_due_derived", "boolean"),
        ("currency", "varchar"),
        ("total_amount", "decimal(18, 2)"),
        ("tax_inclusive_amount", "decimal(18, 2)"),
        ("prepaid_amount", "decimal(18, 2)"),
        ("rounding_amount", "decimal(18, 2)"),
        ("payment_reference", "varchar"),
        ("payee_accounts", "varchar"),
        ("mandate_id", "varchar"),
        ("buyer_reference", "varchar"),
        ("order_number", "varchar"),
        ("project_number", "varchar"),
        ("contract_number", "varchar"),
        ("preceding_invoice_number", "varchar"),
        ("preceding_invoice_numbers", "varchar"),
        ("discount_percent", "decimal(9, 4)"),
        ("discount_until", "date"),
        ("delivered_on", "date"),
        ("payment_terms", "varchar"),
        ("content_key", "varchar"),
    ),
    "invoice_document_lines": (
        ("batch_id", "bigint"),
        ("source_sha256", "varchar"),
        ("company_id", "varchar"),
        ("invoice_number", "varchar"),
        ("line_number", "bigint"),
        ("line_id", "varchar"),
        ("description", "varchar"),
        ("line_amount", "decimal(18, 2)"),
        ("quantity", "varchar"),
        ("unit_price", "varchar"),
        ("order_line", "varchar"),
    ),
    "register_events": (
        ("seq", "bigint"),
        ("event_id", "varchar"),
        ("recorded_at", "timestamp"),
        ("recorded_by", "varchar"),
        ("company_id", "varchar"),
        ("effective_on", "date"),
        ("kind", "varchar"),
        ("payload", "varchar"),
    ),
    "dispatch_events": (
        ("seq", "bigint"),
        ("communication_id", "varchar"),
        ("company_id", "varchar"),
        ("customer_id", "varchar"),
        ("invoice_id", "varchar"),
        ("message_kind", "varchar"),
        ("class", "varchar"),
        ("channel", "varchar"),
        ("stage_no", "bigint"),
        ("cycle", "bigint"),
        ("is_acted", "boolean"),
        ("state", "varchar"),
        ("as_of_date", "date"),
        ("occurred_at", "timestamp"),
    ),
    "sent_messages": (
        ("seq", "bigint"),
        ("communication_id", "varchar"),
        ("as_of_date", "date"),
        ("company_id", "varchar"),
        ("customer_id", "varchar"),
        ("message_kind", "varchar"),
        ("row_json", "varchar"),
    ),
    "allocations": (
        ("seq", "bigint"),
        ("run_id", "varchar"),
        ("as_of_date", "date"),
        ("entry_key", "varchar"),
        ("company_id", "varchar"),
        ("customer_id", "varchar"),
        ("invoice_id", "varchar"),
        ("component", "varchar"),
        ("amount", "decimal(18, 2)"),
        ("currency", "varchar"),
        ("rung", "bigint"),
        ("rule_id", "varchar"),
        ("evidence", "varchar"),
        ("policy_id", "varchar"),
        ("allocated_on", "date"),
        # What the entry said when it was allocated: the models trust it where it still says so. Null before version 5.
        ("booked_on", "date"),
        ("counterparty_iban", "varchar"),
    ),
}

# What informative statements (camt.052, .054) tell: never money, but perhaps the details of a batch booked as one sum.
OTHER_TABLES["notified_entries"] = OTHER_TABLES["bank_entries"]
OTHER_TABLES["notified_references"] = OTHER_TABLES["entry_references"]

# Raised when a column of the log, or what a key in it is made of, changes: a warehouse of another number is built again.
LOG_VERSION = 5

# What a run says to the models about itself: the day, the watermarks, the templates it will render with.
CONTROL_TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "business_day": (
        ("as_of_date", "date"),
        ("run_id", "varchar"),
        ("batch_watermark", "bigint"),
        ("register_seq", "bigint"),
        ("dispatch_seq", "bigint"),
        ("policy_version", "varchar"),
    ),
    "built_project": (("project_hash", "varchar"),),
    "log_version": (("version", "bigint"),),
    "templates": (
        ("template_id", "varchar"),
        ("template_hash", "varchar"),
        ("channel", "varchar"),
        ("language", "varchar"),
        ("message_kind", "varchar"),
    ),
}


def billing_columns(table: BillingTable) -> tuple[tuple[str, str], ...]:
    """Columns of a billing change log: provenance, the contract's columns, then `extra` (JSON of unknown ones)."""
    own = tuple((column.name, SQL_TYPES[column.kind]) for column in table.columns)
    return LOG_COLUMNS + own + (("extra", "varchar"),)


def create_statements() -> list[str]:
    """DDL of the raw and control schemas, safe to run again."""
    tables = {f"raw.{table.name}": billing_columns(table) for table in BILLING_TABLES}
    tables |= {f"raw.{name}": columns for name, columns in OTHER_TABLES.items()}
    tables |= {f"control.{name}": columns for name, columns in CONTROL_TABLES.items()}
    statements = ["create schema if not exists raw", "create schema if not exists control"]
    for name, columns in tables.items():
        listed = ", ".join(f"{column} {sql_type}" for column, sql_type in columns)
        statements.append(f"create table if not exists {name} ({listed})")
    return statements
