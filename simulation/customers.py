"""Who the company sells to: how large they are, how they pay, and what some of them are cast for."""

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta

from simulation import identifiers, names
from simulation.model import Account, Behaviour, Company, Customer, Mandate, Order, Profile, Role, Tier
from simulation.streams import bell, chance, stream

COMPANY_ID = "VKG"
# The account numbers below are the banks' own published examples.
COMPANY = Company(
    company_id=COMPANY_ID,
    name="Voorbeeld Kantoorgroothandel B.V.",
    country="NL",
    street="Havenkade 12",
    postal_code="3013 AB",
    city="Rotterdam",
    vat_number="NL823456742B01",
    registration_number="90123456",
    creditor_id="NL69ZZZ123456780000",
    email_from="debiteuren@voorbeeldkantoor.example",
    phone="+31 85 000 1234",
    language="nl",
    size_class="sme",
    accounts=(
        Account("NL91ABNA0417164300", "ABNANL2A", "camt.053", 185_402_17),
        Account("NL20INGB0001234567", "INGBNL2A", "mt940", 64_918_50),
        Account("BE71096123456769", "GKCCBEBB", "coda", 48_230_05),
    ),
)
CAMT_ACCOUNT, MT940_ACCOUNT, CODA_ACCOUNT = COMPANY.accounts

ACCOUNT_MANAGERS = ("Sanne Otterbeek", "Joris Bremhorst", "Elise Van Wulpen")
CREDIT_AGENCIES = ("Kredietwijzer Delta", "Handelsinfo Zuid")
COLLECTORS = ("Maud Havermans", "Thijs Klaverhoek")

# Shares of yearly turnover in thousandths: the line lies at 50 for key accounts and at 20 for near-key ones.
KEY_SHARES = (112, 86, 71, 60)
NEAR_KEY_SHARES = (42, 38, 35, 32, 29, 27, 26, 25)
LARGEST_STANDARD_SHARE = 14
YEARLY_TURNOVER_CENTS_PER_CUSTOMER = 54_500_00

CAST = (
    (Role.STAGE_1, 6),
    (Role.STAGE_2, 4),
    (Role.STAGE_3, 3),
    (Role.NEVER_PAYS, 4),
    (Role.JUST_OVERDUE, 8),
    (Role.PRE_DUE, 6),
    (Role.PAID_JUST_IN_TIME, 3),
    (Role.DISPUTE_OPEN, 3),
    (Role.LINE_DISPUTE_OPEN, 1),
    (Role.ARRANGEMENT_FULFILLED, 1),
    (Role.ARRANGEMENT_BROKEN, 1),
    (Role.ARRANGEMENT_INSTALMENT_DUE, 1),
    (Role.ARRANGEMENT_INSTALMENT_PAID, 1),
    (Role.ARRANGEMENT_DIRECT_DEBIT, 1),
    (Role.UNPLACED_MONEY, 2),
    (Role.LOOSE_CREDIT, 2),
    (Role.PROMISE_OPEN, 2),
    (Role.PROMISE_BROKEN, 2),
    (Role.CUSTOMER_ON_HOLD, 1),
    (Role.COMPLAINT_OPEN, 1),
    (Role.TERMS_EXTENDED, 1),
    (Role.INSOLVENT, 1),
    (Role.RETURNED_DIRECT_DEBIT, 1),
    (Role.NO_EMAIL, 2),
    (Role.NO_CONTACT, 1),
    (Role.SOLE_TRADER, 2),
)
SMALLEST_CUSTOMER_COUNT = 100
PATIENCE = 20  # draws of a name before a number is put behind it
DIRECT_DEBIT_ROLES = frozenset({Role.RETURNED_DIRECT_DEBIT, Role.ARRANGEMENT_DIRECT_DEBIT})


@dataclass(frozen=True, slots=True)
class Portfolio:
    customers: tuple[Customer, ...]
    behaviours: tuple[Behaviour, ...]
    mandates: tuple[Mandate, ...]
    orders: tuple[Order, ...]


