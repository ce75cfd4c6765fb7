"""Documents from the inbox into the log: ours and of whom, once, whole or not at all."""

from datetime import date
from decimal import Decimal

import pytest

from simulation.invoice_documents import Trader, cii, pdf_with, ubl
from tests.invoicing.rooms import ACCOUNT, BRUGGE, CUSTOMERS, INVOICE, STRANGER, US, Mailbox, document

INVOICES = "company_id,invoice_id,invoice_number,customer_id,kind,issued_on,due_on,currency,total_amount\n"


def test_an_invoice_becomes_a_row_with_its_lines(mailbox: Mailbox) -> None:
    landed = mailbox.land("run-1", {"a.xml": ubl(INVOICE)})
    assert (landed.taken, landed.invoices, landed.lines, landed.quarantined) == (1, 1, 1, 0)
    assert mailbox.rows(
        "company_id, customer_id, invoice_number, kind, issued_on, due_on, is_due_derived, currency, total_amount,"
        " payment_reference, order_number, payee_accounts"
    ) == [
        (
            "VB", "K1", "2026-0042", "invoice", date(2026, 3, 2), date(2026, 4, 1), False, "EUR", Decimal("121.00"),
            "RF18539007547034", "PO-77", ACCOUNT,
        )
    ]  # fmt: skip
    assert mailbox.rows("line_number, description, quantity, unit_price, line_amount, order_line", "invoice_document_lines") == [
        (1, "Office chairs", "4", "25.0000", Decimal("100.00"), "10")
    ]  # fmt: skip
    assert list((mailbox.rooms.root / "inbox" / "invoices").iterdir()) == []
    assert mailbox.rooms.rows("select count(*) from raw.landed_sources where batch_id = 2") == [(2,)]


@pytest.mark.parametrize("again", ["bytes", "pretty-printed", "as CII", "in a PDF"])
def test_the_same_document_again_changes_nothing(mailbox: Mailbox, again: str) -> None:
    mailbox.land("run-1", {"a.xml": ubl(INVOICE)})
    before = mailbox.rows("*"), mailbox.rows("*", "invoice_document_lines")
    other = {
        "bytes": ubl(INVOICE),
        "pretty-printed": ubl(INVOICE).replace(b"><", b">\r\n  <"),
        "as CII": cii(INVOICE),
        "in a PDF": pdf_with(("factur-x.xml", cii(INVOICE))),
    }[again]
    landed = mailbox.land("run-2", {"b": other})
    assert (landed.taken, landed.duplicate, landed.quarantined) == (0, 1, 0)
    assert (mailbox.rows("*"), mailbox.rows("*", "invoice_document_lines")) == before


def test_twice_in_one_delivery_is_once(mailbox: Mailbox) -> None:
    landed = mailbox.land("run-1", {"a.xml": ubl(INVOICE), "b.xml": ubl(INVOICE), "c.xml": cii(INVOICE)})
    assert (landed.taken, landed.duplicate) == (1, 2)


def test_the_same_number_with_other_content_is_refused_and_holds_its_customer(mailbox: Mailbox) -> None:
    mailbox.land("run-1", {"a.xml": ubl(INVOICE)})
    landed = mailbox.land("run-2", {"b.xml": ubl(document(vat_cents=2_101))})
    assert (landed.taken, landed.quarantined) == (0, 1)
    assert mailbox.refusals() == {"b.xml": "conflicting_document"}
    assert "amount payable was 121.00, is 121.01" in mailbox.reason("b.xml")
    assert mailbox.rows("total_amount") == [(Decimal("121.00"),)]
    assert mailbox.rows("company_id, customer_id, invoice_id, code", "row_problems") == [
        ("VB", "K1", "2026-0042", "conflicting_document")
    ]


