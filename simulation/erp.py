"""The creditor's own ERP: a SQLite database with its own Dutch schema, and the queries that map it to our tables.

Nothing here looks like the tables Tijdig wants. The ERP keeps cents as integers, days as numbers such as 20261120,
codes instead of words, negative amounts on credit notes, and several tables where the extract wants one.
"""

import sqlite3
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from simulation.model import Company, Customer, Invoice, Mandate, World

SCHEMA = """
create table administraties (
    adm_code text primary key, naam text not null, landcode text not null, straat text, postcode text, plaats text,
    btw_nummer text, kvk_nummer text, incassant_id text, afzender_email text, telefoon text, taal text,
    btw_aftrek integer not null, grootteklasse text
);
create table bankrekeningen (
    rekening_id integer primary key, adm_code text, relatie_id integer, volgnummer integer not null,
    iban text not null, bic text
);
create table medewerkers (medewerker_id integer primary key, naam text not null unique);
create table relaties (
    relatie_id integer primary key, adm_code text not null, debiteurnummer text not null unique, naam text not null,
    rechtsvorm text, landcode text not null, taal text, email text, telefoon text, straat text, postcode text,
    plaats text, btw_nummer text, kvk_nummer text, is_eenmanszaak integer not null, moeder_relatie_id integer,
    accountmanager_id integer, incasseerder_id integer, betaaltermijn integer, eist_ordernummer integer not null,
    eist_projectcode integer not null, kredietlimiet_centen integer, risicoklasse text, afdeling text,
    aangemaakt integer not null, is_geblokkeerd integer not null, risicobron text, risicodatum integer,
    grootteklasse text
);
create table verkoopfacturen (
    factuur_id integer primary key, adm_code text not null, factuurnummer text not null, relatie_id integer not null,
    soort text not null, factuurdatum integer not null, vervaldatum integer not null, valuta text not null,
    totaal_centen integer not null, betalingskenmerk text, inkoopordernummer text, projectcode text,
    verzendstatus integer not null, ontvangen_op text, crediteert_factuurnummer text, vervangt_factuurnummer text,
    korting_promille integer, korting_tot integer, status integer not null, omschrijving text
);
create table factuurregels (
    regel_id integer primary key, factuur_id integer not null, regelnummer integer not null, omschrijving text not null,
    aantal integer not null, stuksprijs_centen integer not null, netto_centen integer not null,
    btw_centen integer not null, orderregel text
);
create table machtigingen (
    machtiging_id integer primary key, kenmerk text not null, relatie_id integer not null, soort text not null,
    iban text not null, bic text, getekend_op integer not null, is_actief integer not null, laatst_gebruikt integer
);
create table inkooporders (
    order_id integer primary key, relatie_id integer not null, ordernummer text not null, projectcode text
);
create table aanmaanhistorie (
    aanmaning_id integer primary key, factuur_id integer not null, niveau integer not null, verstuurd_op integer not null,
    kanaal text not null
);
"""

# Codes of this ERP.
LANGUAGES = {"nl": "N", "fr": "F", "en": "E", "de": "D"}
DOCUMENT_KINDS = {"invoice": "F", "credit_note": "C"}
DELIVERY_CODES = {"sent": 10, "received": 20, "failed": 90}
SIZES = {"large": "G", "sme": "K"}
SCHEMES = {"CORE": "C", "B2B": "B"}
CHANNELS = {"email": "E", "letter": "P"}
FINAL, CANCELLED = 30, 99


def day_sql(column: str) -> str:
    """A day kept as a number, as an ISO date; null stays null."""
    return (
        f"case when {column} is not null then"
        f" printf('%04d-%02d-%02d', {column} / 10000, {column} / 100 % 100, {column} % 100) end"
    )


def money_sql(expression: str) -> str:
    """Integer cents as exact decimal text; never through a float."""
    return (
        f"case when ({expression}) is not null then case when ({expression}) < 0 then '-' else '' end"
        f" || printf('%d.%02d', abs({expression}) / 100, abs({expression}) % 100) end"
    )


def flag_sql(column: str) -> str:
    return f"case {column} when 1 then 'true' else 'false' end"


def code_sql(column: str, words: dict[str, str] | dict[str, int]) -> str:
    """The word a code of this ERP stands for."""
    cases = " ".join(f"when {code!r} then '{word}'" for word, code in words.items())
    return f"case {column} {cases} end"


