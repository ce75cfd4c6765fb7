"""Five portfolios of invoices and the receipts that pay them, each receipt with what it truly pays.

Written apart from `simulation/`, on purpose: other numbering, other words, other habits, so that the rules are not judged
by the hand that fed them. Amounts are integer cents; a world follows from its seed alone.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

FIRST_DAY = date(2025, 9, 1)
LAST_DAY = date(2026, 10, 30)

# Shares of the ordinary noise, in thousandths of the receipts it is drawn for. A kind that a portfolio cannot have (a cash
# discount where none is given, lost zeros where there are none) is played, and counted, as a full reference.
ORDINARY_NOISE = {
    "full_reference": 580,
    "several_lumped": 80,
    "list_cut_off": 10,
    "digit_typo": 16,
    "transposition": 12,
    "look_alike": 12,
    "zeros_lost": 20,
    "prefix_lost": 18,
    "year_lost": 12,
    "number_split": 30,
    "partial": 40,
    "bank_costs": 12,
    "cash_discount": 20,
    "late_cash_discount": 8,
    "credit_netted": 20,
    "no_reference": 50,
    "customer_number": 6,
    "order_number": 4,
    "wrong_reference": 5,
    "paid_reference": 3,
    "foreign_reference": 2,
    "other_company": 8,
    "payment_provider": 6,
    "group_payer": 6,
    "collective": 10,
    "overpaid": 4,
    "double": 3,
    "prepayment": 3,
}

# What comes on top of it, in thousandths of all receipts: rarer, and none of it in the automatic rate.
BESIDE = {
    "returned": 5,
    "refund": 3,
    "other_currency": 3,
    "cent_rounding": 6,
    "false_number": 6,
    "loose_credit": 5,
}

# A careful reader with the text, the account, the amounts and the history cannot tell what these pay.
MISNAMED = frozenset({"wrong_reference", "paid_reference", "foreign_reference"})
UNKNOWABLE = MISNAMED | {"prepayment", "list_cut_off"}

LOOK_ALIKES = {"0": "O", "1": "I", "5": "S", "8": "B", "2": "Z"}


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What a creditor sells and how its documents are numbered. `reference` is the structured one it prints, if any."""

    name: str
    country: str
    reference: str  # '', 'OGM', 'RF' or 'CUR'
    structured_percent: int  # of receipts that carry the structured reference when there is one
    prices: tuple[int, ...]  # cents; empty: diverse amounts
    discount_permille: int
    groups_percent: int  # of customers that belong to a group with one payer
    known_iban_percent: int
    parts: Callable[[int, date], Parts]

    def number(self, serial: int, day: date) -> str:
        return "".join(self.parts(serial, day))


Parts = tuple[str, str, str, str]
"""Of a document number: its prefix, its year or month, what joins them to the serial number, and the serial number."""


def _yearly(serial: int, day: date) -> Parts:
    return "", f"{day.year}", "-", f"{serial:05d}"


def _prefixed(serial: int, day: date) -> Parts:
    return "VF", f"{day:%y}", "", f"{serial:06d}"


def _slashed(serial: int, day: date) -> Parts:
    return "F", f"{day:%y}", "/", f"{serial:05d}"


def _running(serial: int, _: date) -> Parts:
    return "", "", "", f"{70_000_000 + serial * 7}"


def _monthly(serial: int, day: date) -> Parts:
    return "INV-", f"{day:%Y%m}", "-", f"{serial:04d}"


PORTFOLIOS = (
    Portfolio("diverse", "NL", "", 0, (), 0, 4, 55, _yearly),
    Portfolio("equal_prices", "NL", "CUR", 20, (24_95, 49_95, 99_00, 149_00), 0, 4, 55, _prefixed),
    Portfolio("wholesale", "NL", "", 0, (), 20, 6, 55, _slashed),
    Portfolio("groups", "NL", "RF", 25, (), 0, 40, 60, _running),
    Portfolio("belgian", "BE", "OGM", 70, (), 0, 4, 55, _monthly),
)