def test_a_wrong_document_is_mended_by_one_that_billing_agrees_with(mailbox: Mailbox) -> None:
    right, wrong = document(), document(vat_cents=2_101)
    mailbox.land("run-1", {"wrong.xml": ubl(wrong)})
    invoice = "VB,1,2026 0042,K1,invoice,2026-03-02,2026-04-01,EUR,121.00\n"
    mailbox.bill("run-2", invoices=f"{INVOICES}{invoice}")
    landed = mailbox.land("run-3", {"right.xml": ubl(right), "wrong.xml": ubl(document(vat_cents=2_102))})
    assert (landed.taken, landed.quarantined) == (1, 1)
    assert mailbox.refusals() == {"wrong.xml": "conflicting_document"}
    assert mailbox.rows("batch_id, total_amount") == [(2, Decimal("121.01")), (4, Decimal("121.00"))]
    again = mailbox.land("run-4", {"again.pdf": pdf_with(("factur-x.xml", cii(right)))})
    assert (again.taken, again.duplicate) == (0, 1)


@pytest.mark.parametrize(
    "row",
    [
        "VB,1,2026-0042,K1,invoice,2026-03-02,2026-04-01,EUR,121.01",  # billing agrees with neither
        "VB,1,2026-0042,K2,invoice,2026-03-02,2026-04-01,EUR,121.00",  # or says another customer,
        "VB,1,2026-0042,K1,credit_note,2026-03-02,2026-04-01,EUR,121.00",  # another kind,
        "VB,1,2026-0042,K1,invoice,2026-03-02,2026-04-01,USD,121.00",  # another currency,
        "VS,1,2026-0042,K1,invoice,2026-03-02,2026-04-01,EUR,121.00",  # or knows the number of another company
    ],
)
def test_another_document_is_refused_where_billing_does_not_agree_with_it(mailbox: Mailbox, row: str) -> None:
    mailbox.bill("run-1", invoices=f"{INVOICES}{row}\n")
    mailbox.land("run-2", {"wrong.xml": ubl(document(vat_cents=2_102))})
    assert mailbox.land("run-3", {"right.xml": ubl(document())}).quarantined == 1


def test_another_document_is_refused_where_billing_agrees_with_the_first(mailbox: Mailbox) -> None:
    """A due date that moved: billing knows nothing of either, and the customer has read the first."""
    mailbox.bill("run-1", invoices=f"{INVOICES}VB,1,2026-0042,K1,invoice,2026-03-02,2026-04-01,EUR,121.00\n")
    mailbox.land("run-2", {"first.xml": ubl(document(due_on=date(2026, 5, 1)))})
    assert mailbox.land("run-3", {"second.xml": ubl(document())}).quarantined == 1


def test_who_the_buyer_is_decides_its_numbers_and_only_then_its_name(mailbox: Mailbox) -> None:
    by_vat = Trader("Some other name", "NL", "NL 0098.76.543.B01")
    by_register = Trader("Some other name", "BE", None, ("", "BE 0403.170.701"))
    by_vat_of_its_register = Trader("Some other name", "BE", "BE0403170701")
    by_address = Trader("Some other name", "BE", None, None, ("9925", "be0403170701"))
    by_our_number = Trader("Some other name", "NL", number_with_us="K1")
    by_name = Trader("  jansen ", "NL", postal_code="1011AA")
    buyers = {
        "1": by_vat, "2": by_register, "3": by_vat_of_its_register, "4": by_address, "5": by_our_number, "6": by_name,
    }  # fmt: skip
    mailbox.land("run-1", {number: ubl(document(number=number, buyer=buyer)) for number, buyer in buyers.items()})
    assert mailbox.rows("invoice_number, customer_id") == [
        ("1", "K1"), ("2", "K2"), ("3", "K2"), ("4", "K2"), ("5", "K1"), ("6", "K3"),
    ]  # fmt: skip


def test_a_number_that_is_another_one_outweighs_a_name(mailbox: Mailbox) -> None:
    buyers = {
        # The name of K1 and its number with us, with the VAT number of somebody else.
        "vat": Trader("Molenaar B.V.", "NL", "NL005555555B01", number_with_us="K1"),
        "register": Trader("Molenaar B.V.", "NL", None, ("0106", "55555555")),
        "elsewhere": Trader("Jansen", "BE"),
        "street": Trader("Jansen", "NL", postal_code="9999 ZZ"),
        "stranger": STRANGER,
    }
    mailbox.land("run-1", {number: ubl(document(number=number, buyer=buyer)) for number, buyer in buyers.items()})
    assert mailbox.refusals() == dict.fromkeys(buyers, "unknown_customer")
    assert "Nobody We Know GmbH, VAT DE811111111" in mailbox.reason("stranger")