# One query for each table of the billing extract; its columns are the extract's, in the extract's order.
ERP_QUERIES: dict[str, str] = {
    "companies": f"""
select
    adm.adm_code as company_id,
    adm.naam as name,
    adm.landcode as country,
    (select group_concat(eigen.iban, ';') from (
        select iban from bankrekeningen where adm_code = adm.adm_code order by volgnummer
    ) as eigen) as iban,
    (select bic from bankrekeningen where adm_code = adm.adm_code and volgnummer = 1) as bic,
    adm.btw_nummer as vat_number,
    adm.kvk_nummer as registration_number,
    adm.incassant_id as creditor_id,
    adm.straat as street,
    adm.postcode as postal_code,
    adm.plaats as city,
    adm.afzender_email as email_from,
    adm.telefoon as phone,
    {code_sql("adm.taal", LANGUAGES)} as language,
    null as logo_path,
    {flag_sql("adm.btw_aftrek")} as can_deduct_vat,
    {code_sql("adm.grootteklasse", SIZES)} as size_class
from administraties as adm
order by adm.adm_code
""",
    "customers": f"""
select
    rel.adm_code as company_id,
    rel.debiteurnummer as customer_id,
    rel.naam as name,
    rel.landcode as country,
    {code_sql("rel.taal", LANGUAGES)} as language,
    rel.email as email,
    rel.telefoon as phone,
    rel.straat as street,
    rel.postcode as postal_code,
    rel.plaats as city,
    (select group_concat(eigen.iban, ';') from (
        select iban from bankrekeningen where relatie_id = rel.relatie_id order by volgnummer
    ) as eigen) as iban,
    rel.btw_nummer as vat_number,
    rel.kvk_nummer as registration_number,
    {flag_sql("rel.is_eenmanszaak")} as is_natural_person,
    moeder.debiteurnummer as parent_customer_id,
    manager.naam as account_manager,
    incasseerder.naam as collector,
    rel.betaaltermijn as payment_terms_days,
    nullif(
        trim(
            case when rel.eist_ordernummer = 1 then 'order_number' else '' end || ';'
            || case when rel.eist_projectcode = 1 then 'project_number' else '' end,
            ';'
        ),
        ''
    ) as required_references,
    {money_sql("rel.kredietlimiet_centen")} as credit_limit,
    rel.risicoklasse as risk_class,
    rel.risicobron as risk_source,
    {day_sql("rel.risicodatum")} as risk_on,
    rel.afdeling as department,
    {day_sql("rel.aangemaakt")} as created_on,
    null as scenario_id,
    {flag_sql("rel.is_geblokkeerd")} as is_blocked,
    {code_sql("rel.grootteklasse", SIZES)} as size_class
from relaties as rel
left join relaties as moeder on moeder.relatie_id = rel.moeder_relatie_id
left join medewerkers as manager on manager.medewerker_id = rel.accountmanager_id
left join medewerkers as incasseerder on incasseerder.medewerker_id = rel.incasseerder_id
order by rel.debiteurnummer
""",
    "invoices": f"""
select
    fac.adm_code as company_id,
    cast(fac.factuur_id as text) as invoice_id,
    fac.factuurnummer as invoice_number,
    rel.debiteurnummer as customer_id,
    {code_sql("fac.soort", DOCUMENT_KINDS)} as kind,
    {day_sql("fac.factuurdatum")} as issued_on,
    {day_sql("fac.vervaldatum")} as due_on,
    fac.valuta as currency,
    {money_sql("abs(fac.totaal_centen)")} as total_amount,
    fac.betalingskenmerk as payment_reference,
    fac.inkoopordernummer as order_number,
    fac.projectcode as project_number,
    fac.ontvangen_op as delivered_at,
    {code_sql("fac.verzendstatus", DELIVERY_CODES)} as delivery_status,
    fac.crediteert_factuurnummer as credits_invoice_number,
    fac.vervangt_factuurnummer as replaces_invoice_number,
    case when fac.korting_promille > 0 then
        printf('%d.%d', fac.korting_promille / 10, fac.korting_promille % 10)
    end as discount_percent,
    {day_sql("fac.korting_tot")} as discount_until,
    null as term_of_invoice_id,
    null as document_path,
    case fac.status when {CANCELLED} then 'true' else 'false' end as is_cancelled,
    fac.omschrijving as description
from verkoopfacturen as fac
join relaties as rel on rel.relatie_id = fac.relatie_id
order by fac.factuur_id
""",
    "invoice_lines": f"""
select
    fac.adm_code as company_id,
    cast(fac.factuur_id as text) as invoice_id,
    cast(regel.regelnummer as text) as line_number,
    regel.omschrijving as description,
    {money_sql("(regel.netto_centen + regel.btw_centen) * case fac.soort when 'C' then -1 else 1 end")} as line_amount,
    cast(regel.aantal as text) as quantity,
    {money_sql("regel.stuksprijs_centen")} as unit_price,
    regel.orderregel as order_line
from factuurregels as regel
join verkoopfacturen as fac on fac.factuur_id = regel.factuur_id
order by regel.factuur_id, regel.regelnummer
""",
    "mandates": f"""
select
    rel.adm_code as company_id,
    mach.kenmerk as mandate_id,
    rel.debiteurnummer as customer_id,
    {code_sql("mach.soort", SCHEMES)} as scheme,
    mach.iban as iban,
    {day_sql("mach.getekend_op")} as signed_on,
    case mach.is_actief when 1 then 'active' else 'cancelled' end as status,
    mach.bic as bic,
    {day_sql("mach.laatst_gebruikt")} as last_used_on
from machtigingen as mach
join relaties as rel on rel.relatie_id = mach.relatie_id
order by mach.kenmerk
""",
    "orders": """
select
    rel.adm_code as company_id,
    rel.debiteurnummer as customer_id,
    ord.ordernummer as order_number,
    ord.projectcode as project_number
from inkooporders as ord
join relaties as rel on rel.relatie_id = ord.relatie_id
order by rel.debiteurnummer, ord.ordernummer
""",
    # The newest reminder of each invoice: where the earlier system stopped.
    "opening_stages": f"""
select
    fac.adm_code as company_id,
    cast(aanm.factuur_id as text) as invoice_id,
    cast(aanm.niveau as text) as stage_no,
    {day_sql("aanm.verstuurd_op")} as dispatched_on,
    {code_sql("aanm.kanaal", CHANNELS)} as channel
from aanmaanhistorie as aanm
join verkoopfacturen as fac on fac.factuur_id = aanm.factuur_id
where aanm.niveau = (select max(later.niveau) from aanmaanhistorie as later where later.factuur_id = aanm.factuur_id)
order by aanm.factuur_id
""",
}


