"""The dossier on paper: typst sets it from one layout, with the document handed over as JSON and the words of one language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import typst
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from assets.problem import DataProblem

LAYOUT = Path("shared") / "dossier.typ"
LANGUAGES = {"nl": "nl_NL", "en": "en_GB"}
FALLBACK = "en"
_STANDARDS: list[Any] = ["a-2b"]
_UNDRAWABLE = re.compile(r'the text `"(.*?)"` could not be displayed')
# What no font can draw is shown as this; the exact text is in dossier.json.
_STAND_IN = "?"
_MOST_STAND_INS = 200

Row = Mapping[str, Any]


def dossier_pdf(document: Row, templates: Path, language: str) -> bytes:
    """The dossier as PDF/A, in the creditor's language where we write it, else in English. Equal documents, equal bytes."""
    language = language if language in LANGUAGES else FALLBACK
    labels = json.loads((templates / "shared" / language / "dossier.json").read_text(encoding="utf-8"))
    view = json.dumps(_view(document, labels, language), ensure_ascii=False)
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
    compiler = typst.Compiler(templates / LAYOUT, root=templates, font_paths=fonts, ignore_system_fonts=True)
    day: date = document["as_of_date"]
    for _ in range(_MOST_STAND_INS):
        try:
            outcome = compiler.compile(
                format="pdf",
                sys_inputs={"dossier": view},
                timestamp=int(datetime.combine(day, time(12), tzinfo=UTC).timestamp()),
                pdf_standards=_STANDARDS,
            )
        except typst.TypstError as broken:
            undrawable = _UNDRAWABLE.search(str(broken))
            stood_in = view.replace(undrawable.group(1), _STAND_IN) if undrawable else view
            if stood_in == view:
                raise DataProblem(
                    f"the dossier of hand-over {document['handover_id']} cannot be set: {broken}",
                    where=str(LAYOUT),
                    remedy="mend the layout",
                ) from broken
            view = stood_in
        else:
            assert isinstance(outcome, bytes)
            return outcome
    raise DataProblem(
        f"the dossier of hand-over {document['handover_id']} holds too many characters its fonts cannot draw",
        where=str(LAYOUT),
        remedy="write the names it prints in Latin letters in the ERP",
    )


def _view(document: Row, labels: Row, language: str) -> dict[str, Any]:
    """Every figure and date as it is printed: the layout only places them."""
    write = _Writer(LANGUAGES[language], labels)
    creditor, debtor = document["creditor"], document["debtor"]
    return {
        "language": language,
        "labels": {name: label for name, label in labels.items() if isinstance(label, str)},
        "created": [document["as_of_date"].year, document["as_of_date"].month, document["as_of_date"].day],
        "is_rehearsal": document["is_rehearsal"],
        "title": f"{labels['title']} {debtor['name']}",
        "creditor_name": creditor["name"],
        "facts": write.pairs(
            ("handover", document["handover_id"]),
            ("date", write.day(document["as_of_date"])),
            ("handed_over_on", write.day(document["handed_over_on"])),
            ("agency", document["agency"]),
            ("fee", write.fee(document["fee"])),
            ("recorded_by", document["recorded_by"]),
        ),
        "creditor": _party(creditor, labels),
        "debtor": _party(debtor, labels),
        "claims": [
            [
                claim["currency"],
                write.amount(claim["principal_amount"]),
                write.amount(claim["interest_amount"]),
                write.amount(claim["costs_amount"]),
                write.amount(claim["total_amount"]),
                " ".join(
                    part
                    for part in (
                        f"{claim['law']}" if claim["law"] else "",
                        labels["conditional"]
                        if {claim["interest_claim"], claim["costs_claim"]} - {"always", None}
                        else "",
                        labels["provisional"] if claim["is_provisional"] else "",
                    )
                    if part
                ),
            ]
            for claim in document["claims"]
        ],
        "invoices": [_invoice(invoice, write) for invoice in document["invoices"]],
        "messages": [_message(message, write) for message in document["messages"]],
        "correspondence": [
            [write.day(event["effective_on"]), write.word(event["kind"]), event["recorded_by"], _said(event["payload"])]
            for event in document["correspondence"]
        ],
        "enclosures": [[file["name"], file["sha256"]] for file in document["enclosures"]],
    }