def test_two_customers_that_nothing_tells_apart_are_refused(mailbox: Mailbox) -> None:
    mailbox.bill("more", customers=CUSTOMERS + "VB,K4,Molenaar Noord,NL,NL009876543B01,,,\n")
    mailbox.land(
        "run-1",
        {
            "a.xml": ubl(document(number="a", buyer=Trader("Molenaar Zuid", "NL", "NL009876543B01"))),
            "b.xml": ubl(document(number="b", buyer=Trader("Molenaar Noord", "NL", "NL009876543B01"))),
        },
    )
    assert mailbox.refusals() == {"a.xml": "ambiguous_customer"}
    assert mailbox.rows("invoice_number, customer_id") == [("b", "K4")]


def test_an_unknown_customer_is_known_once_it_was_added(mailbox: Mailbox) -> None:
    content = ubl(document(buyer=STRANGER))
    mailbox.land("run-1", {"a.xml": content})
    assert mailbox.refusals() == {"a.xml": "unknown_customer"}
    mailbox.bill("more", customers=CUSTOMERS + "VB,K9,Nobody GmbH,DE,DE811111111,,,\n")
    assert mailbox.land("run-2", {"a.xml": content}).taken == 1
    assert mailbox.rows("customer_id") == [("K9",)]


def test_what_is_not_ours_is_refused_with_its_reason(mailbox: Mailbox) -> None:
    mailbox.land(
        "run-1",
        {
            "purchase.xml": ubl(document(seller=STRANGER, buyer=US, iban="DE79000000001234567890")),
            "strange.xml": ubl(document(seller=STRANGER)),
            "sister.xml": ubl(document(seller=Trader(US.name, "NL", US.vat_number, ("0106", "99999999")))),
            "elsewhere.xml": ubl(document(number="9", iban="DE79000000001234567890")),
        },
    )
    assert mailbox.refusals() == {
        "purchase.xml": "not_our_document",
        "strange.xml": "unknown_supplier",
        "sister.xml": "unknown_supplier",
        "elsewhere.xml": "unknown_payee_account",
    }
    assert "we are its buyer" in mailbox.reason("purchase.xml")
    # Only the last one names a customer of ours: whoever pays there pays where nobody looks.
    assert mailbox.rows("customer_id, code", "row_problems") == [("K1", "unknown_payee_account")]


def test_a_seller_without_numbers_is_known_by_the_account_it_is_paid_on(mailbox: Mailbox) -> None:
    mailbox.land("run-1", {"a.xml": ubl(document(seller=Trader("Voorbeeld", "NL")))})
    assert mailbox.rows("company_id") == [("VB",)]


def test_a_document_that_contradicts_itself_holds_the_customer_it_names(mailbox: Mailbox) -> None:
    mailbox.land("run-1", {"a.xml": ubl(document(payable_cents=12_099)), "b.xml": ubl(INVOICE)[:-30]})
    assert mailbox.refusals() == {"a.xml": "totals_mismatch", "b.xml": "truncated"}
    assert mailbox.rows("customer_id, invoice_id, code", "row_problems") == [("K1", "2026-0042", "totals_mismatch")]


def test_prepaid_is_not_asked_again_and_rounding_is(mailbox: Mailbox) -> None:
    mailbox.land("run-1", {"a.xml": ubl(document(prepaid_cents=2_100, rounding_cents=5))})
    assert mailbox.rows("total_amount, tax_inclusive_amount, prepaid_amount, rounding_amount") == [
        (Decimal("100.05"), Decimal("121.00"), Decimal("21.00"), Decimal("0.05"))
    ]