@dataclass(frozen=True, slots=True)
class Customer:
    customer_id: str
    name: str
    account_name: str
    """As the bank tells it: seldom just as the creditor wrote it down."""
    ibans: tuple[str, ...]
    is_iban_known: bool
    parent_id: str | None
    days_late: int
    pays_monthly: bool
    is_regular: bool


@dataclass(slots=True)
class Document:
    """An invoice or, with negative cents, a credit note. `open_cents` is the truth as the receipts are played out."""

    invoice_id: str
    number: str
    customer: Customer
    issued_on: date
    due_on: date
    cents: int
    reference: str
    order_number: str | None
    serial: int
    open_cents: int = 0
    credits: str | None = None
    currency: str = "EUR"
    granted_cents: int = 0
    """Of what is open: what the creditor will not ask for (a discount taken in time, a cent of rounding)."""

    @property
    def owed_cents(self) -> int:
        return self.open_cents - self.granted_cents


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money on the account, and the truth about it: `pays` holds (invoice id, cents), `customer_id` whose it is, when one's."""

    booked_on: date
    cents: int
    currency: str
    payer_name: str
    payer_iban: str
    text: str
    wraps: tuple[int, ...]
    structured: str | None
    noise: str
    pays: tuple[tuple[str, int], ...]
    customer_id: str | None
    is_knowable: bool
    is_return: bool = False
    end_to_end_id: str | None = None
    is_other_currency: bool = False
    """Pays an invoice in another currency than its own, `pays` being in the invoice's: never to be placed unasked."""


@dataclass(slots=True)
class World:
    company_id: str
    portfolio: Portfolio
    customers: list[Customer] = field(default_factory=list)
    documents: dict[str, Document] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    account_iban: str = ""
    cuts: tuple[date, ...] = ()
    """First days of the statements after the first, when the receipts come in more than one file."""