def _invoice(invoice: Row, write: _Writer) -> dict[str, Any]:
    missing = [each for each in invoice["documents"] if "missing" in each]
    return {
        "title": f"{write.labels['invoice']} {invoice['invoice_number']}",
        "facts": write.pairs(
            ("issued_on", write.day(invoice["issued_on"])),
            ("due_on", write.day(invoice["due_on"])),
            ("order", " / ".join(filter(None, (invoice["order_number"], invoice["project_number"])))),
            ("total", f"{invoice['currency']} {write.amount(invoice['total_amount'])}"),
            ("open", f"{invoice['currency']} {write.amount(invoice['open_amount'])}"),
            ("delivery", write.word(invoice["delivery_status"]) if invoice["delivery_status"] else ""),
            ("description", invoice["description"]),
            ("documents", ", ".join(each["file"] for each in invoice["documents"] if "file" in each)),
            ("missing", "; ".join(f"{each.get('named', '')} ({each['missing']})".strip() for each in missing)),
        ),
        "ledger": [
            [
                write.day(row["booked_on"]),
                f"{write.word(row['kind'])}, {write.word(row['component'])}",
                row["counterparty_name"] or "",
                row["remittance"] or "",
                row["reference"],
                write.amount(row["amount"]),
            ]
            for row in invoice["ledger"]
        ],
        "interest": [
            [
                write.day(row["from_on"]),
                write.day(row["to_on"]),
                str(row["days"]),
                write.amount(row["base_amount"]),
                write.rate(row["rate_basis_points"]),
                write.amount(row["interest_amount"]) + (" *" if row["is_provisional"] else ""),
            ]
            for row in invoice["interest"]
        ],
        "is_provisional": any(row["is_provisional"] for row in invoice["interest"]),
        "charges": [
            [
                write.day(row["claimed_on"]) if row["claimed_on"] else "",
                write.word(row["component"]),
                write.amount(row["claimed_amount"]),
                write.amount(row["paid_amount"]),
                write.amount(row["open_amount"]),
            ]
            for row in invoice["charges_claimed"]
        ],
    }


def _message(message: Row, write: _Writer) -> list[str]:
    registered = message["registered"] or {}
    receipt = [
        registered.get("tracking_number", ""),
        f"{write.labels['received_on']} {write.day(date.fromisoformat(registered['received_on']))}"
        if registered.get("received_on")
        else "",
    ]
    return [
        write.day(message["sent_on"]),
        f"{write.word(message['message_kind'])}, {write.word(message['channel'])}",
        write.word(message["state"]),
        " ".join(filter(None, receipt)),
        ", ".join(message["invoices"]),
        f"{message['currency']} {write.amount(message['total_amount'])}",
        message["body"].get("file") or message["body"]["missing"],
    ]


def _party(party: Row, labels: Row) -> list[str]:
    lines = [
        party["name"],
        party.get("department"),
        party["street"],
        " ".join(filter(None, (party["postal_code"], party["city"]))),
        party["country"],
        f"{labels['vat_number']} {party['vat_number']}" if party["vat_number"] else None,
        f"{labels['registration_number']} {party['registration_number']}" if party["registration_number"] else None,
        party.get("email") or party.get("email_from"),
        party["phone"],
        f"IBAN {party['iban']}" if party.get("iban") else None,
        f"{labels['customer_number']} {party['customer_id']}" if party.get("customer_id") else None,
    ]
    return [str(line) for line in lines if line]


def _said(payload: Row) -> str:
    """The words of an event, field by field, without what names the customer."""
    parts = [f"{name.replace('_', ' ')}: {_in_words(value)}" for name, value in payload.items() if name != "customer"]
    return "; ".join(parts)


def _in_words(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(str(inner) for inner in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_in_words(inner) for inner in value)
    return str(value)


class _Writer:
    """Dates, amounts and words of one language."""

    def __init__(self, locale: str, labels: Row) -> None:
        self.labels = labels
        self._locale = Locale.parse(locale)

    def day(self, day: date) -> str:
        return format_date(day, "dd-MM-yyyy" if self._locale.language == "nl" else "dd MMM yyyy", locale=self._locale)

    def amount(self, amount: Decimal | None) -> str:
        return "–" if amount is None else format_decimal(amount, "#,##0.00", locale=self._locale)

    def rate(self, basis_points: int) -> str:
        return format_decimal(Decimal(basis_points).scaleb(-2), "0.00", locale=self._locale) + " %"

    def word(self, code: str) -> str:
        words: Row = self.labels["words"]
        return str(words.get(code, code.replace("_", " ")))

    def fee(self, fee: Row) -> str:
        percent = fee["success_fee_percent"]
        parts = (
            self.word(fee["fee_basis"]) if fee["fee_basis"] else "",
            format_decimal(percent, "0.##", locale=self._locale) + " %" if percent is not None else "",
            fee["terms"] or "",
        )
        return ", ".join(part for part in parts if part)

    def pairs(self, *pairs: tuple[str, str | None]) -> list[list[str]]:
        return [[str(self.labels[name]), value] for name, value in pairs if value]
