"""The operations store: what was decided by people, what was run, what was sent, and the audit chain.

One set of tables for SQLite and PostgreSQL. Three habits hold everywhere:

- Money is an integer of minor units beside its currency: SQLite NUMERIC keeps a double and loses cents.
- Moments are UTC; business dates are dates. The two are never derived from one another.
- Sequence numbers are handed out under the store's single write lock (`store.writing`), so they are gapless and in
commit order: "everything up to sequence n" is a complete set and never changes afterwards.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeDecorator, TypeEngine

from assets.operations.canonical import timestamp

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTimestamp(TypeDecorator[datetime]):
    """An aware moment. PostgreSQL keeps `timestamptz`; SQLite fixed-width UTC text, which sorts as time does."""

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC) if dialect.name == "postgresql" else timestamp(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return datetime.fromisoformat(value)


sequence_number = BigInteger().with_variant(Integer(), "sqlite")

# The life of a message ------------------------------------------------------------------------------------------------

STATES = (
    "planned",
    "rendered",
    "approved",
    "held",
    "claimed",
    "sending",
    "sent",
    "delivered",
    "bounced",
    "complained",
    "in_doubt",
    "closed_unknown",
    "superseded",
    "cancelled",
    "expired",
    "failed_permanent",
    "failed_exhausted",
)

# A message in one of these no longer occupies (company, invoice, stage, cycle), nor its occasion: another may take its
# place. A doubtful one is not among them: until it is proved absent it counts as sent.
FREED_STATES = ("superseded", "cancelled", "expired", "failed_permanent", "failed_exhausted", "bounced")

# Nothing has left the house yet, and nothing is on its way.
UNSENT_STATES = ("planned", "rendered", "approved", "held")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} in ({', '.join(repr(value) for value in values)})"


schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied_at", UtcTimestamp, nullable=False),
)

run_control = Table(
    "run_control",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="singleton"), primary_key=True, autoincrement=False),
    Column("mode", String(16), CheckConstraint(_one_of("mode", ("rehearsal", "live")), name="mode"), nullable=False),
    Column("live_since", UtcTimestamp),
    Column("live_since_on", Date),
    Column("is_stopped", Boolean, nullable=False),
    Column("stopped_at", UtcTimestamp),
    Column("stopped_by", Text),
    Column("stopped_reason", Text),
    Column("last_as_of_date", Date),
    # The run begun last. A message that rests on an earlier one may not know what has landed since.
    Column("last_run_id", String(64)),
    # The dispatch sequence at the moment of going live: rehearsal messages are facts below it and none at or above it.
    Column("live_from_seq", sequence_number),
    # Register events of kind release and refuse have been carried out up to here.
    Column("releases_applied_seq", sequence_number, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("as_of_date", Date, nullable=False, index=True),
    Column("batch_watermark", sequence_number, nullable=False),
    Column("register_seq", sequence_number, nullable=False),
    Column("dispatch_seq", sequence_number, nullable=False),
    Column("policy_version", String(64), nullable=False),
    Column("code_version", String(64), nullable=False),
    Column("started_at", UtcTimestamp, nullable=False),
    Column("ended_at", UtcTimestamp),
    Column("outcome", String(32)),
    Column("summary", Text),
)

landing_batch = Table(
    "landing_batch",
    metadata,
    Column("batch_id", sequence_number, primary_key=True, autoincrement=False),
    Column("run_id", String(64), nullable=False),
    Column("opened_at", UtcTimestamp, nullable=False),
    Column("closed_at", UtcTimestamp),
)

landed_source = Table(
    "landed_source",
    metadata,
    Column("batch_id", sequence_number, ForeignKey("landing_batch.batch_id"), primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("inbox", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("table_name", String(64)),
    Column("sha256", String(64), nullable=False, index=True),
    Column("original_name", Text),
    Column("rows", Integer, nullable=False),
    Column(
        "outcome",
        String(16),
        CheckConstraint(_one_of("outcome", ("taken", "duplicate", "quarantined")), name="outcome"),
        nullable=False,
    ),
    Column("code", String(64)),
    Column("message", Text),
    Column("account_iban", String(34)),
)

archived_dataset = Table(
    "archived_dataset",
    metadata,
    Column("seq", sequence_number, primary_key=True, autoincrement=False),
    Column("run_id", String(64), nullable=False),
    Column("as_of_date", Date, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("rows", Integer, nullable=False),
)

register_event = Table(
    "register_event",
    metadata,
    Column("seq", sequence_number, primary_key=True, autoincrement=False),
    Column("event_id", String(26), nullable=False, unique=True),
    Column("external_id", String(200), unique=True),
    Column("recorded_at", UtcTimestamp, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("company_id", Text, nullable=False, index=True),
    Column("effective_on", Date, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("payload", Text, nullable=False),
)

communication = Table(
    "communication",
    metadata,
    Column("communication_id", String(64), primary_key=True),
    # What it is. Never changes.
    Column("as_of_date", Date, nullable=False),
    Column("company_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("channel", String(32), nullable=False),
    Column(
        "class",
        String(16),
        CheckConstraint(_one_of("class", ("friendly", "formal", "internal")), name="class"),
        nullable=False,
        key="class_",
    ),
    Column("message_kind", String(48), nullable=False),
    Column("stage_no", Integer, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    # The fact that calls for a message that is no stage of a track. Null for a stage.
    Column("occasion", Text),
    Column("is_rehearsal", Boolean, nullable=False),
    # What it says. Changes only while it is unsent, and then loses its release.
    Column("total_minor", BigInteger, nullable=False),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("row_json", Text, nullable=False),
    Column("row_hash", String(64), nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("extension", String(8), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("recipient_hash", String(64), nullable=False),
    Column("requires_release", Boolean, nullable=False),
    # Which knowledge it rests on.
    Column("run_id", String(64), nullable=False, index=True),
    Column("register_seq", sequence_number, nullable=False),
    Column("policy_version", String(64), nullable=False),
    Column("policy_id", Text),
    Column("template_id", Text),
    Column("template_hash", String(64)),
    Column("code_version", String(64), nullable=False),
    # Where it stands.
    Column("state", String(20), CheckConstraint(_one_of("state", STATES), name="state"), nullable=False),
    Column("held_reason", Text),
    Column("is_released", Boolean, nullable=False),
    Column("released_by", Text),
    Column("released_at", UtcTimestamp),
    Column("release_reason", Text),
    Column("approved_sha256", String(64)),
    # Whose turn it is. The token rises with every claim; a claim that lost its token can do nothing.
    Column("token", Integer, nullable=False),
    Column("lease_until", UtcTimestamp),
    Column("attempts", Integer, CheckConstraint("attempts >= 0", name="attempts"), nullable=False),
    Column("not_before", UtcTimestamp),
    Column("expires_on", Date, nullable=False),
    Column("provider_ref", Text),
    Column("last_error", Text),
    UniqueConstraint("communication_id", "company_id", "customer_id"),
    Index("ix_communication_state_day", "state", "as_of_date"),
    Index("ix_communication_day", "as_of_date"),
)

communication_item = Table(
    "communication_item",
    metadata,
    Column("communication_id", String(64), primary_key=True),
    Column("invoice_id", Text, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("invoice_number", Text, nullable=False),
    Column("open_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("stage_no", Integer, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("is_acted", Boolean, nullable=False),
    Column("state", String(20), CheckConstraint(_one_of("state", STATES), name="state"), nullable=False),
    # A message holds the items of one customer only: an item naming another customer has no parent.
    ForeignKeyConstraint(
        ["communication_id", "company_id", "customer_id"],
        ["communication.communication_id", "communication.company_id", "communication.customer_id"],
    ),
)

# This, not the content hash, is what forbids a second reminder: another invoice set, policy or day gives another
# communication_id, but never a second live item for the same invoice, stage and cycle.
_occupied = and_(communication_item.c.is_acted, communication_item.c.state.not_in(FREED_STATES))
Index(
    "uq_communication_item_acted",
    communication_item.c.company_id,
    communication_item.c.invoice_id,
    communication_item.c.stage_no,
    communication_item.c.cycle,
    unique=True,
    sqlite_where=_occupied,
    postgresql_where=_occupied,
)

# The same for what is no stage: an agreement is confirmed once, whatever else has changed about the message since.
_met = and_(communication.c.occasion.is_not(None), communication.c.state.not_in(FREED_STATES))
occasion_met = Index(
    "uq_communication_occasion",
    communication.c.company_id,
    communication.c.customer_id,
    communication.c.currency,
    communication.c.message_kind,
    communication.c.occasion,
    unique=True,
    sqlite_where=_met,
    postgresql_where=_met,
)

communication_event = Table(
    "communication_event",
    metadata,
    Column("seq", sequence_number, primary_key=True, autoincrement=False),
    Column("communication_id", String(64), ForeignKey("communication.communication_id"), nullable=False, index=True),
    Column("from_state", String(20)),
    Column("to_state", String(20), CheckConstraint(_one_of("to_state", STATES), name="to_state"), nullable=False),
    Column("occurred_at", UtcTimestamp, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("token", Integer, nullable=False),
    Column("run_id", String(64)),
)

delivery_observation = Table(
    "delivery_observation",
    metadata,
    Column("seq", sequence_number, primary_key=True, autoincrement=False),
    Column("communication_id", String(64), ForeignKey("communication.communication_id"), nullable=False, index=True),
    Column("observed_at", UtcTimestamp, nullable=False),
    Column("source", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("detail", Text),
)

# A person's yes to a message that needs several: what it claims is the fingerprint, so a yes of yesterday to the same
# claim counts today, and one to another amount does not.
release_approval = Table(
    "release_approval",
    metadata,
    Column("seq", sequence_number, primary_key=True, autoincrement=False),
    Column("communication_id", String(64), ForeignKey("communication.communication_id"), nullable=False),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("body_sha256", String(64), nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("approved_at", UtcTimestamp, nullable=False),
    Column("reason", Text, nullable=False),
)

# What went to an agency, once per hand-over: the hashes of everything in the folder, whose bytes are in the archive.
# `written_at` stays empty until the files lie in the outbox, so that a crash in between is made good.
handover_dossier = Table(
    "handover_dossier",
    metadata,
    Column("handover_id", String(26), primary_key=True),
    Column("is_rehearsal", Boolean, primary_key=True),
    Column("company_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("as_of_date", Date, nullable=False),
    Column("run_id", String(64), nullable=False),
    Column("made_at", UtcTimestamp, nullable=False),
    Column("json_sha256", String(64), nullable=False),
    Column("pdf_sha256", String(64), nullable=False),
    Column("files", Text, nullable=False),
    Column("written_at", UtcTimestamp),
)

audit_event = Table(
    "audit_event",
    metadata,
    Column("seq", sequence_number, primary_key=True, autoincrement=False),
    Column("v", Integer, nullable=False),
    Column("at_utc", String(27), nullable=False),
    Column("actor", Text, nullable=False),
    Column("type", String(48), nullable=False),
    Column("subject_refs", Text, nullable=False),
    Column("run_id", String(64)),
    # Each entry names its predecessor once: two entries on one predecessor would be a fork.
    Column("prev", String(64), nullable=False, unique=True),
    Column("payload_commit", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

audit_payload = Table(
    "audit_payload",
    metadata,
    Column("seq", sequence_number, ForeignKey("audit_event.seq"), primary_key=True, autoincrement=False),
    Column("salt", LargeBinary(16), nullable=False),
    Column("payload", Text, nullable=False),
)
