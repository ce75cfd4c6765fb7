"""Triggers that make the append-only tables append-only, in both databases.

They stop accidents and casual edits. Whoever owns the file can drop a trigger, which is why the audit chain is hashed
and anchored outside (`assets/audit/verify.py`).

SQLite's trap: INSERT OR REPLACE deletes without firing delete triggers unless `recursive_triggers` is on, and a
stranger's connection has it off. So a second guard refuses, before the insert, any row whose key is already there.
"""

from __future__ import annotations

from dataclasses import dataclass

# What a message says may be renewed while it is unsent; from the moment it is claimed it is evidence.
_FROZEN_ONCE_CLAIMED = (
    "is_rehearsal",
    "total_minor",
    "fingerprint",
    "row_json",
    "row_hash",
    "body_sha256",
    "extension",
    "recipient",
    "recipient_hash",
    "run_id",
    "register_seq",
    "policy_version",
    "policy_id",
    "template_id",
    "template_hash",
    "code_version",
    "requires_release",
)
_FROZEN_ALWAYS = (
    "communication_id",
    "as_of_date",
    "company_id",
    "customer_id",
    "channel",
    "class",
    "message_kind",
    "stage_no",
    "cycle",
    "currency",
    "occasion",
    "expires_on",
)
# Cancelled is among them for one case: the day of going live may want again what its rehearsal had already planned.
_RENEWABLE_STATES = ("planned", "rendered", "approved", "held", "superseded", "cancelled")


@dataclass(frozen=True)
class AppendOnly:
    """A table that only grows. `keys` are its unique columns; `may_delete` leaves room for erasure of personal
    payloads.
    """

    table: str
    keys: tuple[str, ...]
    may_delete: bool = False


APPEND_ONLY = (
    AppendOnly("audit_event", ("seq", "prev", "hash")),
    AppendOnly("audit_payload", ("seq",), may_delete=True),
    AppendOnly("communication_event", ("seq",)),
    AppendOnly("register_event", ("seq", "event_id", "external_id")),
    AppendOnly("delivery_observation", ("seq",)),
    AppendOnly("archived_dataset", ("seq",)),
    AppendOnly("release_approval", ("seq",)),
)


def sqlite_guards(only: str | None = None) -> list[str]:
    """The guards as SQLite triggers: all, or those of one append-only table."""
    statements = []
    for guarded in APPEND_ONLY:
        if only not in (None, guarded.table):
            continue
        name = guarded.table
        same = " or ".join(f"{key} = new.{key}" for key in guarded.keys)
        statements.append(
            f"create trigger {name}_no_update before update on {name} "
            f"begin select raise(abort, '{name} is append-only: update refused'); end"
        )
        statements.append(
            f"create trigger {name}_no_replace before insert on {name} "
            f"when exists (select 1 from {name} where {same}) "
            f"begin select raise(abort, '{name} is append-only: replace refused'); end"
        )
        if not guarded.may_delete:
            statements.append(
                f"create trigger {name}_no_delete before delete on {name} "
                f"begin select raise(abort, '{name} is append-only: delete refused'); end"
            )
    if only is not None:
        return statements
    statements.append(
        "create trigger communication_no_delete before delete on communication "
        "begin select raise(abort, 'a communication is never deleted'); end"
    )
    statements.append(
        "create trigger communication_no_replace before insert on communication "
        "when exists (select 1 from communication where communication_id = new.communication_id) "
        "begin select raise(abort, 'a communication is never replaced'); end"
    )
    statements.append(
        "create trigger communication_identity before update on communication when "
        + _changed(_FROZEN_ALWAYS, "is not")
        + " begin select raise(abort, 'what a communication is never changes'); end"
    )
    statements.append(
        f"create trigger communication_content before update on communication when "
        f"old.state not in {_RENEWABLE_STATES!r} and ({_changed(_FROZEN_ONCE_CLAIMED, 'is not')}) "
        "begin select raise(abort, 'a claimed communication is frozen'); end"
    )
    return statements


def postgresql_guards(only: str | None = None) -> list[str]:
    """The guards as PostgreSQL triggers. A replace does not exist there; TRUNCATE does, and is refused too."""
    of_messages = [
        "create or replace function tijdig_refuse() returns trigger language plpgsql as $$ "
        "begin raise exception '% is append-only: % refused', tg_table_name, lower(tg_op); end $$",
        "create or replace function tijdig_frozen() returns trigger language plpgsql as $$ begin "
        f"if {_changed(_FROZEN_ALWAYS, 'is distinct from')} then "
        "raise exception 'what a communication is never changes'; end if; "
        f"if old.state not in {_RENEWABLE_STATES!r} and ({_changed(_FROZEN_ONCE_CLAIMED, 'is distinct from')}) then "
        "raise exception 'a claimed communication is frozen'; end if; return new; end $$",
        "create trigger communication_frozen before update on communication "
        "for each row execute function tijdig_frozen()",
        "create trigger communication_no_delete before delete on communication "
        "for each row execute function tijdig_refuse()",
        "create trigger communication_no_truncate before truncate on communication "
        "for each statement execute function tijdig_refuse()",
    ]
    statements = of_messages if only is None else []
    for guarded in APPEND_ONLY:
        if only not in (None, guarded.table):
            continue
        events = "update" if guarded.may_delete else "update or delete"
        statements.append(
            f"create trigger {guarded.table}_append_only before {events} on {guarded.table} "
            "for each row execute function tijdig_refuse()"
        )
        statements.append(
            f"create trigger {guarded.table}_no_truncate before truncate on {guarded.table} "
            "for each statement execute function tijdig_refuse()"
        )
    return statements


def _changed(columns: tuple[str, ...], differs: str) -> str:
    return " or ".join(f'new."{column}" {differs} old."{column}"' for column in columns)
