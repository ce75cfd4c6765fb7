"""Opt-in: invoices that others published, read in place (`TIJDIG_SAMPLES=<folder with oracle.json>`), never copied."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from assets.invoicing.documents import InvoiceDocument, Party, UnreadableDocument
from assets.invoicing.read import read_document
from simulation.invoice_documents import pdf_with

_FOLDER = os.environ.get("TIJDIG_SAMPLES")
pytestmark = pytest.mark.skipif(
    _FOLDER is None, reason="TIJDIG_SAMPLES is not set: the readers were NOT tried on real invoices"
)
_ORACLE = json.loads((Path(_FOLDER) / "oracle.json").read_text(encoding="utf-8")) if _FOLDER else {}
_INVOICES = sorted(name for name in _ORACLE if name.startswith(("ubl-invoice", "cii")))
_SOUND = [name for name in _INVOICES if not _ORACLE[name]["broken"]]

# What the other reader found broken, and the reason we refuse it with.
_REASONS = {"missing-payable": "missing_element"}


def _content(name: str) -> bytes:
    return (Path(_FOLDER or "") / name).read_bytes()


def _read(name: str) -> InvoiceDocument:
    document = read_document(_content(name))
    assert isinstance(document, InvoiceDocument)
    return document


def _said(document: InvoiceDocument, wanted: dict[str, Any]) -> dict[str, Any]:
    """The fields the other reader found, in its words; those it did not look for are left out."""
    totals = document.totals
    known: dict[str, Any] = {
        "id": document.number,
        "type": document.type_code,
        "currency": document.currency,
        "profile": document.profile,
        "issue_date": document.issued_on.isoformat(),
        "due_date": document.due_on.isoformat() if document.due_on else None,
        "buyer_ref": document.buyer_reference,
        "order_ref": document.order_number,
        "payment_id": [document.payment_reference] if document.payment_reference else [],
        "iban": list(document.payee_accounts),
        "billing_ref": [each.number for each in document.preceding],
        "lines": len(document.lines),
        "tax_inclusive": totals.tax_inclusive,
        "grand": totals.tax_inclusive,
        "payable": totals.payable,
        "prepaid": totals.prepaid,
        "terms": document.terms,
        "supplier": _party(document.supplier),
        "customer": _party(document.customer),
    }
    return {name: known[name] for name in wanted if name in known}


def _party(party: Party) -> dict[str, str | None]:
    endpoint = party.endpoint
    return {
        "name": party.name,
        "vat": party.vat_number or None,
        "legal_id": party.legal_id.value if party.legal_id else None,
        "endpoint": f"{endpoint.scheme}:{endpoint.value}" if endpoint else None,
    }


def _wanted(found: dict[str, Any]) -> dict[str, Any]:
    """The oracle's values in our types."""
    wanted = {name: value for name, value in found.items() if name != "doc"}
    for name in ("tax_inclusive", "grand", "payable", "prepaid"):
        if name in wanted:
            wanted[name] = Decimal(wanted[name] or 0)
    wanted["iban"] = [account.replace(" ", "") for account in wanted["iban"]]
    for side in ("supplier", "customer"):
        wanted[side] = {name: value for name, value in wanted[side].items() if name != "email"}
    if wanted.get("terms"):
        wanted["terms"] = " ".join(wanted["terms"].split())
    return wanted


def test_there_are_samples() -> None:
    assert len(_SOUND) >= 21


@pytest.mark.parametrize("name", _SOUND)
def test_every_field_is_what_another_reader_found(name: str) -> None:
    wanted = _wanted(_ORACLE[name]["invoice"])
    said = _said(_read(name), wanted)
    for side in ("supplier", "customer"):
        said[side] = {field: said[side][field] for field in wanted[side]}
    assert said == wanted


@pytest.mark.parametrize("name", [name for name in _INVOICES if _ORACLE[name]["broken"]])
def test_a_broken_one_is_refused_with_its_reason(name: str) -> None:
    with pytest.raises(UnreadableDocument) as refusal:
        read_document(_content(name))
    assert refusal.value.code in {_REASONS[mark] for mark in _ORACLE[name]["broken"]}
    assert refusal.value.named is not None


@pytest.mark.parametrize("name", [name for name in _SOUND if name.startswith("cii")])
def test_a_pdf_with_it_inside_says_the_same(name: str) -> None:
    assert read_document(pdf_with(("factur-x.xml", _content(name)))) == _read(name)


@pytest.mark.parametrize("name", _INVOICES)
def test_cut_off_it_is_refused(name: str) -> None:
    content = _content(name).rstrip()
    for percent in range(0, 100, 5):
        with pytest.raises(UnreadableDocument):
            read_document(content[: len(content) * percent // 100])