def tiers_and_roles(seed: int, customer_count: int) -> list[tuple[Tier, Role]]:
    """Tier and role by customer, spread over the numbers so that neither can be read from a number."""
    cast = [role for role, actors in CAST for _ in range(actors)]
    standard = customer_count - len(KEY_SHARES) - len(NEAR_KEY_SHARES)
    parts = [(Tier.KEY, Role.NONE)] * len(KEY_SHARES) + [(Tier.NEAR_KEY, Role.NONE)] * len(NEAR_KEY_SHARES)
    parts += [(Tier.STANDARD, role) for role in cast] + [(Tier.STANDARD, Role.NONE)] * (standard - len(cast))
    stream(seed, "tiers").shuffle(parts)
    return parts


def yearly_turnovers(seed: int, tiers: list[Tier]) -> list[int]:
    """Yearly turnover in cents, VAT included: a few customers bring a third, most bring next to nothing."""
    rng = stream(seed, "turnover")
    total = YEARLY_TURNOVER_CENTS_PER_CUSTOMER * len(tiers)
    larger = {Tier.KEY: iter(KEY_SHARES), Tier.NEAR_KEY: iter(NEAR_KEY_SHARES)}
    rest = total * (1000 - sum(KEY_SHARES) - sum(NEAR_KEY_SHARES)) // 1000
    weights = [rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 8, 11)) * rng.randint(80, 120) for _ in tiers]
    standard_weight = sum(weight for weight, tier in zip(weights, tiers, strict=True) if tier is Tier.STANDARD)
    return [
        total * next(larger[tier]) // 1000
        if tier in larger
        else min(rest * weight // standard_weight, total * LARGEST_STANDARD_SHARE // 1000)
        for tier, weight in zip(tiers, weights, strict=True)
    ]


def legal_form(rng: random.Random, country: str, *, speaks_french: bool, is_natural_person: bool) -> str:
    if is_natural_person:
        return "Eenmanszaak"
    if country == "NL":
        return rng.choices(("B.V.", "V.O.F.", "N.V."), (84, 12, 4))[0]
    if speaks_french:
        return rng.choice(("SRL", "SA"))
    return rng.choices(("BV", "NV"), (75, 25))[0]


def free_name(rng: random.Random, taken: set[str], *, speaks_french: bool, is_natural_person: bool) -> str:
    """A name without legal form that nobody has yet; a crowded world tells namesakes apart by a number."""
    attempt = 0
    while True:
        attempt += 1
        if is_natural_person:
            name = names.dutch_sole_trader(rng)
        else:
            name = names.french_company(rng) if speaks_french else names.dutch_company(rng)
        if attempt > PATIENCE:
            name = f"{name} {attempt - PATIENCE + 1}"
        if name not in taken:
            taken.add(name)
            return name


def make_customer(
    rng: random.Random, number: int, tier: Tier, role: Role, taken: set[str], created_on: date
) -> Customer:
    country = "BE" if chance(rng, 28) else "NL"
    speaks_french = country == "BE" and chance(rng, 35)
    is_natural_person = role is Role.SOLE_TRADER or (
        tier is Tier.STANDARD and role is Role.NONE and country == "NL" and chance(rng, 6)
    )
    if is_natural_person:
        country, speaks_french = "NL", False
    form = legal_form(rng, country, speaks_french=speaks_french, is_natural_person=is_natural_person)
    stem = free_name(rng, taken, speaks_french=speaks_french, is_natural_person=is_natural_person)
    name = stem if is_natural_person else f"{stem} {form}"
    make_iban = identifiers.belgian_iban if country == "BE" else identifiers.dutch_iban
    accounts = [make_iban(rng) for _ in range(2 if chance(rng, 8) else 1)]
    address = names.belgian_address(rng, speaks_french=speaks_french) if country == "BE" else names.dutch_address(rng)
    has_post = role is not Role.NO_CONTACT and (role is not Role.NONE or not chance(rng, 2))
    has_email = role not in (Role.NO_EMAIL, Role.NO_CONTACT) and (role is not Role.NONE or not chance(rng, 5))
    mailbox = rng.choice(("crediteuren", "administratie", "facturen", "boekhouding", "finance"))
    languages, shares = (("fr", "en"), (80, 20)) if speaks_french else (("nl", "en"), (90, 10))
    needs_order = tier is Tier.KEY or chance(rng, 12)
    if country == "BE":
        vat_number = identifiers.belgian_vat_number(rng)
        registration_number = vat_number.removeprefix("BE")
    else:
        vat_number = identifiers.dutch_vat_number(rng, is_natural_person=is_natural_person)
        registration_number = identifiers.dutch_registration_number(rng)
    return Customer(
        customer_id=str(number),
        name=name,
        legal_form=form,
        country=country,
        language=rng.choices(languages, shares)[0],
        email=f"{mailbox}@{names.domain_of(stem)}" if has_email else None,
        phone=names.phone_number(rng, country) if has_post and chance(rng, 85) else None,
        street=address.street if has_post else None,
        postal_code=address.postal_code if has_post else None,
        city=address.city if has_post else None,
        ibans=tuple(iban for iban, _ in accounts),
        bics=tuple(bic for _, bic in accounts),
        vat_number=vat_number,
        registration_number=registration_number,
        is_natural_person=is_natural_person,
        parent_customer_id=None,
        account_manager=rng.choice(ACCOUNT_MANAGERS) if tier is not Tier.STANDARD else None,
        collector=rng.choice(COLLECTORS),
        payment_terms_days=30 if role is not Role.NONE else rng.choices((14, 30, 60), (30, 58, 12))[0],
        required_references=("order_number", "project_number")[: rng.choice((1, 1, 2))] if needs_order else (),
        credit_limit_cents=rng.randrange(5, 100) * 1_000_00 if chance(rng, 50) else None,
        risk_class=rng.choice(("A", "A", "B", "B", "C")) if chance(rng, 70) else None,
        risk_source=None,
        risk_on=None,
        size_class=None,
        department="Crediteurenadministratie" if tier is Tier.KEY else None,
        created_on=created_on,
    )


def profile_of(rng: random.Random, tier: Tier, role: Role) -> Profile:
    if role is not Role.NONE:
        return Profile.PUNCTUAL
    if tier is Tier.KEY:
        return rng.choice((Profile.PUNCTUAL, Profile.SPORADIC_LATE, Profile.HABITUAL_LATE))
    return rng.choices(tuple(Profile), (58, 26, 16))[0]


def make_behaviour(rng: random.Random, customer: Customer, tier: Tier, role: Role, turnover_cents: int) -> Behaviour:
    is_subscription = tier is Tier.STANDARD and chance(rng, 40)
    profile = profile_of(rng, tier, role)
    if tier is Tier.STANDARD:
        monthly_permille = 1000 if is_subscription else rng.choice((350, 500, 700, 850, 1100, 1400))
    else:
        monthly_permille = 13_000 if tier is Tier.KEY else 6_000
    debits = role in DIRECT_DEBIT_ROLES or (tier is Tier.STANDARD and role is Role.NONE and chance(rng, 14))
    if customer.country == "BE":
        pays_to = CODA_ACCOUNT.iban if chance(rng, 92) else CAMT_ACCOUNT.iban
    else:
        pays_to = CAMT_ACCOUNT.iban if chance(rng, 70) else MT940_ACCOUNT.iban
    return Behaviour(
        customer_id=customer.customer_id,
        tier=tier,
        role=role,
        profile=profile,
        mean_days_late=bell(rng, 20, 5) if profile is Profile.HABITUAL_LATE else -1,
        spread_days=rng.randint(3, 9) if profile is Profile.HABITUAL_LATE else 2,
        pay_weekday=rng.choice((1, 3, 4)) if tier is not Tier.STANDARD or chance(rng, 30) else None,
        uses_direct_debit=debits,
        structured_percent=75 if customer.country == "BE" else 40,
        pays_to_iban=pays_to,
        annual_turnover_cents=turnover_cents,
        monthly_invoice_permille=monthly_permille,
        is_subscription=is_subscription,
        discount_permille=20 if tier is Tier.STANDARD and not debits and role is Role.NONE and chance(rng, 6) else 0,
    )


def with_groups(seed: int, customers: list[Customer], behaviours: list[Behaviour]) -> list[Customer]:
    """Parents and subsidiaries: same family name, own accounts; the parent at times pays for the other."""
    rng = stream(seed, "groups")
    free = [
        index
        for index, (customer, behaviour) in enumerate(zip(customers, behaviours, strict=True))
        if behaviour.role is Role.NONE
        and not behaviour.uses_direct_debit
        and not customer.is_natural_person
        and customer.country == "NL"
        and behaviour.tier is Tier.STANDARD
    ]
    chosen = rng.sample(free, min(14, len(free) // 2 * 2))
    grouped = list(customers)
    for parent_index, child_index in zip(chosen[::2], chosen[1::2], strict=True):
        parent, child = grouped[parent_index], grouped[child_index]
        stem = parent.name.split()[0]
        trade = rng.choice([trade for trade in names.DUTCH_TRADES if trade not in parent.name])
        name = f"{stem} {trade} {child.legal_form}"
        grouped[child_index] = replace(
            child,
            name=name,
            parent_customer_id=parent.customer_id,
            email=f"administratie@{names.domain_of(f'{stem} {trade}')}" if child.email else None,
        )
    return grouped


def with_credit_facts(seed: int, customer: Customer, tier: Tier, until: date) -> Customer:
    """Who gave the risk class and when, and how large the customer is: as far as somebody wrote it down."""
    rng = stream(seed, "credit", customer.customer_id)
    days_ago = rng.choice((40, 120, 200, 320, 500, 900))
    is_dated = customer.risk_class is not None and not chance(rng, 10)
    may_be_large = not customer.is_natural_person and (tier is Tier.KEY or customer.payment_terms_days > 30)
    size = ("large" if may_be_large and chance(rng, 60) else "sme") if chance(rng, 75) else None
    return replace(
        customer,
        risk_source=rng.choice(CREDIT_AGENCIES) if is_dated else None,
        risk_on=max(until - timedelta(days=days_ago), customer.created_on) if is_dated else None,
        size_class=size,
    )


def make_mandates(seed: int, customers: list[Customer], behaviours: list[Behaviour]) -> tuple[Mandate, ...]:
    mandates = []
    for customer, behaviour in zip(customers, behaviours, strict=True):
        if not behaviour.uses_direct_debit:
            continue
        rng = stream(seed, "mandate", customer.customer_id)
        is_core = customer.is_natural_person or behaviour.role is not Role.NONE or chance(rng, 70)
        mandates.append(
            Mandate(
                mandate_id=f"M{customer.customer_id}-001",
                customer_id=customer.customer_id,
                scheme="CORE" if is_core else "B2B",
                iban=customer.ibans[0],
                bic=customer.bics[0],
                signed_on=customer.created_on + timedelta(days=rng.randint(1, 20)),
                is_active=True,
            )
        )
    return tuple(mandates)


def make_orders(seed: int, customers: list[Customer]) -> tuple[Order, ...]:
    """The purchase orders on file of customers who insist on one; project numbers only where they insist on those."""
    orders = []
    for customer in customers:
        rng = stream(seed, "orders", customer.customer_id)
        wants_project = "project_number" in customer.required_references
        for _ in range(6 if customer.required_references else 0):
            project = f"P{rng.randrange(1000, 9999)}" if wants_project else None
            orders.append(Order(customer.customer_id, f"PO{rng.randrange(450_000, 459_999)}", project))
    return tuple({(order.customer_id, order.order_number): order for order in orders}.values())


def build_portfolio(seed: int, customer_count: int, start_on: date, until: date) -> Portfolio:
    """All customers of the world. Raises ValueError when there are too few to cast every role."""
    if customer_count < SMALLEST_CUSTOMER_COUNT:
        raise ValueError(
            f"a world needs at least {SMALLEST_CUSTOMER_COUNT} customers to cast every role, not {customer_count}"
        )
    parts = tiers_and_roles(seed, customer_count)
    turnovers = yearly_turnovers(seed, [tier for tier, _ in parts])
    customers: list[Customer] = []
    behaviours: list[Behaviour] = []
    taken: set[str] = set()
    for index, ((tier, role), turnover) in enumerate(zip(parts, turnovers, strict=True)):
        rng = stream(seed, "customer", index)
        is_recent = tier is Tier.STANDARD and role is Role.NONE and chance(rng, 5)
        created_on = until - timedelta(days=70) if is_recent else start_on - timedelta(days=rng.randint(30, 2500))
        customer = make_customer(rng, 10_001 + index, tier, role, taken, created_on)
        customers.append(customer)
        behaviours.append(make_behaviour(rng, customer, tier, role, turnover))
    customers = [
        with_credit_facts(seed, customer, behaviour.tier, until)
        for customer, behaviour in zip(with_groups(seed, customers, behaviours), behaviours, strict=True)
    ]
    return Portfolio(
        customers=tuple(customers),
        behaviours=tuple(behaviours),
        mandates=make_mandates(seed, customers, behaviours),
        orders=make_orders(seed, customers),
    )
