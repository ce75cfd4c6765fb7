"""Buyers' answers (Peppol Invoice Response): to an invoice of ours, from whom it is of, and once."""

from datetime import date

import pytest

from simulation.invoice_documents import Trader, invoice_response, ubl
from tests.invoicing.rooms import BRUGGE, INVOICE, MOLENAAR, STRANGER, US, Mailbox
from tests.landing.rooms import DAY

WHY = [("OPStatusReason", "QUA", "Two chairs are broken"), ("OPStatusAction", "CNP", "")]


def answer(code: str = "RE", **more: object) -> bytes:
    about = {"sender": MOLENAAR, "receiver": US, "issued_on": date(2026, 3, 5), "reasons": WHY} | more
    return invoice_response("2026-0042", code, **about)  # type: ignore[arg-type]


def test_an_answer_becomes_an_event_even_when_it_comes_with_its_invoice(mailbox: Mailbox) -> None:
    landed = mailbox.land(
        "run-1", {"1-answer.xml": answer(effective_on=date(2026, 3, 1)), "2-invoice.xml": ubl(INVOICE)}
    )
    assert (landed.taken, landed.responses, landed.quarantined) == (2, 1, 0)
    assert mailbox.events() == [
        {
            "company": "VB",
            "on": date(2026, 3, 1),
            "by": "Peppol 0106:87654321",
            "invoice": "2026-0042",
            "code": "RE",
            "reason": "QUA; CNP; Two chairs are broken",
        }
    ]


def test_the_same_answer_again_changes_nothing(mailbox: Mailbox) -> None:
    mailbox.land("run-1", {"i.xml": ubl(INVOICE), "a.xml": answer()})
    pretty = answer().replace(b"><", b">\n <")
    landed = mailbox.land("run-2", {"b.xml": answer(), "c.xml": pretty})
    assert (landed.taken, landed.duplicate) == (0, 2)
    assert len(mailbox.events()) == 1


def test_the_same_answer_with_other_content_is_refused(mailbox: Mailbox) -> None:
    mailbox.land("run-1", {"i.xml": ubl(INVOICE), "a.xml": answer()})
    mailbox.land("run-2", {"b.xml": answer("AP")})
    assert mailbox.refusals() == {"b.xml": "refused_by_register"}
    assert len(mailbox.events()) == 1


def test_answers_count_in_the_order_they_were_given_whatever_their_files_are_called(mailbox: Mailbox) -> None:
    mailbox.land(
        "run-1",
        {
            "a.xml": answer("RE", document_id="4", issued_at="15:00:00"),
            "b.xml": answer("AB", document_id="1", issued_at="09:00:00"),
            "c.xml": answer("UQ", document_id="2", issued_on=date(2026, 3, 4)),
            "d.xml": answer("IP", document_id="3", issued_at="10:00:00"),
            "invoice.xml": ubl(INVOICE),
        },
    )
    assert [event["code"] for event in mailbox.events()] == ["UQ", "AB", "IP", "RE"]


def test_an_answer_that_has_come_is_known_whatever_day_it_gives(mailbox: Mailbox) -> None:
    hidden = [("OPStatusReason", "PRI", "Price\u200b is\u202e wrong")]
    late = answer(issued_on=date(2026, 4, 1), effective_on=date(2027, 1, 1), reasons=hidden)
    mailbox.land("run-1", {"i.xml": ubl(INVOICE), "a.xml": late})
    assert [(event["on"], event["reason"]) for event in mailbox.events()] == [(DAY, "PRI; Price is wrong")]


def test_answers_follow_each_other(mailbox: Mailbox) -> None:
    mailbox.land("run-1", {"i.xml": ubl(INVOICE)})
    codes = ("AB", "IP", "UQ", "CA", "AP", "PD")
    mailbox.land("run-2", {f"{n}.xml": answer(code, document_id=f"r-{n}") for n, code in enumerate(codes)})
    assert [event["code"] for event in mailbox.events()] == list(codes)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (answer(sender=BRUGGE), "not_the_customer"),
        (answer(sender=STRANGER), "not_the_customer"),
        (answer(receiver=STRANGER), "not_our_document"),
        (invoice_response("2026-9999", "AP", sender=MOLENAAR, receiver=US, issued_on=date(2026, 3, 5)), "unknown_invoice"),
    ],
)  # fmt: skip
def test_an_answer_of_somebody_else_is_refused(mailbox: Mailbox, content: bytes, code: str) -> None:
    mailbox.land("run-1", {"i.xml": ubl(INVOICE)})
    mailbox.land("run-2", {"a.xml": content})
    assert mailbox.refusals() == {"a.xml": code}
    assert mailbox.events() == []


def test_an_address_shared_by_a_group_is_no_contradiction(mailbox: Mailbox) -> None:
    mailbox.land("run-1", {"i.xml": ubl(INVOICE)})
    sender = Trader("Molenaar B.V.", "NL", endpoint=("0106", "55555555"))
    assert mailbox.land("run-2", {"a.xml": answer(sender=sender)}).responses == 1


def test_an_answer_to_an_invoice_of_the_extract(mailbox: Mailbox) -> None:
    invoices = (
        "company_id,invoice_id,invoice_number,customer_id,kind,issued_on,due_on,currency,total_amount\n"
        "VB,I1,2026-0042,K1,invoice,2026-03-02,2026-04-01,EUR,121.00\n"
    )
    mailbox.bill("more", invoices=invoices)
    mailbox.land("run-1", {"a.xml": answer("UQ")})
    assert [event["code"] for event in mailbox.events()] == ["UQ"]


def test_other_messages_of_the_same_kind_are_no_answers(mailbox: Mailbox) -> None:
    none = answer().split(b"<cac:DocumentResponse>")[0] + b"</ApplicationResponse>"
    mailbox.land("run-1", {"mls.xml": none})
    assert mailbox.refusals() == {"mls.xml": "not_an_invoice_response"}