def number_of(day: date | None) -> int | None:
    """A day as this ERP keeps it: 20 November 2026 is 20261120."""
    return None if day is None else day.year * 10_000 + day.month * 100 + day.day


def company_row(company: Company) -> tuple[object, ...]:
    return (
        company.company_id, company.name, company.country, company.street, company.postal_code, company.city,
        company.vat_number, company.registration_number, company.creditor_id, company.email_from, company.phone,
        LANGUAGES[company.language], 1, SIZES[company.size_class],
    )  # fmt: skip


def customer_row(
    company_id: str, customer: Customer, relation_ids: dict[str, int], staff: dict[str, int]
) -> tuple[object, ...]:
    return (
        relation_ids[customer.customer_id], company_id, customer.customer_id, customer.name, customer.legal_form,
        customer.country, LANGUAGES[customer.language], customer.email, customer.phone, customer.street,
        customer.postal_code, customer.city, customer.vat_number, customer.registration_number,
        int(customer.is_natural_person), relation_ids.get(customer.parent_customer_id or ""),
        staff.get(customer.account_manager or ""), staff[customer.collector], customer.payment_terms_days,
        int("order_number" in customer.required_references), int("project_number" in customer.required_references),
        customer.credit_limit_cents, customer.risk_class, customer.department, number_of(customer.created_on), 0,
        customer.risk_source, number_of(customer.risk_on), SIZES.get(customer.size_class or ""),
    )  # fmt: skip


def invoice_row(company_id: str, invoice: Invoice, relation_ids: dict[str, int], day: date) -> tuple[object, ...]:
    """The invoice as the ERP shows it on `day`: not yet confirmed, not yet cancelled."""
    is_known = invoice.issued_on < day
    received_on = invoice.delivered_on if invoice.delivered_on and invoice.delivered_on <= day else None
    status = invoice.delivery_status if received_on or (is_known and invoice.delivery_status != "received") else "sent"
    is_cancelled = invoice.cancelled_on is not None and invoice.cancelled_on <= day
    return (
        int(invoice.invoice_id), company_id, invoice.invoice_number, relation_ids[invoice.customer_id],
        DOCUMENT_KINDS[invoice.kind], number_of(invoice.issued_on), number_of(invoice.due_on), "EUR",
        invoice.total_cents if invoice.kind == "invoice" else -invoice.total_cents, invoice.payment_reference,
        invoice.order_number, invoice.project_number, DELIVERY_CODES[status],
        f"{received_on.isoformat()}T08:{int(invoice.invoice_id) % 60:02d}:00" if received_on else None,
        invoice.credits_invoice_number, invoice.replaces_invoice_number, invoice.discount_permille,
        number_of(invoice.discount_until), CANCELLED if is_cancelled else FINAL, invoice.description,
    )  # fmt: skip


