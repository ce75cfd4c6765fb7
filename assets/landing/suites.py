"""What we expect of everything that landed, taken together: the suites, each with its threshold and its reason.

A reader sees one file and a rule of dbt one row; each may be valid while all of them together cannot be right. Only that is
said here. What a statement proves of itself (opening and booked make closing, statements follow one another) is said by the
readers and the banking chapter; that a delivery shrank, grew, or lost a column from top to bottom, by its brakes before it is
landed. They see the sum of a delivery: one company or account among many, and nine rows in ten, are lost in it and seen here.

An expectation **blocks** when going on would write to people who have paid, or claim wrong amounts. Everything else warns:
a day that stops for nothing costs more trust than the warning saves. What compares with the past says nothing before there
is enough of it, so the first day of a home is never stopped for being the first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

# Below this many rows a median or a share says nothing.
FEWEST_ROWS = 20

# What is called usual rests on at least as many rows as this.
ENOUGH_HISTORY = 100

# So many statements of one account and weekday say what such a day is like.
ENOUGH_WEEKDAYS = 8

Kind = Literal["values_between", "values_present", "median_between"]


@dataclass(frozen=True, slots=True)
class Expected:
    """One expectation of a column. Bounds are inclusive, None is unbounded; `mostly` is the share of rows that must meet
    it; empty values count for `values_present` only. `why` ends the sentence a person reads when it is not met."""

    kind: Kind
    column: str
    why: str
    low: float | None = None
    high: float | None = None
    mostly: float = 1.0
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite: the raw table it guards, the rows or figures it looks at, and what it expects of them.

    `query` gives what is looked at, `history` one row of figures to derive thresholds from. Both read three variables:
    `agreed`, the newest batch the suite agreed with; `since`, the batch from which the past is comparable; and `today`, the
    calendar date. `subject` is the column that says whose figures a row holds. Without `stops` all of it are warnings.
    Amounts are cast to double only to be looked at.
    """

    name: str
    table: str
    check: str
    about: str
    query: str
    expected: Callable[[Mapping[str, Any]], Sequence[Expected]]
    looks_at: tuple[str, ...]
    fewest: int = 1
    subject: str = ""
    stops: bool = True
    history: str = "select 0 as rows"


def _newest(table: str, key: str, condition: str = "true") -> str:
    """The newest version of every key, deleted ones left out; `condition` chooses the versions that take part."""
    return f"""(
        select * from (
            select * from raw.{table} where {condition}
            qualify row_number() over (partition by {key} order by batch_id desc, ordinal desc) = 1
        ) where not is_deleted
    )"""


# Versions as they stood when the suite last agreed: a full extract that rewrites every row leaves no other past.
AGREED = "batch_id <= getvariable('agreed')"
INVOICES_NOW = _newest("invoices", "company_id, invoice_id")
INVOICES_AGREED = _newest("invoices", "company_id, invoice_id", AGREED)
CUSTOMERS_NOW = _newest("customers", "company_id, customer_id")
CUSTOMERS_AGREED = _newest("customers", "company_id, customer_id", AGREED)
COMPANIES_NOW = _newest("companies", "company_id")
MANDATES_NOW = _newest("mandates", "company_id, mandate_id")

PAYER_TEXT = "coalesce(nullif(remittance, ''), structured_reference, end_to_end_id)"


def _share(condition: str) -> str:
    """The share of rows that meet a condition, as a double."""
    return f"avg(case when {condition} then 1.0 else 0.0 end)"


# --- Invoices, row by row ---------------------------------------------------------------------------------------------


def _invoices(history: Mapping[str, Any]) -> Sequence[Expected]:
    usual = history["median_amount"]
    # Twentyfold is no growth of a business: it is an export in cents, or without its decimal point.
    lowest, highest = (usual / 20, usual * 20) if usual and history["rows"] >= FEWEST_ROWS else (1, 1_000_000)
    return [
        Expected(
            "median_between",
            "total_amount",
            "an export in cents, or without its decimal point",
            low=lowest,
            high=highest,
        ),
        Expected(
            "values_between",
            "days_to_pay",
            "due before issued on many documents at once: the two dates changed places",
            low=0,
            high=400,
            mostly=0.95,
        ),
    ]


