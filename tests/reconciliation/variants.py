"""One world told in several ways that must not matter, each as a company of its own, so that one build tries all of them."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from benchmarks.matching.score import Outcome
from benchmarks.matching.worlds import (
    FIRST_DAY,
    PORTFOLIOS,
    TRADES,
    WORDS,
    Receipt,
    World,
    iban,
    make_world,
)

SEED = 201
CUSTOMERS, INVOICES_EACH = 50, 12
TOLD = ("diverse", "equal_prices", "groups")

# Short or over by an amount that does not grow with the invoice: tolerances in euros have no scale.
ABSOLUTE_NOISE = {"bank_costs", "cent_rounding", "overpaid"}
SCALE = 7


@dataclass(slots=True)
class Variant:
    """A world, and for each of its receipts which one of the first telling it is (of somebody else's: none)."""

    world: World
    origin: dict[int, int]
    scale: int = 1

    def allocations(self, outcomes: Mapping[str, Outcome], receipts: Mapping[str, Receipt]) -> Counter[object]:
        """What was placed where, in cents of the first telling. Receipts that say the same are one and the same."""
        mine = {id(receipt) for receipt in self.world.receipts}
        return Counter(
            (self.origin[id(receipt)], invoice_id, cents / self.scale, outcomes[key].rules[invoice_id])
            for key, receipt in receipts.items()
            if id(receipt) in mine and id(receipt) in self.origin
            for invoice_id, cents in outcomes[key].placed.items()
        )


def first_telling(name: str) -> World:
    portfolio = next(each for each in PORTFOLIOS if each.name == name)
    return make_world(portfolio, SEED, customers=CUSTOMERS, invoices_each=INVOICES_EACH)


def origin_of(told: World, first: World) -> dict[int, int]:
    """By the place of each receipt in the first telling; twins share the place of the first of them."""
    places: dict[Receipt, int] = {}
    for place, receipt in enumerate(first.receipts):
        places.setdefault(_said(receipt), place)
    return {id(now): places[_said(was)] for now, was in zip(told.receipts, first.receipts, strict=True)}


def _said(receipt: Receipt) -> Receipt:
    """All that the bank tells of a receipt."""
    return replace(receipt, noise="", pays=(), customer_id=None, is_knowable=True, is_other_currency=False)


def retold(first: World, how: str, number: int) -> World:
    world = copy.deepcopy(first)
    world.company_id = f"{first.portfolio.name}-{how}"
    world.account_iban = iban("NL", "TRIO", number)
    return world


def as_it_is(first: World, number: int) -> Variant:
    world = retold(first, "as_it_is", number)
    return Variant(world, origin_of(world, first))


def shuffled(first: World, number: int) -> Variant:
    """Rows in any order, receipts over six statements of which the latest lands first."""
    world = retold(first, "shuffled", number)
    origin = origin_of(world, first)
    rng = random.Random(number)
    rng.shuffle(world.receipts)
    documents = list(world.documents.items())
    rng.shuffle(documents)
    world.documents = dict(documents)
    rng.shuffle(world.customers)
    world.cuts = tuple(FIRST_DAY + timedelta(days=70 * turn) for turn in range(1, 6))
    return Variant(world, origin)


def among_others(first: World, number: int) -> Variant:
    """With as many other customers, who have nothing to do with these."""
    world = retold(first, "among_others", number)
    origin = origin_of(world, first)
    other = first_telling("belgian" if first.portfolio.name != "belgian" else "wholesale")
    for customer in other.customers:
        other_id = f"X{customer.customer_id}"
        parent = f"X{customer.parent_id}" if customer.parent_id else None
        world.customers.append(replace(customer, customer_id=other_id, parent_id=parent))
    theirs = {customer.customer_id: customer for customer in world.customers}
    for document in other.documents.values():
        key = f"X{document.invoice_id}"
        owner = theirs[f"X{document.customer.customer_id}"]
        world.documents[key] = replace(document, invoice_id=key, customer=owner)
    for receipt in other.receipts:
        pays = tuple((f"X{key}", cents) for key, cents in receipt.pays)
        world.receipts.append(replace(receipt, pays=pays))
    return Variant(world, origin)


def renamed(first: World, number: int) -> Variant:
    """Everybody under another name, as alike and as different as before."""
    world = retold(first, "renamed", number)
    words = dict(zip(WORDS, WORDS[5:] + WORDS[:5], strict=True))
    trades = dict(zip(TRADES, TRADES[3:] + TRADES[:3], strict=True))
    names = {
        f"{word} {trade} {form}": f"{words[word]} {trades[trade]} {form}"
        for word in WORDS
        for trade in TRADES
        for form in ("B.V.", "BV", "VOF", "NV")
    } | {f"{word} Holding B.V.": f"{words[word]} Holding B.V." for word in WORDS}
    shapes: dict[str, str] = {}
    for name, other in names.items():
        for shape in (str, _without_dots, _without_form):
            shapes[shape(name)] = shape(other)
    world.customers = [
        replace(
            customer,
            name=names[customer.name],
            account_name=shapes.get(customer.account_name, customer.account_name),
        )
        for customer in world.customers
    ]
    world.receipts = [
        replace(receipt, payer_name=shapes.get(receipt.payer_name, receipt.payer_name), text=_swap(receipt.text, names))
        for receipt in world.receipts
    ]
    theirs = {customer.customer_id: customer for customer in world.customers}
    world.documents = {
        key: replace(document, customer=theirs[document.customer.customer_id])
        for key, document in world.documents.items()
    }
    return Variant(world, origin_of(world, first))


def _without_dots(name: str) -> str:
    return name.upper().replace(".", "")


def _without_form(name: str) -> str:
    return name.rsplit(" ", 1)[0]


def _swap(text: str, names: Mapping[str, str]) -> str:
    """Every name in the text at once, so that none is renamed twice."""
    found = sorted((name for name in names if name in text), key=len, reverse=True)
    for place, name in enumerate(found):
        text = text.replace(name, f"\0{place}\0")
    for place, name in enumerate(found):
        text = text.replace(f"\0{place}\0", names[name])
    return text


def without_absolute(first: World, number: int) -> Variant:
    """Without the receipts whose difference has no scale: what `scaled` is held against."""
    world = retold(first, "unscaled", number)
    origin = origin_of(world, first)
    world.receipts = [receipt for receipt in world.receipts if receipt.noise not in ABSOLUTE_NOISE]
    return Variant(world, origin)


def scaled(first: World, number: int) -> Variant:
    """The same with every amount sevenfold."""
    world = retold(first, "scaled", number)
    kept, origin = [], {}
    places = origin_of(world, first)
    for receipt in world.receipts:
        if receipt.noise not in ABSOLUTE_NOISE:
            larger = replace(
                receipt,
                cents=receipt.cents * SCALE,
                pays=tuple((key, cents * SCALE) for key, cents in receipt.pays),
            )
            origin[id(larger)] = places[id(receipt)]
            kept.append(larger)
    world.receipts = kept
    for document in world.documents.values():
        document.cents *= SCALE
    return Variant(world, origin, SCALE)


TELLINGS = {
    "as_it_is": as_it_is,
    "shuffled": shuffled,
    "among_others": among_others,
    "renamed": renamed,
    "unscaled": without_absolute,
    "scaled": scaled,
}


def all_tellings() -> dict[tuple[str, str], Variant]:
    """Every variant of every portfolio told, by portfolio and telling."""
    variants = {}
    for row, name in enumerate(TOLD):
        first = first_telling(name)
        for column, (how, tell) in enumerate(TELLINGS.items()):
            variants[name, how] = tell(first, 10 * row + column + 1)
    return variants
