"""The suite on companies: is what everything rests on complete?"""

from collections.abc import Mapping, Sequence
from typing import Any

from assets.landing.expected import COMPANIES_NOW, CUSTOMERS_NOW, INVOICES_NOW, MANDATES_NOW, Expected, Suite

# ISO 7064 mod 97-10 over the account with its first four places moved to the end, letters as 10 to 35.
CHECK_DIGITS = """
    list_reduce(
        list_prepend(0, list_transform(
            string_split(substr(printed_iban, 5) || left(printed_iban, 4), ''),
            lambda place: case when place between '0' and '9' then ascii(place) - 48 else ascii(place) - 55 end
        )),
        lambda rest, value: (rest * (case when value > 9 then 100 else 10 end) + value) % 97
    ) = 1"""


def _companies(_: Mapping[str, Any]) -> Sequence[Expected]:
    def whole(column: str, why: str) -> Expected:
        return Expected("values_between", column, why, low=1, blocks=False)

    return [
        whole(
            "printed_iban_is_valid", "its check digits are wrong: no message with it leaves, and no statement is taken"
        ),
        whole("has_sender_address", "neither an e-mail address nor a whole postal address: nobody can be written to"),
        whole(
            "has_creditor_id", "there are active mandates, and nothing can be collected without a creditor identifier"
        ),
        Expected(
            "values_between",
            "invoices_of_unknown_customers",
            "nobody can be written to about them until the customers come too",
            high=0,
            blocks=False,
        ),
    ]


COMPANIES = Suite(
    name="companies",
    table="companies",
    check="reference_data_is_complete",
    about="What each company needs before anything can be sent or collected, and the customers its invoices name.",
    looks_at=("companies", "customers", "invoices", "mandates"),
    subject="company_id",
    stops=False,
    query=f"""
        with companies as (
            select *, upper(regexp_replace(string_split(iban, ';')[1], '[^0-9A-Za-z]', '', 'g')) as printed_iban
            from {COMPANIES_NOW}
        ),
        collecting as (
            select distinct company_id from {MANDATES_NOW} where lower(status) = 'active'
        ),
        unknown as (
            select company_id, count(*) as invoices
            from {INVOICES_NOW} as invoices anti join {CUSTOMERS_NOW} as customers using (company_id, customer_id)
            where not coalesce(invoices.is_cancelled, false)
            group by company_id
        )
        select
            companies.company_id,
            cast(length(printed_iban) between 15 and 34 and {CHECK_DIGITS} as integer) as printed_iban_is_valid,
            cast(
                coalesce(email_from, '') like '%_@_%'
                or nullif(street, '') is not null and nullif(postal_code, '') is not null and nullif(city, '') is not null
            as integer) as has_sender_address,
            case when collecting.company_id is not null
                then cast(nullif(creditor_id, '') is not null as integer) end as has_creditor_id,
            coalesce(unknown.invoices, 0) as invoices_of_unknown_customers
        from companies
        left join collecting using (company_id)
        left join unknown using (company_id)
        order by companies.company_id
    """,
    expected=_companies,
)