INVOICES = Suite(
    name="invoices",
    table="invoices",
    check="looks_like_what_came_before",
    about="Amounts and terms of the invoices that came.",
    looks_at=("invoices",),
    fewest=FEWEST_ROWS,
    query=f"""
        select cast(total_amount as double) as total_amount, due_on - issued_on as days_to_pay
        from {INVOICES_NOW} as invoices
        where batch_id > getvariable('agreed') and kind = 'invoice' and total_amount > 0
    """,
    history=f"""
        select count(*) as rows, median(cast(total_amount as double)) as median_amount
        from {INVOICES_AGREED} as invoices
        where kind = 'invoice' and total_amount > 0 and batch_id >= getvariable('since')
    """,
    expected=_invoices,
)


# --- Invoices, company by company -------------------------------------------------------------------------------------


def _invoices_by_company(_: Mapping[str, Any]) -> Sequence[Expected]:
    return [
        Expected(
            "values_between",
            "share_under_another_id",
            "number, customer, date and amount of documents we have under another id: everybody would be asked to pay twice",
            high=0.05,
        ),
        Expected(
            "values_between",
            "reference_share_of_usual",
            "the payment references are gone, and payments that carry them could not be placed",
            low=0.1,
        ),
        Expected(
            "values_between",
            "share_in_new_currency",
            "most of them are in a currency this company never used",
            high=0.5,
        ),
        Expected(
            "values_between",
            "order_share_of_usual",
            "the order numbers are gone, by which customers know what they bought",
            low=0.1,
            blocks=False,
        ),
        Expected(
            "values_between",
            "months_in_one_delivery",
            "more new documents at once than three of the largest months hold",
            high=3,
            blocks=False,
        ),
    ]


INVOICES_BY_COMPANY = Suite(
    name="invoices_by_company",
    table="invoices",
    check="each_company_looks_as_usual",
    about=(
        f"What each company's newest invoices carry, against what is usual for it ({ENOUGH_HISTORY} earlier ones at least)."
    ),
    looks_at=("invoices",),
    subject="company_id",
    query=f"""
        with newest as (
            select *, row_number() over (partition by company_id order by batch_id desc, ordinal desc) as age
            from {INVOICES_NOW} where kind = 'invoice'
        ),
        companies as (
            select distinct company_id from newest where batch_id > getvariable('agreed')
        ),
        -- A small company's day is too small to judge: the newest twenty are taken with it.
        recent as (
            select newest.* from newest semi join companies using (company_id)
            where newest.batch_id > getvariable('agreed') or newest.age <= {FEWEST_ROWS}
        ),
        earlier as (
            select * from {INVOICES_AGREED} as invoices
            anti join recent using (company_id, invoice_id, batch_id, ordinal)
            where kind = 'invoice' and batch_id >= getvariable('since')
        ),
        usual as (
            select
                company_id, count(*) as rows, list(distinct currency) as currencies,
                {_share("payment_reference is not null")} as reference_share,
                {_share("order_number is not null")} as order_share
            from earlier group by company_id
        ),
        -- The largest month is found in all that was ever issued, whenever it was delivered.
        months as (
            select company_id, max(documents) as largest, count(*) as months
            from (
                select company_id, date_trunc('month', issued_on) as month, count(*) as documents
                from earlier group by all
            ) group by company_id
        ),
        unheard as (
            select newest.* from newest
            anti join (select company_id, invoice_id from raw.invoices where {AGREED}) using (company_id, invoice_id)
        ),
        twice as (
            select
                company_id, count(*) as documents,
                {
        _share('''exists (
                    select 1 from newest as other
                    where
                        other.company_id = unheard.company_id and other.invoice_id <> unheard.invoice_id
                        and other.invoice_number = unheard.invoice_number
                        and other.customer_id = unheard.customer_id
                        and other.issued_on = unheard.issued_on and other.total_amount = unheard.total_amount
                )''')
    } as share
            from unheard group by company_id
        ),
        looked_at as (
            select
                recent.company_id, count(*) as rows,
                {_share("payment_reference is not null")} as reference_share,
                {_share("order_number is not null")} as order_share,
                {_share("not list_contains(usual.currencies, recent.currency)")} as new_currency_share
            from recent left join usual using (company_id) group by recent.company_id
        )
        select
            looked_at.company_id,
            coalesce(looked_at.rows >= {FEWEST_ROWS} and usual.rows >= {ENOUGH_HISTORY}, false) as is_comparable,
            case when twice.documents >= {FEWEST_ROWS} then twice.share end as share_under_another_id,
            case when is_comparable and usual.reference_share >= 0.8
                then looked_at.reference_share / usual.reference_share end as reference_share_of_usual,
            case when is_comparable then looked_at.new_currency_share end as share_in_new_currency,
            case when is_comparable and usual.order_share >= 0.5
                then looked_at.order_share / usual.order_share end as order_share_of_usual,
            case when usual.rows >= {ENOUGH_HISTORY} and months.months >= 3
                then coalesce(twice.documents, 0) / months.largest end as months_in_one_delivery
        from looked_at
        left join usual using (company_id)
        left join months using (company_id)
        left join twice using (company_id)
        order by looked_at.company_id
    """,
    expected=_invoices_by_company,
)