def test_a_negative_invoice_is_a_credit_note(mailbox: Mailbox) -> None:
    lines = (INVOICE.lines[0].__class__("1", "Chairs back", -10_000, -4),)
    mailbox.land("run-1", {"a.xml": ubl(document(lines=lines, vat_cents=-2_100, preceding=(("2026-0001", None),)))})
    assert mailbox.rows("kind, total_amount, tax_inclusive_amount, preceding_invoice_number") == [
        ("credit_note", Decimal("121.00"), Decimal("121.00"), "2026-0001")
    ]


def test_without_a_due_date_the_customers_terms_count_and_else_thirty_days(mailbox: Mailbox) -> None:
    mailbox.land(
        "run-1",
        {
            "1": ubl(document(number="1", due_on=None)),
            "2": cii(document(number="2", due_on=None, buyer=BRUGGE)),
            "3": ubl(document(number="3", due_on=None, is_credit_note=True)),
        },
    )
    assert mailbox.rows("invoice_number, due_on, is_due_derived") == [
        ("1", date(2026, 3, 16), True),
        ("2", date(2026, 4, 1), True),
        ("3", date(2026, 3, 2), True),
    ]


def test_a_credit_of_several_invoices_stays_loose(mailbox: Mailbox) -> None:
    several = (("2026-0001", date(2026, 2, 1)), ("2026-0002", None))
    mailbox.land("run-1", {"a.xml": ubl(document(is_credit_note=True, preceding=several))})
    assert mailbox.rows("preceding_invoice_number, preceding_invoice_numbers") == [(None, "2026-0001; 2026-0002")]


def test_lines_keep_their_printed_numbers_when_each_has_its_own(mailbox: Mailbox) -> None:
    line = INVOICE.lines[0].__class__
    printed = (line("10", "a", 6_000), line("20", "b", 4_000))
    odd = (line("A", "a", 6_000), line("20", "b", 4_000))
    mailbox.land("run-1", {"1": ubl(document(number="1", lines=printed)), "2": ubl(document(number="2", lines=odd))})
    assert mailbox.rows("invoice_number, line_number, line_id", "invoice_document_lines") == [
        ("1", 10, "10"), ("1", 20, "20"), ("2", 1, "A"), ("2", 2, "20"),
    ]  # fmt: skip


def test_a_buyer_without_numbers_is_who_billing_says_the_invoice_is_of(mailbox: Mailbox) -> None:
    invoices = (
        "company_id,invoice_id,invoice_number,customer_id,kind,issued_on,due_on,currency,total_amount\n"
        "VB,I1,2026-0042,K2,invoice,2026-03-02,2026-04-01,EUR,121.00\n"
    )
    mailbox.bill("more", invoices=invoices)
    mailbox.land("run-1", {"a.xml": ubl(document(buyer=Trader("Accounts payable", "BE")))})
    assert mailbox.rows("customer_id") == [("K2",)]


def test_of_several_possible_buyers_billing_knows_which(mailbox: Mailbox) -> None:
    mailbox.bill(
        "more",
        customers=CUSTOMERS + "VB,K4,Molenaar Noord,NL,NL009876543B01,,,\n",
        invoices=(
            "company_id,invoice_id,invoice_number,customer_id,kind,issued_on,due_on,currency,total_amount\n"
            "VB,I1,2026-0042,K4,invoice,2026-03-02,2026-04-01,EUR,121.00\n"
        ),
    )
    mailbox.land("run-1", {"a.xml": ubl(document(buyer=Trader("Molenaar Zuid", "NL", "NL009876543B01")))})
    assert mailbox.rows("customer_id") == [("K4",)]


def test_an_empty_inbox_is_nothing(mailbox: Mailbox) -> None:
    assert mailbox.land("run-1", {}).taken == 0
    assert mailbox.rows("*") == []


def test_names_of_files_say_nothing(mailbox: Mailbox) -> None:
    mailbox.land(
        "run-1", {"invoice.pdf": ubl(INVOICE), "x.csv": pdf_with(("ZUGFeRD-invoice.xml", cii(document(number="2"))))}
    )
    assert mailbox.rows("invoice_number, syntax") == [("2", "cii"), ("2026-0042", "ubl")]