def line_rows(invoices: Iterable[Invoice]) -> Iterable[tuple[object, ...]]:
    line_id = 0
    for invoice in invoices:
        sign = 1 if invoice.kind == "invoice" else -1
        for line in invoice.lines:
            line_id += 1
            yield (
                line_id, int(invoice.invoice_id), line.line_number, line.description, line.quantity,
                line.unit_price_cents, sign * line.net_cents, sign * line.vat_cents, line.order_line,
            )  # fmt: skip


def mandate_rows(world: World, relation_ids: dict[str, int], day: date) -> Iterable[tuple[object, ...]]:
    used: dict[str, date] = {}
    for entry in world.entries:
        if entry.kind == "collection" and entry.mandate_id and entry.booked_on < day:
            used[entry.mandate_id] = entry.booked_on
    known: list[Mandate] = [mandate for mandate in world.mandates if mandate.signed_on <= day]
    for number, mandate in enumerate(known, start=1):
        yield (
            number, mandate.mandate_id, relation_ids[mandate.customer_id], SCHEMES[mandate.scheme], mandate.iban,
            mandate.bic, number_of(mandate.signed_on), int(mandate.is_active), number_of(used.get(mandate.mandate_id)),
        )  # fmt: skip


def account_rows(world: World, customers: list[Customer], relation_ids: dict[str, int]) -> Iterable[tuple[object, ...]]:
    account_id = 0
    for position, account in enumerate(world.company.accounts, start=1):
        account_id += 1
        yield (account_id, world.company.company_id, None, position, account.iban, account.bic)
    for customer in customers:
        for position, (iban, bic) in enumerate(zip(customer.ibans, customer.bics, strict=True), start=1):
            account_id += 1
            yield (account_id, None, relation_ids[customer.customer_id], position, iban, bic)


def insert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Insert whole rows; `table` is one of this module's own names."""
    kept = list(rows)
    if kept:
        places = ", ".join("?" for _ in kept[0])
        connection.executemany(f"insert into {table} values ({places})", kept)


def write_erp(world: World, path: Path, day: date) -> None:
    """Write the ERP as it stands on the morning of `day`, replacing an earlier state of it in one step."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    company_id = world.company.company_id
    customers = [customer for customer in world.customers if customer.created_on <= day]
    invoices = [invoice for invoice in world.invoices if invoice.issued_on <= day]
    relation_ids = {customer.customer_id: 7_000 + number for number, customer in enumerate(world.customers, start=1)}
    people = sorted({name for customer in customers for name in (customer.account_manager, customer.collector) if name})
    staff = {name: number for number, name in enumerate(people, start=1)}
    connection = sqlite3.connect(fresh)
    try:
        connection.executescript(SCHEMA)
        with connection:
            insert(connection, "administraties", [company_row(world.company)])
            insert(connection, "bankrekeningen", account_rows(world, customers, relation_ids))
            insert(connection, "medewerkers", [(number, name) for name, number in staff.items()])
            insert(
                connection,
                "relaties",
                (customer_row(company_id, customer, relation_ids, staff) for customer in customers),
            )
            insert(
                connection,
                "verkoopfacturen",
                (invoice_row(company_id, invoice, relation_ids, day) for invoice in invoices),
            )
            insert(connection, "factuurregels", line_rows(invoices))
            insert(connection, "machtigingen", mandate_rows(world, relation_ids, day))
            insert(
                connection,
                "inkooporders",
                (
                    (number, relation_ids[order.customer_id], order.order_number, order.project_number)
                    for number, order in enumerate(world.orders, start=1)
                ),
            )
            insert(
                connection,
                "aanmaanhistorie",
                (
                    (
                        number,
                        int(stage.invoice_id),
                        stage.stage_no,
                        number_of(stage.dispatched_on),
                        CHANNELS[stage.channel],
                    )
                    for number, stage in enumerate(world.opening_stages, start=1)
                    if stage.dispatched_on < day
                ),
            )
    finally:
        connection.close()
    fresh.replace(path)
