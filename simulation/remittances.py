"""What payers type. The noise classes are those of ordinary bank statements, one function for each."""

import random
import re
from itertools import pairwise

from simulation.model import Customer, Invoice
from simulation.streams import chance

LOOK_ALIKES = {"0": "O", "1": "I", "5": "S", "8": "B"}
SINGLE = {
    "nl": ("Factuur {}", "factuurnr {}", "{}", "Betaling factuur {}", "FACT. {}", "Uw factuur {} dank"),
    "fr": ("Facture {}", "FACT {}", "Paiement facture {}", "{}", "Votre facture {}"),
    "en": ("Invoice {}", "Inv. {}", "{}", "Payment invoice {}"),
}
SEVERAL = {"nl": "Facturen {}", "fr": "Factures {}", "en": "Invoices {}"}
SAYS_NOTHING = {
    "nl": ("Betaling", "Uw rekening", "Zie specificatie per mail", "Betaalrun crediteuren", ""),
    "fr": ("Paiement", "Selon relevé", "Voir mail", ""),
    "en": ("Payment", "As agreed", "See remittance advice by mail", ""),
}
LESS_CREDIT = {"nl": "{} minus creditnota {}", "fr": "{} moins note de credit {}", "en": "{} less credit note {}"}
INSTALMENT = {"nl": "Betalingsregeling {} termijn {}", "fr": "Plan de paiement {} terme {}", "en": "Plan {} part {}"}


def words(customer: Customer, table: dict[str, tuple[str, ...]], rng: random.Random) -> str:
    return rng.choice(table[customer.language])


def with_company_noise(rng: random.Random, text: str, customer: Customer, invoice: Invoice) -> str:
    """Now and then other numbers stand beside the right one: customer and order numbers, dates."""
    draw = rng.randrange(100)
    if draw < 5:
        return f"{text} deb.nr {customer.customer_id}"
    if draw < 9 and invoice.order_number:
        return f"{text} / {invoice.order_number}"
    if draw < 13:
        return f"{text} d.d. {invoice.issued_on:%d-%m-%Y}"
    return text


def full(rng: random.Random, customer: Customer, invoice: Invoice) -> tuple[str, ...]:
    """The whole invoice number, as printed or without its hyphen."""
    number = invoice.invoice_number if chance(rng, 90) else invoice.invoice_number.replace("-", "")
    return (with_company_noise(rng, words(customer, SINGLE, rng).format(number), customer, invoice),)


def mistyped(rng: random.Random, number: str) -> str:
    """The number with one digit wrong, two digits swapped, or a letter for the digit it looks like."""
    digits = [match.start() for match in re.finditer(r"\d", number)][4:]
    draw = rng.randrange(3)
    swappable = [(a, b) for a, b in pairwise(digits) if number[a] != number[b]]
    confusable = [position for position in digits if number[position] in LOOK_ALIKES]
    if draw == 0 and swappable:
        first, second = rng.choice(swappable)
        return number[:first] + number[second] + number[first + 1 : second] + number[first] + number[second + 1 :]
    if draw == 1 and confusable:
        position = rng.choice(confusable)
        return number[:position] + LOOK_ALIKES[number[position]] + number[position + 1 :]
    position = rng.choice(digits)
    other = str((int(number[position]) + rng.randint(1, 9)) % 10)
    return number[:position] + other + number[position + 1 :]


def typo(rng: random.Random, customer: Customer, invoice: Invoice) -> tuple[str, ...]:
    return (words(customer, SINGLE, rng).format(mistyped(rng, invoice.invoice_number)),)


def shortened(rng: random.Random, number: str) -> str:
    """The number without its prefix, its year or its leading zeros."""
    year, serial = number[1:5], number[6:]
    return rng.choice((str(int(serial)), f"{year}-{serial}", f"{number[0]}{serial}", f"{number[0]}{year[2:]}-{serial}"))


def lost(rng: random.Random, customer: Customer, invoice: Invoice) -> tuple[str, ...]:
    return (words(customer, SINGLE, rng).format(shortened(rng, invoice.invoice_number)),)


def broken(rng: random.Random, customer: Customer, invoice: Invoice) -> tuple[str, ...]:
    """The number broken over two remittance lines, in the middle of its digits."""
    cut = rng.randint(7, 9)
    start = words(customer, SINGLE, rng).split("{}")[0]
    return (f"{start}{invoice.invoice_number[:cut]}", invoice.invoice_number[cut:])


def several(rng: random.Random, customer: Customer, invoices: list[Invoice]) -> tuple[str, ...]:
    """A list of numbers; the later ones often without prefix and year, a long list cut off."""
    numbers = [invoice.invoice_number for invoice in invoices]
    draw = rng.randrange(100)
    if draw < 15 and len({number[:6] for number in numbers}) == 1:
        numbers = [numbers[0], *(number[6:] for number in numbers[1:])]
    if draw > 88 and len(numbers) > 2:
        listed = f"{numbers[0]} {numbers[1]} e.a."
    else:
        listed = rng.choice((", ", " ", " + ", "/")).join(numbers)
    return (SEVERAL[customer.language].format(listed),)


def less_credit(customer: Customer, invoice: Invoice, credit: Invoice) -> tuple[str, ...]:
    text = LESS_CREDIT[customer.language]
    return (text.format(invoice.invoice_number, credit.invoice_number),)


def nothing(rng: random.Random, customer: Customer) -> tuple[str, ...]:
    text = words(customer, SAYS_NOTHING, rng)
    return (text,) if text else ()


def customer_number(rng: random.Random, customer: Customer, invoice: Invoice) -> tuple[str, ...]:
    if invoice.order_number and chance(rng, 50):
        return (f"Order {invoice.order_number}",)
    return (f"Debiteurnummer {customer.customer_id}",)


def instalment(customer: Customer, invoice: Invoice, part: int) -> tuple[str, ...]:
    return (INSTALMENT[customer.language].format(invoice.invoice_number, part),)
