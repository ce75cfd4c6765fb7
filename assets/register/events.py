"""Recording what people decide: validate, then append once.

An event is never changed or deleted; the opposite event undoes it. `external_id` makes recording idempotent: the same
id with the same content is a no-op, the same id with other content is refused, since one of the two must be wrong.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from sqlalchemy import Connection, Engine, Row, insert, select

from assets.operations import journal
from assets.operations.canonical import canonical_bytes, canonical_text, sha256_hex
from assets.operations.clock import Clock
from assets.operations.refusal import Refusal
from assets.operations.store import next_seq, writing
from assets.operations.tables import register_event
from assets.register.kinds import KINDS, Field, Kind, Type
from assets.register.references import refuse_unknown_references

MAX_TEXT = 4000
MAX_ID = 200
_AMOUNT = re.compile(r"\d{1,16}(\.\d{1,2})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class InvalidEvent(Refusal):
    """An event that breaks a rule of its kind, with what is wrong, in which field, and what to do."""


class ConflictingEvent(Refusal):
    """The same external_id came before with other content."""


@dataclass(frozen=True)
class RecordedEvent:
    """An event as it stands in the register. `is_new` is false when this external_id had been recorded already."""

    seq: int
    event_id: str
    is_new: bool


def validate(kind: str, payload: Mapping[str, object]) -> dict[str, object]:
    """The payload in its one written form (NFC text, amounts with two decimals, ISO dates, no empty fields).

    Raises InvalidEvent on an unknown kind or field, a missing or malformed field, or a broken rule between fields.
    """
    spec = KINDS.get(kind)
    if spec is None:
        raise InvalidEvent(f"There is no event kind {kind!r}", "kind", f"Use one of: {', '.join(sorted(KINDS))}")
    clean: dict[str, object] = {}
    for name, value in payload.items():
        field = spec.field(name)
        if field is None:
            raise InvalidEvent(f"{kind} has no field {name!r}", str(name), f"Its fields are: {describe(spec)}")
        if value is None or value == "" or value == []:
            continue
        clean[name] = _read(kind, field, value)
    missing = [field.name for field in spec.fields if field.required and field.name not in clean]
    if missing:
        raise InvalidEvent(
            f"{kind} lacks {', '.join(missing)}", ", ".join(missing), f"Its fields are: {describe(spec)}"
        )
    for rule in spec.rules:
        complaint = rule(clean)
        if complaint is not None:
            raise InvalidEvent(f"{kind} {complaint.what}", complaint.where, complaint.what_to_do)
    return clean


def describe(spec: Kind) -> str:
    """The fields of a kind in one line, optional ones in brackets."""
    words = (f"{field.name} ({'|'.join(field.choices)})" if field.choices else field.name for field in spec.fields)
    return ", ".join(w if f.required else f"[{w}]" for w, f in zip(words, spec.fields, strict=True))


def payload_from_text(kind: str, fields: Mapping[str, str]) -> dict[str, object]:
    """A payload from what was typed on a command line or in a cell.

    Lists are separated by `;` or `,`; instalments are `2026-12-01=250.00;2027-01-01=250.00`, or JSON. Not yet
    validated.
    """
    spec = KINDS.get(kind)
    payload: dict[str, object] = {}
    for name, text in fields.items():
        field = spec.field(name) if spec else None
        if field is None or not text.strip():
            payload[name] = text.strip()
        elif field.type in (Type.REFERENCES, Type.INSTALMENTS) and text.lstrip().startswith("["):
            payload[name] = _json(kind, field, text)
        elif field.type is Type.REFERENCES:
            payload[name] = _parts(text)
        elif field.type is Type.INSTALMENTS:
            payload[name] = [_typed_instalment(kind, field, part) for part in _parts(text)]
        else:
            payload[name] = text.strip()
    return payload


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split("[;,]", text) if part.strip()]


def record(
    engine: Engine,
    clock: Clock,
    *,
    kind: str,
    company_id: str,
    effective_on: date,
    recorded_by: str,
    payload: Mapping[str, object],
    external_id: str | None = None,
) -> RecordedEvent:
    """Validate one event and append it to the register, with its audit entry, in one transaction.

    Raises InvalidEvent, or ConflictingEvent when `external_id` was used for other content.
    """
    with writing(engine) as connection:
        return record_within(
            connection,
            clock,
            kind=kind,
            company_id=company_id,
            effective_on=effective_on,
            recorded_by=recorded_by,
            payload=payload,
            external_id=external_id,
        )


def record_within(
    connection: Connection,
    clock: Clock,
    *,
    kind: str,
    company_id: str,
    effective_on: date,
    recorded_by: str,
    payload: Mapping[str, object],
    external_id: str | None = None,
) -> RecordedEvent:
    """As `record`, inside the caller's write transaction."""
    clean = validate(kind, payload)
    company = _text(kind, "company_id", company_id, MAX_ID)
    author = _text(kind, "recorded_by", recorded_by, MAX_ID)
    until = clean.get("until")
    if isinstance(until, str) and date.fromisoformat(until) < effective_on:
        raise InvalidEvent(
            f"{kind} ends on {until}, before it begins on {effective_on}",
            "until",
            "Give a date on or after effective_on",
        )
    content: dict[str, object] = {
        "company_id": company,
        "effective_on": effective_on,
        "recorded_by": author,
        "kind": kind,
        "payload": canonical_text(clean),
    }
    refuse_unknown_references(connection, kind, company, effective_on, clean)
    external = None if external_id is None or not external_id.strip() else external_id.strip()
    if external is not None:
        external = _text(kind, "external_id", external, MAX_ID)
        earlier = connection.execute(select(register_event).where(register_event.c.external_id == external)).first()
        if earlier is not None:
            return _same_or_conflict(external, earlier, content)
    now = clock.now()
    seq = next_seq(connection, register_event.c.seq)
    # The sequence number makes it unique and the content makes it unguessable from the number alone; no randomness.
    event_id = sha256_hex(canonical_bytes({"seq": seq, "recorded_at": now, **content}))[:26]
    connection.execute(
        insert(register_event).values(seq=seq, event_id=event_id, external_id=external, recorded_at=now, **content)
    )
    journal.append(
        connection,
        now,
        author,
        "register_event",
        [f"register:{seq}", f"event:{event_id}"],
        {**content, "external_id": external},
    )
    return RecordedEvent(seq, event_id, is_new=True)


