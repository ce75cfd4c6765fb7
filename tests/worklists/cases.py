"""One customer with something of everything, as the row of tasks.call_sheets a day would give."""

from datetime import date
from decimal import Decimal
from typing import Any

EMPTY: dict[str, Any] = {
    "as_of_date": date(2026, 11, 13), "task_id": "0123456789abcdef0123456789", "company_id": "VB", "customer_id": "K1",
    "invoice_id": "F1", "task_kind": "call", "owner": "M. Visser", "due_on": date(2026, 11, 17),
    "reason": "No answer to the reminder of 2026-11-03 for invoice 2026-0001, 43 days overdue",
    "next_step": "Call the customer", "currency": "EUR", "amount": Decimal("1210.00"), "invoice_number": "2026-0001",
    "language": "nl", "company_name": "Voorbeeld Handel B.V.", "company_phone": "+31 20 555 0100",
    "customer_name": "Molenaar B.V.", "customer_phone": None, "customer_email": "crediteuren@molenaar.example",
    "customer_department": None, "customer_country": "NL", "account_manager": None, "collector": "M. Visser",
    "payment_terms_days": 30, "credit_limit": Decimal("25000.00"), "segment": "standard", "risk_class": "unknown",
    "broken_promise_count": 0, "customer_since_on": date(2020, 1, 1), "payer_profile": "new", "paid_invoice_count": 0,
    "late_invoice_count": 0, "average_days_late": None, "longest_days_late": None, "item_count": 1, "next_kind": None,
    "next_on": None, "confirmation_on": date(2026, 11, 16), "promise_grace_days": 2, "policy_id": "p",
    "items": [], "conditions": [], "payments": [], "problems": [], "promises": [], "disputes": [], "complaints": [],
    "arrangements": [], "correspondence": [], "tasks": [],
}  # fmt: skip

FULL: dict[str, Any] = EMPTY | {
    "customer_name": "Molenaar <b>& Zn.</b>",
    "broken_promise_count": 1,
    "payer_profile": "sporadic_late",
    "paid_invoice_count": 12,
    "late_invoice_count": 3,
    "average_days_late": 4,
    "longest_days_late": 21,
    "next_kind": "formal_notice",
    "next_on": date(2026, 11, 20),
    "items": [
        {"invoice_number": "2026-0001", "kind": "invoice", "issued_on": "2026-09-01", "due_on": "2026-10-01",
         "days_overdue": 43, "currency": "EUR", "total_amount": "1210.00", "open_amount": "1210.00",
         "disputed_amount": "121.00", "order_number": "PO-7", "project_number": None, "delivery_status": "received",
         "stage_no": 2, "reason": "The next step is due today"},
        {"invoice_number": "C-9", "kind": "credit_note", "issued_on": "2026-10-01", "due_on": "2026-10-01",
         "days_overdue": 43, "currency": "EUR", "total_amount": "-50.00", "open_amount": "-50.00",
         "disputed_amount": "0.00", "order_number": None, "project_number": None, "delivery_status": None,
         "stage_no": None, "reason": None},
    ],
    "conditions": [{"set_on": "2025-01-02", "terms": "pays on Fridays only", "invoice_number": None, "recorded_by": "Ann"}],
    "payments": [{"booked_on": "2026-09-12", "invoice_number": "2026-0000", "due_on": "2026-09-10", "amount": "99.50", "currency": "EUR"}],
    "problems": [{"happened_on": "2026-06-05", "kind": "promise_broken", "invoice_number": None, "amount": "100.00", "currency": "EUR"}],
    "promises": [
        {"said_on": "2026-06-01", "kind": "promise", "invoice_number": "2025-0900", "expected_on": "2026-06-05", "amount": "100.00", "currency": "EUR", "recorded_by": "Ann", "withdrawn_on": None},
        {"said_on": "2026-05-01", "kind": "expected", "invoice_number": "2025-0900", "expected_on": "2026-05-20", "amount": None, "currency": None, "recorded_by": "Ann", "withdrawn_on": None},
    ],
    "disputes": [{"opened_on": "2026-10-20", "invoice_number": "2026-0001", "line_number": 2, "amount": "121.00", "currency": "EUR", "reason": "=one box short", "closed_on": None, "outcome": None, "recorded_by": "Ann"}],
    "complaints": [{"opened_on": "2026-10-20", "reason": "driver was rude", "closed_on": "2026-10-22", "outcome": "flowers", "recorded_by": "Ann"}],
    "arrangements": [{"agreed_on": "2025-02-01", "status": "fulfilled", "covered": "600.00", "paid": "600.00", "open": "0.00", "currency": "EUR", "next_due_on": None, "reason": "temporarily_tight"}],
    "correspondence": [
        {"exchanged_on": "2026-11-03", "kind": "message", "what": "reminder_2", "channel": "email", "state": "sent", "note": None, "recorded_by": None},
        {"exchanged_on": "2026-10-20", "kind": "contact", "what": None, "channel": None, "state": None, "note": "<script>alert(1)</script>", "recorded_by": "Ann"},
    ],
    "tasks": [
        {"task_id": "0123456789abcdef0123456789", "task_kind": "call", "due_on": "2026-11-17", "reason": "this one"},
        {"task_id": "f" * 26, "task_kind": "send_again", "due_on": "2026-11-17", "reason": "Invoice 2026-0002 could not be delivered"},
    ],
}  # fmt: skip

CASES = {
    f"{name}.{language}": row | {"language": language}
    for name, row in (("full", FULL), ("empty", EMPTY))
    for language in ("nl", "en")
}
