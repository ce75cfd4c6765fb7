"""The suites on customers: whether they can be written to, and keep what was known of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from assets.landing.expected import CUSTOMERS_AGREED, CUSTOMERS_NOW, FEWEST_ROWS, Expected, Suite


def _customers(_: Mapping[str, Any]) -> Sequence[Expected]:
    return [
        Expected(
            "values_present",
            "reachable_by",
            "an export that lost its contact columns would leave nobody to write to, one by one and without a word",
            mostly=0.5,
        )
    ]


CUSTOMERS = Suite(
    name="customers",
    table="customers",
    check="looks_like_what_came_before",
    about="Whether the customers that came can be written to.",
    looks_at=("customers",),
    fewest=FEWEST_ROWS,
    query=f"""
        select coalesce(nullif(email, ''), nullif(street || postal_code || city, '')) as reachable_by
        from {CUSTOMERS_NOW} as customers
        where batch_id > getvariable('agreed')
    """,
    expected=_customers,
)

# What a customer may lose with a column of the export: whether the loss blocks, and what it does.
KEPT: dict[str, tuple[bool, str]] = {
    "iban": (True, "payments from the accounts of customers could no longer be placed"),
    "parent_customer_id": (True, "payments by a parent could no longer be placed"),
    "is_natural_person": (True, "consumers, who have other law, would be written to as companies"),
    "is_blocked": (True, "customers whom billing blocked would be written to"),
    "scenario_id": (True, "customers with an arrangement of their own would be dunned like everybody"),
    "email": (False, "their messages would go by letter"),
    "language": (False, "their messages would be in another language"),
    "account_manager": (False, "their tasks would be nobody's"),
    "collector": (False, "their tasks would be nobody's"),
    "required_references": (False, "what they want to read on an invoice would be forgotten"),
}

FLAGS = ("is_natural_person", "is_blocked")


def _held(version: str, column: str) -> str:
    """Whether a version of a customer has something in a column; a flag has when it is up."""
    return f"coalesce({version}.{column}, false)" if column in FLAGS else f"nullif({version}.{column}, '') is not null"


def _kept(column: str) -> str:
    """Of the customers that had something in a column and came again: the share that has something still."""
    had, has = _held("earlier", column), _held("customers", column)
    return f"""
        case when count(*) filter (where {had}) >= {FEWEST_ROWS}
        then count(*) filter (where {had} and {has}) / count(*) filter (where {had}) end as {column}_kept"""


def _customers_by_company(_: Mapping[str, Any]) -> Sequence[Expected]:
    return [
        Expected(
            "values_between", f"{column}_kept", f"nine in ten customers that came lost their {column}: {why}", low=0.1,
            blocks=blocks,
        )
        for column, (blocks, why) in KEPT.items()
    ]  # fmt: skip


CUSTOMERS_BY_COMPANY = Suite(
    name="customers_by_company",
    table="customers",
    check="keeps_what_was_known",
    about=(
        f"The same customers before and after: the share that kept what they had, where at least {FEWEST_ROWS} had it."
    ),
    looks_at=("customers",),
    subject="company_id",
    query=f"""
        select company_id, {", ".join(_kept(column) for column in KEPT)}
        from {CUSTOMERS_NOW} as customers
        left join {CUSTOMERS_AGREED} as earlier using (company_id, customer_id)
        where customers.batch_id > getvariable('agreed')
        group by company_id
        order by company_id
    """,
    expected=_customers_by_company,
)
