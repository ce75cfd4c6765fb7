"""Everything on the accounts that is no customer's payment: wages, rent, suppliers, taxes, charges, own transfers."""

import random
from collections import defaultdict
from datetime import date, timedelta

from simulation import bank_days, names
from simulation.customers import CAMT_ACCOUNT, CODA_ACCOUNT, COMPANY, MT940_ACCOUNT
from simulation.identifiers import belgian_iban, dutch_iban
from simulation.invoicing import month_end, month_starts
from simulation.model import Account
from simulation.paying import Payment
from simulation.streams import chance, stream

SUPPLIER_SHARE_PERCENT = 82
SWEEP_SHARE_PERCENT = 97
WAGES_PER_CUSTOMER_CENTS = 380_00
RENT_CENTS = 8_450_00
CHARGE_CENTS = {CAMT_ACCOUNT.iban: 48_35, MT940_ACCOUNT.iban: 31_20, CODA_ACCOUNT.iban: 12_10}


def flow(
    day: date,
    account: Account,
    cents: int,
    counterparty: tuple[str, str, str] | None,
    text: str,
    kind: str = "transfer",
) -> Payment:
    """A movement that settles no invoice; its truth is that all of it stays unapplied."""
    name, iban, bic = counterparty or ("", "", "")
    return Payment(
        booked_on=day,
        kind=kind,
        customer_id=None,
        account_iban=account.iban,
        amount_cents=cents,
        payer_name=name,
        payer_iban=iban,
        payer_bic=bic,
        structured_reference=None,
        remittance=(text,),
        end_to_end_id=None,
        mandate_id=None,
        scheme=None,
        return_reason=None,
        noise="not_a_receipt",
        allocations=(),
        unapplied_cents=cents,
    )


def suppliers(rng: random.Random) -> list[tuple[str, str, str]]:
    chosen = []
    for index in range(12):
        name = f"{names.dutch_place(rng)} {rng.choice(('Import', 'Meubelen', 'Papier', 'Supplies'))}"
        iban, bic = belgian_iban(rng) if index % 4 == 3 else dutch_iban(rng)
        chosen.append((f"{name} {'NV' if index % 4 == 3 else 'B.V.'}", iban, bic))
    return chosen


def receipts_by_week(payments: list[Payment]) -> dict[tuple[str, date], int]:
    """Cents received per account and week, a week being named by its Monday."""
    receipts: dict[tuple[str, date], int] = defaultdict(int)
    for payment in payments:
        monday = payment.booked_on - timedelta(days=payment.booked_on.weekday())
        receipts[payment.account_iban, monday] += payment.amount_cents
    return receipts


def weekly_flows(seed: int, start_on: date, until: date, payments: list[Payment]) -> list[Payment]:
    """Own transfers to the main account on Thursdays, supplier payments on Fridays, out of what the week brought."""
    rng = stream(seed, "weekly flows")
    known_suppliers = suppliers(rng)
    receipts = receipts_by_week(payments)
    main = (COMPANY.name, CAMT_ACCOUNT.iban, CAMT_ACCOUNT.bic)
    flows: list[Payment] = []
    monday = start_on - timedelta(days=start_on.weekday())
    while monday <= until:
        last_week = monday - timedelta(days=7)
        thursday = bank_days.on_or_after(monday + timedelta(days=3))
        friday = bank_days.on_or_after(monday + timedelta(days=4))
        for account in (MT940_ACCOUNT, CODA_ACCOUNT):
            cents = receipts[account.iban, last_week] * SWEEP_SHARE_PERCENT // 100 // 100_00 * 100_00
            if cents > 0:
                text = f"Afroming week {last_week.isocalendar().week}"
                flows.append(flow(thursday, account, -cents, main, text))
                flows.append(flow(thursday, CAMT_ACCOUNT, cents, (COMPANY.name, account.iban, account.bic), text))
        received = sum(receipts[account.iban, last_week] for account in COMPANY.accounts)
        payable = max(received, 0) * SUPPLIER_SHARE_PERCENT // 100
        for share in (41, 27, 19, 13):
            cents = payable * share // 100
            if cents > 0:
                number = f"{friday:%y}{rng.randint(10_000, 99_999)}"
                flows.append(flow(friday, CAMT_ACCOUNT, -cents, rng.choice(known_suppliers), f"Uw factuur {number}"))
        monday += timedelta(days=7)
    return flows


def monthly_flows(seed: int, start_on: date, until: date, customer_count: int) -> list[Payment]:
    """Rent, wages, wage tax and bank charges; a tax refund and interest now and then."""
    rng = stream(seed, "monthly flows")
    tax_office = ("Belastingdienst", "NL86INGB0002445588", "INGBNL2A")  # its published account
    landlord_iban, landlord_bic = dutch_iban(rng)
    insurer_iban, insurer_bic = dutch_iban(rng)
    flows: list[Payment] = []
    for first in month_starts(start_on, until):
        rent_on = bank_days.on_or_after(first)
        wages_on = bank_days.on_or_before(first.replace(day=25))
        closing_on = bank_days.on_or_before(month_end(first))
        wages = WAGES_PER_CUSTOMER_CENTS * customer_count * rng.randint(96, 104) // 100
        flows += [
            flow(rent_on, CAMT_ACCOUNT, -RENT_CENTS, ("Sterndam Vastgoed B.V.", landlord_iban, landlord_bic),
                 f"Huur Havenkade 12 {first:%m-%Y}"),
            flow(wages_on, CAMT_ACCOUNT, -wages, None, f"Salarissen {first:%m-%Y} 31 begunstigden"),
            flow(closing_on, CAMT_ACCOUNT, -wages * 38 // 100, tax_office, f"Loonheffing {first:%m-%Y}"),
        ]  # fmt: skip
        flows += [
            flow(
                closing_on,
                account,
                -CHARGE_CENTS[account.iban],
                None,
                f"Kosten betalingsverkeer {first:%m-%Y}",
                "charge",
            )
            for account in COMPANY.accounts
        ]
        if first.month % 3 == 0:
            refund_on = bank_days.on_or_after(first.replace(day=12))
            flows.append(
                flow(refund_on, MT940_ACCOUNT, rng.randint(800_00, 4_000_00), tax_office, "Teruggaaf omzetbelasting")
            )
        if chance(rng, 25):
            paid_on = bank_days.on_or_after(first.replace(day=rng.randint(5, 20)))
            insurer = ("Klaverhoek Verzekeringen N.V.", insurer_iban, insurer_bic)
            flows.append(
                flow(paid_on, CAMT_ACCOUNT, rng.randint(200_00, 900_00), insurer, f"Schade {rng.randint(10**6, 10**7)}")
            )
    return flows


def other_flows(seed: int, start_on: date, until: date, payments: list[Payment], customer_count: int) -> list[Payment]:
    flows = weekly_flows(seed, start_on, until, payments)
    flows += monthly_flows(seed, start_on, until, customer_count)
    return [movement for movement in flows if start_on <= movement.booked_on <= until]
