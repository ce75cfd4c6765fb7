"""Our companies and customers as the billing extract has them now, found by whatever a document says of its parties."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from assets.invoicing.documents import InvoiceDocument, InvoiceResponse, Party, UnreadableDocument
from assets.invoicing.identity import Known, LookUp, Match, contradicts, customer_of, look_up
from assets.invoicing.rows import DOCUMENTS


def known_companies(connection: duckdb.DuckDBPyConnection) -> list[Known]:
    """Every company as the billing extract has it now."""
    rows = connection.execute(
        """
        select company_id, name, country, vat_number, registration_number, postal_code, iban from (
            select * from raw.companies
            qualify row_number() over (partition by company_id order by batch_id desc, ordinal desc) = 1
        ) where not is_deleted order by company_id
        """
    ).fetchall()
    return [
        Known(
            identity=company_id,
            name=name or "",
            country=(country or "").upper(),
            vat_number=vat or "",
            registration_number=registration or "",
            postal_code=postal_code or "",
            accounts=frozenset(part.replace(" ", "").upper() for part in (iban or "").split(";") if part.strip()),
        )
        for company_id, name, country, vat, registration, postal_code, iban in rows
    ]


def prepare_customers(connection: duckdb.DuckDBPyConnection) -> None:
    """The customers as they are now, and the loose keys each may be found by (see `identity.look_up`)."""
    connection.execute(
        """
        create or replace temp table customers_now as
        select * from (
            select * from raw.customers
            qualify row_number() over (partition by company_id, customer_id order by batch_id desc, ordinal desc) = 1
        ) where not is_deleted
        """
    )
    connection.execute(
        r"""
        create or replace temp table customer_keys as
        with numbered as (
            select
                company_id, customer_id, name,
                regexp_replace(coalesce(vat_number, ''), '[^0-9]', '', 'g') as vat_digits,
                regexp_replace(coalesce(registration_number, ''), '[^0-9]', '', 'g') as register_digits
            from customers_now
        )
        select company_id, customer_id, unnest([
            'i:' || customer_id,
            'n:' || lower(array_to_string(string_split_regex(trim(name), '\s+'), ' ')),
            'd:' || ltrim(vat_digits, '0'),
            'd:' || ltrim(substr(vat_digits, 3), '0'),
            'd:' || ltrim(register_digits, '0'),
            'd:' || ltrim(left(register_digits, 9), '0')
        ]) as key
        from numbered
        """
    )


_CUSTOMER_COLUMNS = (
    "customers_now.customer_id, customers_now.name, customers_now.country, customers_now.vat_number,"
    " customers_now.registration_number, customers_now.postal_code, customers_now.payment_terms_days"
)


def _customer(row: Sequence[object]) -> Known:
    customer_id, name, country, vat, registration, postal_code, terms_days = row
    return Known(
        identity=str(customer_id),
        name=str(name or ""),
        country=str(country or "").upper(),
        vat_number=str(vat or ""),
        registration_number=str(registration or ""),
        postal_code=str(postal_code or ""),
        terms_days=int(str(terms_days)) if terms_days is not None else None,
    )


class Customers:
    """The customers that the parties of one delivery may be, and who the invoices are of that its documents name."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        read: Sequence[InvoiceDocument | InvoiceResponse | UnreadableDocument],
    ) -> None:
        parties = [party for each in read if (party := _buyer(each)) is not None]
        wanted = sorted({key for party in parties for key in _keys(look_up(party))})
        rows = connection.execute(
            f"""
            select distinct customer_keys.company_id, customer_keys.key, {_CUSTOMER_COLUMNS}
            from customer_keys
            inner join customers_now using (company_id, customer_id)
            where customer_keys.key in (select unnest(?))
            """,
            [wanted],
        ).fetchall()
        self.by_key: dict[tuple[str, str], list[Known]] = {}
        for company_id, key, *customer in rows:
            self.by_key.setdefault((company_id, key), []).append(_customer(customer))
        numbers = sorted({number for each in read if (number := _number(each))})
        self.owners: dict[tuple[str, str], list[Known]] = {}
        for company_id, number, *customer in connection.execute(
            f"""
            with named as (
                select company_id, invoice_number, customer_id from raw.invoices
                where (company_id, invoice_id) in (
                    select (company_id, invoice_id) from raw.invoices where invoice_number in (select unnest($numbers))
                )
                qualify
                    row_number() over (partition by company_id, invoice_id order by batch_id desc, ordinal desc) = 1
                    and not is_deleted
                union
                select company_id, invoice_number, customer_id from raw.{DOCUMENTS}
                where invoice_number in (select unnest($numbers))
            )
            select named.company_id, named.invoice_number, {_CUSTOMER_COLUMNS}
            from named inner join customers_now using (company_id, customer_id)
            where named.invoice_number in (select unnest($numbers))
            """,
            {"numbers": numbers},
        ).fetchall():
            self.owners.setdefault((company_id, number), []).append(_customer(customer))

    def of_invoice(self, company_id: str, number: str) -> list[Known]:
        """The customers whose invoice of that number we know; more than one when a number was used twice."""
        return self.owners.get((company_id, number), [])

    def matching(self, company: Known, party: Party, number: str) -> Match:
        """Who the buyer is; where its numbers say nothing, or not enough, whoever billing says that invoice is of."""
        possible = {
            known.identity: known
            for key in _keys(look_up(party))
            for known in self.by_key.get((company.identity, key), ())
        }
        match = customer_of(party, possible.values())
        if match.only is not None:
            return match
        owners = [owner for owner in self.of_invoice(company.identity, number) if not contradicts(party, owner)]
        chosen = [owner for owner in owners if not match.found or owner in match.found]
        return Match(tuple(chosen)) if chosen else match


def _keys(look_up: LookUp) -> set[str]:
    return {
        *(f"d:{each}" for each in look_up.digits),
        *(f"n:{each}" for each in look_up.names),
        *(f"i:{each}" for each in look_up.identities),
    }


def _buyer(read: InvoiceDocument | InvoiceResponse | UnreadableDocument) -> Party | None:
    if isinstance(read, InvoiceDocument):
        return read.customer
    return read.named.customer if isinstance(read, UnreadableDocument) and read.named else None


def _number(read: InvoiceDocument | InvoiceResponse | UnreadableDocument) -> str | None:
    if isinstance(read, InvoiceDocument):
        return read.number
    if isinstance(read, InvoiceResponse):
        return read.invoice_number
    return read.named.number if read.named else None