# --- Customers --------------------------------------------------------------------------------------------------------


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


# --- Companies: is what everything rests on complete? -----------------------------------------------------------------

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


# --- Bank statements --------------------------------------------------------------------------------------------------


def _bank_statements(_: Mapping[str, Any]) -> Sequence[Expected]:
    # Warnings only: a statement that adds up proves that it lost nothing, however odd the day was.
    return [
        Expected(
            "values_between",
            "entries_of_usual",
            "a tenth, or ten times, of what this account books on such a weekday",
            low=0.1,
            high=10,
            blocks=False,
        ),
        Expected(
            "values_between",
            "currency_is_usual",
            "the account never had a statement in this currency",
            low=1,
            blocks=False,
        ),
        Expected(
            "values_between",
            "days_ahead",
            "it ends on a day that is still to come, and counts only from then on",
            high=1,
            blocks=False,
        ),
    ]


BANK_STATEMENTS = Suite(
    name="bank_statements",
    table="bank_statements",
    check="volume_is_usual",
    about=(
        "Entries of each statement against the median of the same account and weekday "
        f"({ENOUGH_WEEKDAYS} earlier statements at least), its currency, and its last day."
    ),
    looks_at=("bank_statements",),
    subject="statement",
    stops=False,
    query=f"""
        with statements as (
            select *, coalesce(to_on, closing_on) as last_on from raw.bank_statements
            where not coalesce(is_informative, false)
        ),
        earlier as (
            select * from statements where {AGREED} and batch_id >= getvariable('since')
        ),
        weekdays as (
            select account_iban, isodow(last_on) as weekday, count(*) as statements, median(entry_count) as entries
            from earlier group by all
        ),
        accounts as (
            select account_iban, count(*) as statements, list(distinct currency) as currencies
            from earlier group by account_iban
        )
        select
            statements.account_iban || ' ' || cast(statements.last_on as varchar) as statement,
            -- A handful more or less says nothing.
            case when weekdays.statements >= {ENOUGH_WEEKDAYS} and (weekdays.entries >= 20 or entry_count >= 50)
                then entry_count / greatest(weekdays.entries, 1) end as entries_of_usual,
            case when accounts.statements >= {FEWEST_ROWS} and not list_contains(accounts.currencies, currency)
                then 0 end as currency_is_usual,
            case when statements.last_on > getvariable('today') + 1
                then statements.last_on - getvariable('today') end as days_ahead
        from statements
        left join weekdays
            on weekdays.account_iban = statements.account_iban and weekdays.weekday = isodow(statements.last_on)
        left join accounts on accounts.account_iban = statements.account_iban
        where statements.batch_id > getvariable('agreed')
        order by statement
    """,
    expected=_bank_statements,
)


# --- Bank entries -----------------------------------------------------------------------------------------------------


def _bank_entries(history: Mapping[str, Any]) -> Sequence[Expected]:
    # A feed that dropped what payers wrote still balances to the cent; nothing in it would ever be matched.
    usual = history["share_with_text"] if history["rows"] >= FEWEST_ROWS else None
    return [
        Expected(
            "values_present",
            "payer_text",
            "a feed that dropped what payers wrote still balances to the cent, and nothing in it could be placed",
            mostly=0.5 if usual is None else usual / 2,
        )
    ]


BANK_ENTRIES = Suite(
    name="bank_entries",
    table="bank_entries",
    check="looks_like_what_came_before",
    about="Whether the payments that came say what they pay.",
    looks_at=("bank_entries",),
    fewest=FEWEST_ROWS,
    query=f"select {PAYER_TEXT} as payer_text from raw.bank_entries where batch_id > getvariable('agreed') and amount > 0",
    history=f"""
        select count(*) as rows, {_share(f"{PAYER_TEXT} is not null")} as share_with_text
        from raw.bank_entries where {AGREED} and batch_id >= getvariable('since') and amount > 0
    """,
    expected=_bank_entries,
)