def _same_or_conflict(external: str, earlier: Row[tuple[object, ...]], content: Mapping[str, object]) -> RecordedEvent:
    differing = [name for name, value in content.items() if getattr(earlier, name) != value]
    if differing:
        raise ConflictingEvent(
            f"external_id {external!r} was recorded before with another {', '.join(differing)}",
            "external_id",
            "Give the new event its own external_id; to undo the earlier one, record the opposite event",
        )
    return RecordedEvent(int(earlier.seq), str(earlier.event_id), is_new=False)


def _read(kind: str, field: Field, value: object) -> object:
    if field.type is Type.TEXT:
        return _choice(kind, field, _text(kind, field.name, value, MAX_TEXT))
    if field.type is Type.DATE:
        return _date(kind, field.name, value)
    if field.type is Type.AMOUNT:
        return _amount(kind, field.name, value)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise InvalidEvent(f"{kind}: {field.name} is not a list", field.name, f"Give a {field.type.value}")
    if field.type is Type.REFERENCES:
        references = [_text(kind, field.name, inner, MAX_ID) for inner in value]
        if len(set(references)) != len(references):
            raise InvalidEvent(f"{kind}: {field.name} names an invoice twice", field.name, "Name every invoice once")
        return references
    return [_instalment(kind, field.name, number, inner) for number, inner in enumerate(value, start=1)]


def _choice(kind: str, field: Field, text: str) -> str:
    if field.choices and text not in field.choices:
        raise InvalidEvent(
            f"{kind}: {field.name} cannot be {text!r}", field.name, f"Use one of: {', '.join(field.choices)}"
        )
    return text


def _text(kind: str, name: str, value: object, longest: int) -> str:
    if isinstance(value, bool | float) or not isinstance(value, str | int):
        raise InvalidEvent(f"{kind}: {name} is not text", name, "Give plain text")
    text = unicodedata.normalize("NFC", str(value)).strip()
    if not text:
        raise InvalidEvent(f"{kind}: {name} is empty", name, "Fill it in")
    if len(text) > longest:
        raise InvalidEvent(f"{kind}: {name} is longer than {longest} characters", name, "Shorten it")
    # Control and direction characters can hide what a person reads later on a screen or in a sheet.
    if any(unicodedata.category(mark) in ("Cc", "Cf", "Cs") and mark not in "\n\t" for mark in text):
        raise InvalidEvent(f"{kind}: {name} holds control characters", name, "Type it again without them")
    return text


def _date(kind: str, name: str, value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        with suppress(ValueError):
            return date.fromisoformat(value.strip()).isoformat()
    raise InvalidEvent(f"{kind}: {name} {value!r} is not a date", name, "Write the date as YYYY-MM-DD")


def _amount(kind: str, name: str, value: object) -> str:
    text = format(value, "f") if isinstance(value, Decimal) else str(value) if type(value) in (int, str) else ""
    text = text.strip()
    try:
        amount = Decimal(text) if _AMOUNT.fullmatch(text) else None
    except InvalidOperation:
        amount = None
    if amount is None or amount <= 0:
        raise InvalidEvent(
            f"{kind}: {name} {value!r} is not an amount above zero",
            name,
            "Write it with a dot and at most two decimals, without thousands marks: 1250.00",
        )
    return format(amount.quantize(Decimal("0.01")), "f")


def _instalment(kind: str, name: str, number: int, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or set(value) != {"due_on", "amount"}:
        raise InvalidEvent(
            f"{kind}: instalment {number} is not a due date and an amount", name, 'Give {"due_on": ..., "amount": ...}'
        )
    return {
        "due_on": _date(kind, f"{name}[{number}].due_on", value["due_on"]),
        "amount": _amount(kind, f"{name}[{number}].amount", value["amount"]),
    }


def _typed_instalment(kind: str, field: Field, text: str) -> dict[str, str]:
    due_on, sign, amount = text.partition("=")
    if not sign:
        raise InvalidEvent(
            f"{kind}: instalment {text.strip()!r} has no amount",
            field.name,
            "Write 2026-12-01=250.00;2027-01-01=250.00",
        )
    return {"due_on": due_on.strip(), "amount": amount.strip()}


def _json(kind: str, field: Field, text: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        raise InvalidEvent(
            f"{kind}: {field.name} is not valid JSON", field.name, "Separate with ; instead, or mend it"
        ) from None
