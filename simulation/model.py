"""What the simulated world consists of. Amounts are integer euro cents; dates are calendar dates."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Tier(StrEnum):
    """How much of the turnover a customer brings: key more than 5 %, near-key 2 to 5 %."""

    KEY = "key"
    NEAR_KEY = "near_key"
    STANDARD = "standard"


class Profile(StrEnum):
    PUNCTUAL = "punctual"
    SPORADIC_LATE = "sporadic_late"
    HABITUAL_LATE = "habitual_late"


class Role(StrEnum):
    """What a customer is cast for, so that the last days of the world always show it. NONE lives its own life."""

    NONE = "none"
    STAGE_1 = "stage_1"
    STAGE_2 = "stage_2"
    STAGE_3 = "stage_3"
    NEVER_PAYS = "never_pays"
    JUST_OVERDUE = "just_overdue"
    PRE_DUE = "pre_due"
    PAID_JUST_IN_TIME = "paid_just_in_time"
    DISPUTE_OPEN = "dispute_open"
    LINE_DISPUTE_OPEN = "line_dispute_open"
    ARRANGEMENT_FULFILLED = "arrangement_fulfilled"
    ARRANGEMENT_BROKEN = "arrangement_broken"
    ARRANGEMENT_INSTALMENT_DUE = "arrangement_instalment_due"
    ARRANGEMENT_INSTALMENT_PAID = "arrangement_instalment_paid"
    ARRANGEMENT_DIRECT_DEBIT = "arrangement_direct_debit"
    UNPLACED_MONEY = "unplaced_money"
    LOOSE_CREDIT = "loose_credit"
    PROMISE_OPEN = "promise_open"
    PROMISE_BROKEN = "promise_broken"
    CUSTOMER_ON_HOLD = "customer_on_hold"
    COMPLAINT_OPEN = "complaint_open"
    TERMS_EXTENDED = "terms_extended"
    INSOLVENT = "insolvent"
    RETURNED_DIRECT_DEBIT = "returned_direct_debit"
    NO_EMAIL = "no_email"
    NO_CONTACT = "no_contact"
    SOLE_TRADER = "sole_trader"


@dataclass(frozen=True, slots=True)
class Account:
    """One of the creditor's own bank accounts and the format its statements come in."""

    iban: str
    bic: str
    statement_format: str  # camt.053 | mt940 | coda
    opening_cents: int


@dataclass(frozen=True, slots=True)
class Company:
    company_id: str
    name: str
    country: str
    street: str
    postal_code: str
    city: str
    vat_number: str
    registration_number: str
    creditor_id: str
    email_from: str
    phone: str
    language: str
    size_class: str  # large | sme
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class Customer:
    customer_id: str
    name: str
    legal_form: str
    country: str
    language: str
    email: str | None
    phone: str | None
    street: str | None
    postal_code: str | None
    city: str | None
    ibans: tuple[str, ...]
    bics: tuple[str, ...]  # the bank of each of the ibans
    vat_number: str | None
    registration_number: str | None
    is_natural_person: bool
    parent_customer_id: str | None
    account_manager: str | None
    collector: str
    payment_terms_days: int
    required_references: tuple[str, ...]
    credit_limit_cents: int | None
    risk_class: str | None
    risk_source: str | None
    risk_on: date | None
    size_class: str | None  # large | sme, where the clerks know it
    department: str | None
    created_on: date


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a customer buys and pays. The product never sees this: it is what has to be inferred."""

    customer_id: str
    tier: Tier
    role: Role
    profile: Profile
    mean_days_late: int
    spread_days: int
    pay_weekday: int | None
    uses_direct_debit: bool
    structured_percent: int  # how many of 100 payments carry the structured reference
    pays_to_iban: str
    annual_turnover_cents: int
    monthly_invoice_permille: int  # invoices per month, times 1000
    is_subscription: bool
    discount_permille: int  # cash discount granted, times 1000


@dataclass(frozen=True, slots=True)
class Mandate:
    mandate_id: str
    customer_id: str
    scheme: str  # CORE | B2B
    iban: str
    bic: str
    signed_on: date
    is_active: bool


@dataclass(frozen=True, slots=True)
class Order:
    customer_id: str
    order_number: str
    project_number: str | None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    line_number: int
    description: str
    quantity: int
    unit_price_cents: int
    net_cents: int
    vat_cents: int
    order_line: str | None


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or a credit note; `total_cents` is positive for both and equals its lines including VAT."""

    invoice_id: str
    invoice_number: str
    customer_id: str
    kind: str  # invoice | credit_note
    issued_on: date
    due_on: date
    total_cents: int
    payment_reference: str | None
    order_number: str | None
    project_number: str | None
    delivered_on: date | None
    delivery_status: str  # what it becomes once `delivered_on` is reached; sent until then
    credits_invoice_number: str | None
    replaces_invoice_number: str | None
    discount_permille: int
    discount_until: date | None
    cancelled_on: date | None
    description: str
    lines: tuple[InvoiceLine, ...]


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One movement as the bank knows it. Entries of one collection share `batch_id` and `bank_reference`."""

    entry_id: str
    account_iban: str
    booked_on: date
    valued_on: date
    amount_cents: int  # signed: money in is positive
    kind: str  # transfer | collection | return | charge
    counterparty_name: str | None
    counterparty_iban: str | None
    counterparty_bic: str | None
    bank_reference: str
    end_to_end_id: str | None
    mandate_id: str | None
    scheme: str | None
    structured_reference: str | None  # normalised: RF..., or the 12 digits of a Belgian communication
    remittance: tuple[str, ...]  # as the payer typed it; a camt statement repeats the element per line
    return_reason: str | None
    batch_id: str | None


@dataclass(frozen=True, slots=True)
class Statement:
    account: Account
    booked_on: date
    previous_on: date  # the day of the opening balance
    statement_id: str
    sequence_no: int  # restarts every calendar year, as the banks' own numbers do
    opening_cents: int
    closing_cents: int
    entries: tuple[BankEntry, ...]


@dataclass(frozen=True, slots=True)
class RegisterEvent:
    """What somebody of the finance department decided. `payload` is canonical JSON."""

    external_id: str
    company_id: str
    effective_on: date
    recorded_by: str
    kind: str
    payload: str


@dataclass(frozen=True, slots=True)
class OpeningStage:
    """A reminder the earlier system sent: its level, day and channel."""

    invoice_id: str
    stage_no: int
    dispatched_on: date
    channel: str


@dataclass(frozen=True, slots=True)
class EntryTruth:
    """What an entry really is. Credit notes are allocated with negative cents; the rest is `unapplied_cents`."""

    entry_id: str
    customer_id: str | None
    noise: str
    allocations: tuple[tuple[str, int], ...]
    unapplied_cents: int
    needs_clerk: bool  # a careful reader would ask a person what it pays


@dataclass(frozen=True, slots=True)
class World:
    seed: int
    start_on: date
    until: date
    demonstration_days: tuple[date, date, date]
    company: Company
    customers: tuple[Customer, ...]
    behaviours: tuple[Behaviour, ...]
    mandates: tuple[Mandate, ...]
    orders: tuple[Order, ...]
    invoices: tuple[Invoice, ...]
    entries: tuple[BankEntry, ...]
    statements: tuple[Statement, ...]
    register_events: tuple[RegisterEvent, ...]
    opening_stages: tuple[OpeningStage, ...]
    truth: tuple[EntryTruth, ...]