def _bank_entries_by_account(_: Mapping[str, Any]) -> Sequence[Expected]:
    return [
        Expected(
            "values_between",
            "payer_account_share_of_usual",
            "the payers' accounts are gone, and with them who paid",
            low=0.1,
        ),
        Expected(
            "values_between",
            "payer_text_share_of_usual",
            "what payers wrote is gone, and with it what they paid",
            low=0.25,
        ),
        Expected(
            "values_between",
            "median_of_usual",
            "payments twenty times larger or smaller than usual: amounts in cents, or of another account",
            low=0.05,
            high=20,
            blocks=False,
        ),
        Expected(
            "values_between",
            "whole_amount_share",
            "nearly all amounts are whole, where they usually are not: an export without decimals",
            high=0.99,
            blocks=False,
        ),
        Expected(
            "values_between",
            "share_outside_statement",
            "booked more than a month outside the statement they stand in: a day and month, or a year, misread",
            high=0.5,
            blocks=False,
        ),
        Expected(
            "values_between",
            "days_ahead",
            "booked more than a week from now, and counted only from then on",
            high=7,
            blocks=False,
        ),
    ]


BANK_ENTRIES_BY_ACCOUNT = Suite(
    name="bank_entries_by_account",
    table="bank_entries",
    check="each_account_looks_as_usual",
    about=(
        f"What the newest payments of each account carry (the newest {FEWEST_ROWS} at least), against what is usual for it "
        f"({ENOUGH_HISTORY} earlier ones at least)."
    ),
    looks_at=("bank_entries",),
    subject="account_iban",
    query=f"""
        with incoming as (
            select
                *, {PAYER_TEXT} as payer_text,
                row_number() over (
                    partition by account_iban order by batch_id desc, file_sha256, ordinal desc, detail_ordinal desc
                ) as age
            from raw.bank_entries where amount > 0
        ),
        accounts as (
            select distinct account_iban from raw.bank_entries where batch_id > getvariable('agreed')
        ),
        recent as (
            select
                account_iban, count(*) as rows, median(cast(amount as double)) as median_amount,
                {_share("counterparty_iban is not null")} as account_share,
                {_share("payer_text is not null")} as text_share,
                {_share("amount = floor(amount)")} as whole_share
            from incoming
            where batch_id > getvariable('agreed') or age <= {FEWEST_ROWS}
            group by account_iban
        ),
        usual as (
            select
                account_iban, count(*) as rows, median(cast(amount as double)) as median_amount,
                {_share("counterparty_iban is not null")} as account_share,
                {_share("payer_text is not null")} as text_share,
                {_share("amount = floor(amount)")} as whole_share
            from incoming
            where {AGREED} and batch_id >= getvariable('since') and age > {FEWEST_ROWS}
            group by account_iban
        ),
        dated as (
            select
                entries.account_iban, count(*) as rows,
                max(entries.booked_on) - getvariable('today') as days_ahead,
                {
        _share('''
                    entries.booked_on < coalesce(from_on, opening_on, closing_on) - 31
                    or entries.booked_on > coalesce(to_on, closing_on) + 31
                ''')
    } as share_outside
            from raw.bank_entries as entries
            left join (
                select distinct on (statement_key) * from raw.bank_statements order by statement_key, batch_id
            ) as statements using (statement_key)
            where entries.batch_id > getvariable('agreed')
            group by entries.account_iban
        )
        select
            accounts.account_iban,
            coalesce(recent.rows >= {FEWEST_ROWS} and usual.rows >= {ENOUGH_HISTORY}, false) as is_comparable,
            case when is_comparable and usual.account_share >= 0.5
                then recent.account_share / usual.account_share end as payer_account_share_of_usual,
            case when is_comparable and usual.text_share >= 0.5
                then recent.text_share / usual.text_share end as payer_text_share_of_usual,
            case when is_comparable then recent.median_amount / usual.median_amount end as median_of_usual,
            case when is_comparable and usual.whole_share <= 0.7 then recent.whole_share end as whole_amount_share,
            case when dated.rows >= 5 then dated.share_outside end as share_outside_statement,
            case when dated.days_ahead > 7 then dated.days_ahead end as days_ahead
        from accounts
        left join recent using (account_iban)
        left join usual using (account_iban)
        left join dated using (account_iban)
        order by accounts.account_iban
    """,
    expected=_bank_entries_by_account,
)

SUITES: tuple[Suite, ...] = (
    INVOICES,
    INVOICES_BY_COMPANY,
    CUSTOMERS,
    CUSTOMERS_BY_COMPANY,
    COMPANIES,
    BANK_STATEMENTS,
    BANK_ENTRIES,
    BANK_ENTRIES_BY_ACCOUNT,
)
