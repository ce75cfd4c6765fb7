"""The suites on bank statements and entries: what each account usually books, and what payers write."""

from collections.abc import Mapping, Sequence
from typing import Any

from assets.landing.expected import AGREED, ENOUGH_HISTORY, ENOUGH_WEEKDAYS, FEWEST_ROWS, Expected, Suite, share

PAYER_TEXT = "coalesce(nullif(remittance, ''), structured_reference, end_to_end_id)"


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
        select count(*) as rows, {share(f"{PAYER_TEXT} is not null")} as share_with_text
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
                {share("counterparty_iban is not null")} as account_share,
                {share("payer_text is not null")} as text_share,
                {share("amount = floor(amount)")} as whole_share
            from incoming
            where batch_id > getvariable('agreed') or age <= {FEWEST_ROWS}
            group by account_iban
        ),
        usual as (
            select
                account_iban, count(*) as rows, median(cast(amount as double)) as median_amount,
                {share("counterparty_iban is not null")} as account_share,
                {share("payer_text is not null")} as text_share,
                {share("amount = floor(amount)")} as whole_share
            from incoming
            where {AGREED} and batch_id >= getvariable('since') and age > {FEWEST_ROWS}
            group by account_iban
        ),
        dated as (
            select
                entries.account_iban, count(*) as rows,
                max(entries.booked_on) - getvariable('today') as days_ahead,
                {
        share('''
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