def iban(country: str, bank: str, number: int) -> str:
    """An IBAN with valid check digits (ISO 13616)."""
    body = f"{bank}{number:010d}" if country == "NL" else _belgian(number)
    digits = "".join(str(int(sign, 36)) for sign in f"{body}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{body}"


def _belgian(number: int) -> str:
    body = f"{number % 10**10:010d}"
    return f"{body}{int(body) % 97 or 97:02d}"


def structured_reference(kind: str, serial: int) -> str:
    """OGM (mod 97), RF (ISO 11649) or a Dutch betalingskenmerk of 16 digits (mod 11), over a running number."""
    if kind == "OGM":
        body = f"{3_000_000_000 + serial * 13}"[:10]
        return f"{body}{int(body) % 97 or 97:02d}"
    if kind == "RF":
        body = f"K{serial:07d}"
        digits = "".join(str(int(sign, 36)) for sign in f"{body}RF00")
        return f"RF{98 - int(digits) % 97:02d}{body}"
    if kind == "CUR":
        body = f"{40_000_000_000_000 + serial * 11:015d}"
        weights = (2, 4, 8, 5, 10, 9, 7, 3, 6, 1)
        total = sum(int(digit) * weights[place % 10] for place, digit in enumerate(reversed(body)))
        check = 11 - total % 11
        return f"{ {10: 1, 11: 0}.get(check, check) }{body}"
    return ""


OPENINGS = (
    "",
    "",
    "factuur ",
    "fact.nr. ",
    "Betr. ",
    "Nota ",
    "voldaan: ",
    "Facture n° ",
    "Re: invoice ",
    "onze betaling ",
)
CLOSINGS = (
    "",
    "",
    "",
    " dd {day:%d.%m.%Y}",
    " mvg",
    " - {name}",
    " tel 0{phone}",
    " klantnr {customer}",
    " PO {order}",
)
EMPTY_TEXTS = (
    "",
    "betaling",
    "zie mail",
    "diverse facturen",
    "paiement",
    "maandelijkse betaling",
    "crediteuren run 14",
)


class _Maker:
    """Plays one portfolio of one seed."""

    def __init__(self, portfolio: Portfolio, seed: int, customers: int, invoices_each: int) -> None:
        self.rng = random.Random(f"{portfolio.name}/{seed}")
        self.world = World(f"{portfolio.name}-{seed}", portfolio)
        self.world.account_iban = iban(portfolio.country, "RABO", self.rng.randrange(10**9, 10**10))
        self.later: dict[date, list[Callable[[], None]]] = defaultdict(list)
        self.of_customer: dict[str, list[Document]] = defaultdict(list)
        self.seen_accounts: set[tuple[str, str]] = set()
        self.size, self.each = customers, invoices_each
        # Accounts that pay for many: never a customer's own.
        self.provider = ("Stg. Derdengelden Snelbetaal", iban("NL", "INGB", self.rng.randrange(10**9)))

    def play(self) -> World:
        self.make_customers()
        self.make_documents()
        self.make_receipts()
        self.world.receipts.sort(
            key=lambda receipt: (receipt.booked_on, receipt.payer_iban, receipt.cents, receipt.text)
        )
        return self.world

    def make_customers(self) -> None:
        rng, portfolio = self.rng, self.world.portfolio
        parent: str | None = None
        for place in range(self.size):
            in_group = rng.randrange(100) < portfolio.groups_percent
            parent = parent if in_group and parent and rng.randrange(3) else None
            number = 100_000 + place * 37 + rng.randrange(30)
            ibans = tuple(
                iban(portfolio.country, rng.choice(("ABNA", "INGB", "RABO")), rng.randrange(10**9, 10**10))
                for _ in range(2 if rng.randrange(100) < 12 else 1)
            )
            name = f"{rng.choice(WORDS)} {rng.choice(TRADES)} {rng.choice(('B.V.', 'BV', 'VOF', 'NV', 'B.V.'))}"
            customer = Customer(
                customer_id=f"D{number}",
                name=name,
                account_name=self.at_the_bank(name),
                ibans=ibans,
                is_iban_known=rng.randrange(100) < portfolio.known_iban_percent,
                parent_id=parent,
                days_late=rng.choice((-3, 0, 0, 1, 2, 4, 7, 12, 20)),
                pays_monthly=rng.randrange(100) < 15,
                is_regular=rng.randrange(100) < 50,
            )
            if parent is None:
                parent = customer.customer_id if in_group else None
            self.world.customers.append(customer)

    def at_the_bank(self, name: str) -> str:
        rng = self.rng
        short = name.rsplit(" ", 1)[0]
        owner = f"{rng.choice(('J.', 'M.A.', 'C.', 'P.J.'))} {rng.choice(('Jansen', 'Willems', 'Maes', 'Kok'))}"
        return rng.choices((name, name.upper().replace(".", ""), short, owner), (50, 25, 15, 10))[0]

    def make_documents(self) -> None:
        rng, portfolio = self.rng, self.world.portfolio
        days = (LAST_DAY - FIRST_DAY).days
        drafts = []
        for customer in self.world.customers:
            price = rng.choice(portfolio.prices) if portfolio.prices else 0
            regular = bool(price) or rng.randrange(100) < 15
            usual = price or rng.randrange(120_00, 900_00)
            start = rng.randrange(28)
            for turn in range(self.each):
                if regular:
                    day = FIRST_DAY + timedelta(days=min(start + turn * days // self.each, days))
                    cents = usual
                else:
                    day = FIRST_DAY + timedelta(days=rng.randrange(days))
                    cents = int(rng.lognormvariate(6.2, 1.1) * 100) + 500
                drafts.append((day, customer, cents))
        drafts.sort(key=lambda draft: (draft[0], draft[1].customer_id, draft[2]))
        for serial, (day, customer, cents) in enumerate(drafts, start=11):
            due = day + timedelta(days=rng.choice((14, 30, 30, 30, 45)))
            document = Document(
                invoice_id=f"I{serial}",
                number=portfolio.number(serial, day),
                customer=customer,
                issued_on=day,
                due_on=due,
                cents=cents,
                reference=structured_reference(portfolio.reference, serial),
                order_number=f"45{rng.randrange(10**6, 10**7)}" if rng.randrange(100) < 30 else None,
                serial=serial,
                open_cents=cents,
            )
            self.add(document)

    def add(self, document: Document) -> None:
        self.world.documents[document.invoice_id] = document
        self.of_customer[document.customer.customer_id].append(document)

    # -- paying ------------------------------------------------------------------------------------------------------

    def make_receipts(self) -> None:
        rng = self.rng
        agenda: dict[date, list[Document]] = defaultdict(list)
        for document in self.world.documents.values():
            if rng.randrange(100) < 4:
                continue  # never paid within this world
            day = document.due_on + timedelta(days=document.customer.days_late + self.whim(document.customer))
            if document.customer.pays_monthly:
                day = day.replace(day=28)
            day = max(day, document.issued_on + timedelta(days=2))
            agenda[day].append(document)
        ordinary = list(ORDINARY_NOISE), list(ORDINARY_NOISE.values())
        beside = list(BESIDE), list(BESIDE.values())
        names = Counter(_plain_name(customer.name) for customer in self.world.customers)
        self.unmistakable = {name for name, count in names.items() if count == 1}
        for number in range((LAST_DAY - FIRST_DAY).days + 1):
            day = FIRST_DAY + timedelta(days=number)
            for happening in self.later.pop(day, []):
                happening()
            for document in agenda[day]:
                if document.open_cents <= 0:
                    continue
                kinds, shares = beside if rng.randrange(1000) < sum(BESIDE.values()) else ordinary
                noise = rng.choices(kinds, shares)[0]
                getattr(self, f"_{noise}", self._plain)(self.bank_day(day), document, noise)

    def whim(self, customer: Customer) -> int:
        """Days off a customer's habit: few for half of them, a fortnight is nothing to the others, and now and then an
        invoice lies on a desk for weeks."""
        rng = self.rng
        days = rng.randint(-2, 3) if customer.is_regular else round(rng.gauss(0, 9))
        return days + (rng.randint(10, 70) if rng.randrange(100) < 7 else 0)

    def bank_day(self, day: date) -> date:
        return day + timedelta(days=max(0, 7 - day.isoweekday()) + 1 if day.isoweekday() > 5 else 0)

    def waiting(self, document: Document, day: date) -> list[Document]:
        """What else this customer has open and issued, oldest first."""
        return sorted(
            (
                other
                for other in self.of_customer[document.customer.customer_id]
                if other.open_cents > 0 and other.issued_on < day
            ),
            key=lambda other: (other.due_on, other.invoice_id),
        )

    def is_told_apart(self, document: Document, day: date, iban: str) -> bool:
        """Whether who pays and how much leave one invoice, without any number: an account that the creditor was told of or
        has seen a named payment from, or else a name no other customer has, and one open invoice of the amount."""
        customer = document.customer
        is_known = (customer.is_iban_known and iban == customer.ibans[0]) or (
            (customer.customer_id, iban) in self.seen_accounts
        )
        says_name = customer.account_name.upper().startswith(_plain_name(customer.name))
        is_known = is_known or (says_name and _plain_name(customer.name) in self.unmistakable)
        equals = [other for other in self.waiting(document, day) if other.open_cents == document.open_cents]
        return is_known and len(equals) == 1 and len(self.family(customer)) == 1

    def pay(
        self,
        day: date,
        noise: str,
        paid: list[tuple[Document, int]],
        text: str,
        *,
        cents: int | None = None,
        structured: str | None = None,
        payer: tuple[str, str] | None = None,
        wraps: tuple[int, ...] = (),
        knowable: bool = True,
        end_to_end: str | None = None,
        is_other_currency: bool = False,
    ) -> None:
        if day > LAST_DAY:
            return
        customer = paid[0][0].customer if paid else None
        if payer is None:
            assert customer is not None
            payer = customer.account_name, self.rng.choice(customer.ibans)
        for document, amount in paid:
            document.open_cents -= amount
        customers = {document.customer.customer_id for document, _ in paid}
        if noise in ("full_reference", "several_lumped") and len(customers) == 1:
            self.seen_accounts.add((min(customers), payer[1]))
        self.world.receipts.append(
            Receipt(
                booked_on=day,
                cents=sum(amount for _, amount in paid) if cents is None else cents,
                currency="EUR",
                payer_name=payer[0],
                payer_iban=payer[1],
                text=" ".join(text.split()),
                wraps=wraps,
                structured=structured,
                noise=noise,
                pays=tuple((document.invoice_id, amount) for document, amount in paid),
                customer_id=customers.pop() if len(customers) == 1 else None,
                is_knowable=knowable,
                is_return=noise == "returned" and sum(amount for _, amount in paid) < 0,
                end_to_end_id=end_to_end,
                is_other_currency=is_other_currency,
            )
        )

    def wrapped(self, number: str, document: Document) -> str:
        """A number as payers write it, with words around it and now and then a number of another kind beside it."""
        rng = self.rng
        closing = rng.choice(CLOSINGS).format(
            day=document.issued_on,
            name=document.customer.name,
            phone=rng.randrange(10**8, 10**9),
            customer=document.customer.customer_id,
            order=document.order_number or "nvt",
        )
        return f"{rng.choice(OPENINGS)}{number}{closing}"

    def _plain(self, day: date, document: Document, noise: str, number: str | None = None, **more: object) -> None:
        rng, portfolio = self.rng, self.world.portfolio
        knowable = noise not in UNKNOWABLE
        if number is None and document.reference and rng.randrange(100) < portfolio.structured_percent:
            self.pay(
                day, noise, [(document, document.open_cents)], "", structured=document.reference, knowable=knowable
            )
            return
        self.pay(
            day,
            noise,
            [(document, document.open_cents)],
            self.wrapped(number or document.number, document),
            knowable=knowable,
            **more,  # type: ignore[arg-type]
        )

    def _several_lumped(self, day: date, document: Document, noise: str) -> None:
        others = [other for other in self.waiting(document, day) if other is not document][: self.rng.randint(1, 4)]
        listed = [document, *others]
        joint = self.rng.choice((", ", " ", " en ", "+", " / ", ";"))
        self.pay(
            day,
            noise if others else "full_reference",
            [(each, each.open_cents) for each in listed],
            self.rng.choice(OPENINGS) + joint.join(each.number for each in listed),
        )

    def _list_cut_off(self, day: date, document: Document, noise: str) -> None:
        waiting = self.waiting(document, day)
        if len(waiting) < 3:
            self._plain(day, document, "full_reference")
            return
        listed = waiting[:5]
        # The whole list adds up to everything the customer has due: then it is knowable after all.
        text = f"fact. {listed[0].number}, {listed[1].number} e.a."
        self.pay(day, noise, [(each, each.open_cents) for each in listed], text, knowable=len(listed) == len(waiting))

    def damaged(self, number: str, how: str) -> str:
        rng = self.rng
        digits = [place for place, sign in enumerate(number) if sign.isdigit()][-5:]
        if how == "transposition":
            swaps = [place for place in digits[:-1] if number[place] != number[place + 1]]
            if swaps:
                at = rng.choice(swaps)
                return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
        if how == "look_alike":
            likes = [place for place in digits if number[place] in LOOK_ALIKES]
            if likes:
                at = rng.choice(likes)
                return number[:at] + LOOK_ALIKES[number[at]] + number[at + 1 :]
        at = rng.choice(digits)
        return number[:at] + str((int(number[at]) + rng.randint(1, 9)) % 10) + number[at + 1 :]

    def _digit_typo(self, day: date, document: Document, noise: str) -> None:
        self._plain(day, document, noise, self.damaged(document.number, noise))

    _transposition = _look_alike = _digit_typo

    def _part_lost(self, day: date, document: Document, noise: str) -> None:
        prefix, year, joint, serial = self.world.portfolio.parts(document.serial, document.issued_on)
        number = {
            "zeros_lost": prefix + year + joint + serial.lstrip("0"),
            "prefix_lost": year + joint + serial,
            "year_lost": prefix + serial if year else document.number,
        }[noise]
        self._plain(day, document, noise if number != document.number else "full_reference", number)

    _zeros_lost = _prefix_lost = _year_lost = _part_lost

    def _number_split(self, day: date, document: Document, noise: str) -> None:
        number = document.number
        cut = self.rng.randint(max(2, len(number) - 5), len(number) - 2)
        opening = self.rng.choice(OPENINGS)
        if self.rng.randrange(2):
            self.pay(day, noise, [(document, document.open_cents)], f"{opening}{number[:cut]} {number[cut:]}")
            return
        start = " ".join(f"{opening}{number[:cut]}".split())
        self.pay(day, noise, [(document, document.open_cents)], start + number[cut:], wraps=(len(start),))

    def _partial(self, day: date, document: Document, noise: str) -> None:
        part = document.open_cents * self.rng.choice((25, 33, 50, 50, 75)) // 100
        text = self.wrapped(document.number, document) + self.rng.choice(
            ("", " deelbetaling", " 1e deel", " rest volgt")
        )
        self.pay(day, noise, [(document, max(part, 1))], text)

    def _bank_costs(self, day: date, document: Document, noise: str) -> None:
        costs = self.rng.choice((2_50, 5_00, 7_50, 12_00, 15_00))
        if document.open_cents < 20 * costs:
            self._plain(day, document, "full_reference")
            return
        self.pay(day, noise, [(document, document.open_cents - costs)], self.wrapped(document.number, document))

    def _cash_discount(self, day: date, document: Document, noise: str) -> None:
        permille = self.world.portfolio.discount_permille
        if not permille or document.open_cents != document.cents:
            self._plain(day, document, "full_reference")
            return
        days = 8 if noise == "cash_discount" else 25
        paid_on = self.bank_day(document.issued_on + timedelta(days=days - 2))
        off = document.cents * permille // 1000
        document.granted_cents = off if noise == "cash_discount" else 0
        self.pay(paid_on, noise, [(document, document.cents - off)], self.wrapped(document.number, document))

    _late_cash_discount = _cash_discount

    def _credit_netted(self, day: date, document: Document, noise: str) -> None:
        amount = max(document.open_cents * self.rng.choice((10, 20, 35)) // 100, 1)
        issued = document.issued_on + timedelta(days=self.rng.randint(1, 5))
        if amount >= document.open_cents or issued >= day:
            self._plain(day, document, "full_reference")
            return
        credit = self.credit_note(document.customer, issued, amount, document.number)
        number = credit.number
        credit.open_cents = 0
        document.open_cents -= amount
        text = self.rng.choice(("{} -/- {}", "{} minus CN {}", "{} min credit {}")).format(document.number, number)
        if self.rng.randrange(100) < 40:
            text = self.wrapped(document.number, document)
        self.pay(day, noise, [(document, document.open_cents)], text)

    def credit_note(self, customer: Customer, day: date, cents: int, credits: str | None) -> Document:
        serial = len(self.world.documents) + 90_000
        number = self.world.portfolio.number(serial, day)
        credit = Document(f"C{serial}", number, customer, day, day, -cents, "", None, serial, -cents, credits)
        self.add(credit)
        return credit

    def _loose_credit(self, day: date, document: Document, noise: str) -> None:
        """A credit note that names no invoice, netted by the payer, who mostly says so."""
        amount = max(document.open_cents * self.rng.choice((10, 20, 35)) // 100, 1)
        issued = document.issued_on + timedelta(days=self.rng.randint(1, 5))
        if amount >= document.open_cents or issued >= day:
            self._plain(day, document, "full_reference")
            return
        credit = self.credit_note(document.customer, issued, amount, None)
        text = self.wrapped(document.number, document)
        if self.rng.randrange(100) < 70:
            text = self.rng.choice(("{} -/- {}", "{} minus CN {}", "{} min credit {}")).format(
                document.number, credit.number
            )
        self.pay(day, noise, [(document, document.open_cents), (credit, credit.open_cents)], text)

    def _refund(self, day: date, document: Document, noise: str) -> None:
        """A credit note paid out; the document itself is paid as it should be."""
        customer = document.customer
        self._plain(day, document, "full_reference")
        paid_out = self.bank_day(day + timedelta(days=self.rng.randint(3, 15)))
        if paid_out <= LAST_DAY:
            credit = self.credit_note(customer, day, self.rng.randrange(20_00, 400_00), None)
            self.pay(paid_out, noise, [(credit, credit.open_cents)], f"terugbetaling creditnota {credit.number}")

    def _returned(self, day: date, document: Document, noise: str) -> None:
        """Paid, and taken back by the bank after some days; most pay again."""
        rng, amount = self.rng, document.open_cents
        payer = document.customer.account_name, rng.choice(document.customer.ibans)
        reference = f"RUN{rng.randrange(10**9)}" if rng.randrange(2) else None
        text = self.wrapped(document.number, document)
        self.pay(day, noise, [(document, amount)], text, payer=payer, end_to_end=reference)
        back = self.bank_day(day + timedelta(days=rng.randint(2, 40)))

        def take_back() -> None:
            says = f"RETOUR {text}" if reference is None or rng.randrange(2) else "RETOUR"
            self.pay(back, noise, [(document, -amount)], says, payer=payer, end_to_end=reference)
            again = self.bank_day(back + timedelta(days=rng.randint(3, 20)))
            if rng.randrange(100) < 70:
                self.later[again].append(lambda: self._plain(again, document, "full_reference"))

        self.later[back].append(take_back)

    def _other_currency(self, day: date, document: Document, noise: str) -> None:
        """An invoice in dollars paid in euros, now and then with the same figure."""
        if document.open_cents != document.cents:
            self._plain(day, document, "full_reference")
            return
        document.currency = "USD"
        rate = self.rng.choice((100, 87, 93))
        text = self.wrapped(document.number, document)
        due = document.open_cents
        self.pay(day, noise, [(document, due)], text, cents=due * rate // 100, is_other_currency=True)

    def _cent_rounding(self, day: date, document: Document, noise: str) -> None:
        """A cent or two more or less: the sum of VAT per line is not VAT of the sum."""
        due, off = document.open_cents, self.rng.choice((-2, -1, 1, 2))
        text = self.wrapped(document.number, document)
        document.granted_cents = max(-off, 0)
        self.pay(day, noise, [(document, due + min(off, 0))], text, cents=due + off)

    def _false_number(self, day: date, document: Document, noise: str) -> None:
        """No number of ours, but one of another kind that reads like the number of somebody else's open invoice."""
        others = [
            other
            for other in self.world.documents.values()
            if other.open_cents > 0 and other.issued_on < day and other.customer is not document.customer
        ]
        if not others:
            self._no_reference(day, document, "no_reference")
            return
        digits = "".join(sign for sign in self.rng.choice(others).number if sign.isdigit())
        text = self.rng.choice(("order {}", "PO {}", "tel. 0{}", "uw offerte {}", "contract {}")).format(digits)
        self._unnamed(day, document, noise, text)

    def _no_reference(self, day: date, document: Document, noise: str) -> None:
        self._unnamed(day, document, noise, self.rng.choice(EMPTY_TEXTS))

    def _unnamed(self, day: date, document: Document, noise: str, text: str) -> None:
        payer = document.customer.account_name, self.rng.choice(document.customer.ibans)
        knowable = self.is_told_apart(document, day, payer[1])
        self.pay(day, noise, [(document, document.open_cents)], text, payer=payer, knowable=knowable)

    def _customer_number(self, day: date, document: Document, noise: str) -> None:
        equals = [
            each
            for each in self.waiting(document, day)
            if each is not document and each.open_cents == document.open_cents
        ]
        text = f"{self.rng.choice(('klantnummer', 'debiteur', 'uw ref.'))} {document.customer.customer_id}"
        self.pay(day, noise, [(document, document.open_cents)], text, knowable=not equals)

    def _order_number(self, day: date, document: Document, noise: str) -> None:
        if document.order_number is None:
            self._customer_number(day, document, "customer_number")
            return
        self.pay(day, noise, [(document, document.open_cents)], f"order {document.order_number}")

    def _wrong_reference(self, day: date, document: Document, noise: str) -> None:
        """The number of another open invoice of the same customer."""
        others = [other for other in self.waiting(document, day) if other is not document]
        self._misnamed(day, document, noise, others)

    def _paid_reference(self, day: date, document: Document, noise: str) -> None:
        paid = [
            other
            for other in self.of_customer[document.customer.customer_id]
            if other.open_cents == 0 and other.cents > 0
        ]
        self._misnamed(day, document, noise, paid)

    def _foreign_reference(self, day: date, document: Document, noise: str) -> None:
        others = list(self.world.documents.values())
        self._misnamed(day, document, noise, [other for other in self.rng.sample(others, 5) if other.issued_on < day])

    def _misnamed(self, day: date, document: Document, noise: str, others: list[Document]) -> None:
        if not others:
            self._plain(day, document, "full_reference")
            return
        self._plain(day, document, noise, self.rng.choice(others).number)

    def _other_company(self, day: date, document: Document, noise: str) -> None:
        payer = (f"{self.rng.choice(WORDS)} Holding B.V.", iban("NL", "KNAB", self.rng.randrange(10**9, 10**10)))
        self._plain(day, document, noise, document.number, payer=payer)

    def _payment_provider(self, day: date, document: Document, noise: str) -> None:
        self._plain(day, document, noise, document.number, payer=self.provider)

    def _group_payer(self, day: date, document: Document, noise: str) -> None:
        family = self.family(document.customer)
        if len(family) < 2:
            self._plain(day, document, "full_reference")
            return
        payer = family[0] if family[0] is not document.customer else family[1]
        self._plain(day, document, noise, document.number, payer=(payer.account_name, payer.ibans[0]))

    def family(self, customer: Customer) -> list[Customer]:
        head = customer.parent_id or customer.customer_id
        return [each for each in self.world.customers if head in (each.customer_id, each.parent_id)]

    def _collective(self, day: date, document: Document, noise: str) -> None:
        """One transfer for invoices of two customers, each of them named."""
        family = [each for each in self.family(document.customer) if each is not document.customer]
        others = [
            other
            for other in self.world.documents.values()
            if other.open_cents > 0
            and other.issued_on < day
            and (other.customer in family if family else other.customer is not document.customer)
        ]
        if not others:
            self._plain(day, document, "full_reference")
            return
        other = self.rng.choice(others)
        text = f"{document.number} {document.customer.name}, {other.number} {other.customer.name}"
        self.pay(day, noise, [(document, document.open_cents), (other, other.open_cents)], text)

    def _overpaid(self, day: date, document: Document, noise: str) -> None:
        more = document.open_cents + self.rng.choice((1, 10_00, 121_00))
        self.pay(day, noise, [(document, document.open_cents)], self.wrapped(document.number, document), cents=more)

    def _double(self, day: date, document: Document, noise: str) -> None:
        amount = document.open_cents
        text = self.wrapped(document.number, document)
        payer = (document.customer.account_name, document.customer.ibans[0])
        self.pay(day, "full_reference", [(document, amount)], text, payer=payer)
        again = self.bank_day(day + timedelta(days=self.rng.randint(1, 6)))
        self.receive(again, noise, amount, text, payer, document.customer)

    def _prepayment(self, day: date, document: Document, noise: str) -> None:
        payer = (document.customer.account_name, document.customer.ibans[0])
        self._plain(day, document, "full_reference")
        amount = self.rng.randrange(100_00, 900_00)
        self.receive(self.bank_day(day), noise, amount, "voorschot nieuwe opdracht", payer, document.customer)

    def receive(self, day: date, noise: str, cents: int, text: str, payer: tuple[str, str], customer: Customer) -> None:
        """Money that pays nothing that is open."""
        if day <= LAST_DAY:
            self.world.receipts.append(
                Receipt(day, cents, "EUR", *payer, text, (), None, noise, (), customer.customer_id, False)
            )


def _plain_name(name: str) -> str:
    """A name without its legal form."""
    return " ".join(name.upper().replace(".", "").split()[:-1])


WORDS = (
    "Zonnehoek", "De Linden", "Waterkant", "Noorderlicht", "Van Dongen", "Peeters", "Bakker", "Vermeer", "Merelveld",
    "Oosterwold", "Kastanje", "De Vries", "Hoogland", "Brouwer", "Smeets", "Dijkzicht", "Lambrecht", "Claes", "Mertens",
)  # fmt: skip
TRADES = (
    "Techniek", "Transport", "Interieur", "Bouw", "Logistiek", "Installaties", "Media", "Groothandel", "Advies", "Food",
)  # fmt: skip


def make_world(portfolio: Portfolio, seed: int, *, customers: int = 300, invoices_each: int = 14) -> World:
    """One portfolio, played from its first to its last day."""
    return _Maker(portfolio, seed, customers, invoices_each).play()
