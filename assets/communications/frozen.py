"""A message row as the operations store keeps it: frozen JSON, integer money, and a fingerprint of what it claims."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from assets.communications.messages import RenderedMessage
from assets.operations.canonical import canonical_bytes, sha256_hex


class UnusableMessage(ValueError):
    """A rendered message whose row contradicts itself. Nothing of the plan is written."""


@dataclass(frozen=True)
class FrozenItem:
    """One invoice on a message. `is_acted`: the message advances this invoice's stage; others are only listed."""

    invoice_id: str
    invoice_number: str
    open_minor: int
    currency: str
    stage_no: int
    cycle: int
    is_acted: bool


@dataclass(frozen=True)
class FrozenMessage:
    """Everything the outbox needs of one rendered message."""

    communication_id: str
    as_of_date: date
    company_id: str
    customer_id: str
    channel: str
    message_class: str
    message_kind: str
    stage_no: int
    cycle: int
    currency: str
    occasion: str | None
    total_minor: int
    requires_release: bool
    policy_id: str | None
    template_id: str | None
    template_hash: str | None
    row_json: str
    row_hash: str
    fingerprint: str
    body_sha256: str
    extension: str
    recipient: str
    content: bytes
    items: tuple[FrozenItem, ...]


def freeze(message: RenderedMessage) -> FrozenMessage:
    """Freeze a rendered message. Raises UnusableMessage when hash, identity, money or items do not hold together."""
    row = message.row
    if sha256_hex(message.content) != message.body_sha256:
        raise UnusableMessage(f"{message.communication_id}: the body does not have the hash it claims")
    if row["communication_id"] != message.communication_id:
        raise UnusableMessage(f"{message.communication_id}: its row belongs to {row['communication_id']}")
    currency = _text(row, "currency")
    items = _items(message.communication_id, row, currency)
    total_minor = minor_units(row["total_amount"])
    as_of_date = row["as_of_date"]
    if not isinstance(as_of_date, date) or isinstance(as_of_date, datetime):
        raise UnusableMessage(f"{message.communication_id}: as_of_date is not a date")
    row_json = row_as_json(row)
    claim = {
        "company_id": row["company_id"],
        "customer_id": row["customer_id"],
        "channel": row["channel"],
        "message_kind": row["message_kind"],
        "stage_no": row["stage_no"],
        "cycle": row["cycle"],
        "currency": currency,
        "total_minor": total_minor,
        "occasion": row.get("occasion"),
        "template_hash": row.get("template_hash"),
        "items": [vars(item) for item in sorted(items, key=lambda item: item.invoice_id)],
    }
    return FrozenMessage(
        communication_id=message.communication_id,
        as_of_date=as_of_date,
        company_id=_text(row, "company_id"),
        customer_id=_text(row, "customer_id"),
        channel=_text(row, "channel"),
        message_class=_text(row, "class"),
        message_kind=_text(row, "message_kind"),
        stage_no=_whole(row["stage_no"]),
        cycle=_whole(row["cycle"]),
        currency=currency,
        occasion=_optional_text(row, "occasion"),
        total_minor=total_minor,
        requires_release=bool(row["requires_release"]),
        policy_id=_optional_text(row, "policy_id"),
        template_id=_optional_text(row, "template_id"),
        template_hash=_optional_text(row, "template_hash"),
        row_json=row_json,
        # The run that planned it is not part of what it says: the same day run twice says the same.
        row_hash=sha256_hex(row_as_json({**row, "run_id": None}).encode("utf-8")),
        fingerprint=sha256_hex(canonical_bytes(claim)),
        body_sha256=message.body_sha256,
        extension=message.extension,
        recipient=message.recipient,
        content=message.content,
        items=items,
    )


def minor_units(amount: object) -> int:
    """An amount as integer minor units (cents). Raises UnusableMessage on a float or a third decimal."""
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | str):
        raise UnusableMessage(f"{amount!r} is not an exact amount")
    scaled = Decimal(amount).scaleb(2)
    if scaled != scaled.to_integral_value():
        raise UnusableMessage(f"{amount} has more than two decimals")
    return int(scaled)


def row_as_json(row: Mapping[str, object]) -> str:
    """The row as JSON with sorted keys: amounts as text with a dot, dates ISO, columns that hold JSON stay text."""
    return json.dumps({key: _cell(value) for key, value in row.items()}, ensure_ascii=False, sort_keys=True)


def _cell(value: object) -> object:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    raise UnusableMessage(f"{value!r} cannot be frozen")


def _items(communication_id: str, row: Mapping[str, object], currency: str) -> tuple[FrozenItem, ...]:
    written = json.loads(_text(row, "items"))
    items = tuple(
        FrozenItem(
            invoice_id=str(item["invoice_id"]),
            invoice_number=str(item["invoice_number"]),
            open_minor=minor_units(item["open_amount"]),
            currency=str(item["currency"]),
            stage_no=_whole(item["stage_no"]),
            # An invoice reopened by a reversal is in a later cycle than others on the same message.
            cycle=_whole(item.get("cycle", row["cycle"])),
            is_acted=bool(item["is_acted"]),
        )
        for item in written
    )
    if not items and row.get("occasion") is None:
        raise UnusableMessage(f"{communication_id}: a message without invoices")
    if row.get("occasion") is not None and any(item.is_acted for item in items):
        raise UnusableMessage(f"{communication_id}: it takes an invoice a stage further and is no stage itself")
    if len({item.invoice_id for item in items}) != len(items):
        raise UnusableMessage(f"{communication_id}: an invoice appears twice")
    if any(item.currency != currency for item in items):
        raise UnusableMessage(f"{communication_id}: items in another currency than {currency}")
    return items


def _text(row: Mapping[str, object], column: str) -> str:
    value = row[column]
    if not isinstance(value, str) or not value:
        raise UnusableMessage(f"{row['communication_id']}: {column} is {value!r}")
    return value


def _optional_text(row: Mapping[str, object], column: str) -> str | None:
    value = row.get(column)
    return None if value is None else str(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnusableMessage(f"{value!r} is not a whole number")
    return value
