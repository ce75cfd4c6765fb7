"""The numbers of the simulated world pass the checks of independent libraries."""

import random
from datetime import date

import holidays
import pytest
from schwifty import IBAN
from stdnum import iso11649
from stdnum.be import ogm_vcs
from stdnum.be import vat as belgian_vat
from stdnum.nl import btw as dutch_vat

from simulation import bank_days, identifiers
from simulation.model import World


def test_every_iban_is_valid_and_belongs_to_the_bank_named(world: World) -> None:
    accounts = [
        (iban, bic) for customer in world.customers for iban, bic in zip(customer.ibans, customer.bics, strict=True)
    ]
    accounts += [(account.iban, account.bic) for account in world.company.accounts]
    for iban, bic in accounts:
        known = IBAN(iban, validate_bban=True).bic
        assert known is not None, iban
        assert known.compact[:8] == bic, iban


def test_every_vat_number_is_valid(world: World) -> None:
    for customer in world.customers:
        (dutch_vat if customer.country == "NL" else belgian_vat).validate(customer.vat_number)
    dutch_vat.validate(world.company.vat_number)


def test_every_payment_reference_is_valid(world: World) -> None:
    country = {customer.customer_id: customer.country for customer in world.customers}
    references = [invoice for invoice in world.invoices if invoice.kind == "invoice"]
    assert len({invoice.payment_reference for invoice in references}) == len(references)
    for invoice in references:
        check = ogm_vcs if country[invoice.customer_id] == "BE" else iso11649
        check.validate(invoice.payment_reference)


def test_mail_cannot_reach_anybody(world: World) -> None:
    addresses = [customer.email for customer in world.customers if customer.email] + [world.company.email_from]
    assert len(addresses) > 150
    assert all(address.endswith(".example") for address in addresses)


@pytest.mark.parametrize(
    ("body", "printed"),
    [
        (909_337_554, "+++090/9337/55493+++"),
        (1, "+++000/0000/00101+++"),
        (97, "+++000/0000/09797+++"),
        (9_999_999_999, "+++999/9999/99948+++"),
    ],
)
def test_structured_communication_ends_in_97_where_the_remainder_is_zero(body: int, printed: str) -> None:
    assert identifiers.structured_communication(body) == printed


def test_creditor_reference_and_identifier_match_published_examples() -> None:
    assert identifiers.creditor_reference("539007547034") == "RF18539007547034"
    assert identifiers.creditor_reference("INV2026000123") == "RF98INV2026000123"
    assert identifiers.creditor_identifier("NL", "332656790051") == "NL93ZZZ332656790051"
    assert identifiers.iban("NL", "ABNA0417164300") == "NL91ABNA0417164300"


def test_sole_traders_have_the_newer_vat_number() -> None:
    number = identifiers.dutch_vat_number(random.Random(7), is_natural_person=True)
    assert dutch_vat.is_valid(number)
    assert not dutch_vat.is_valid(number[:-2] + f"{(int(number[-2:]) + 1) % 100:02d}")


def test_bank_days_are_those_of_the_european_central_bank() -> None:
    target = holidays.financial_holidays("ECB", years=range(2020, 2041))
    day = date(2020, 1, 1)
    while day < date(2040, 12, 31):
        assert bank_days.is_bank_day(day) == (day.weekday() < 5 and day not in target), day
        day += bank_days.ONE_DAY


def test_demonstration_days_skip_weekends_and_closing_days() -> None:
    assert bank_days.demonstration_days(date(2027, 3, 30)) == (date(2027, 3, 24), date(2027, 3, 25), date(2027, 3, 30))
    assert bank_days.demonstration_days(date(2026, 11, 22)) == (
        date(2026, 11, 18),
        date(2026, 11, 19),
        date(2026, 11, 20),
    )
