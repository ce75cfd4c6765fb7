-- What is missing or refused at the door: bank statements and rows of the billing extract. Each of them holds
-- customers.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

statement_gaps as (
    select * from {{ ref("statement_gaps") }}
),

row_problems as (
    select * from {{ ref("stg_billing__row_problems") }}
),

unresolved_invoices as (
    select * from {{ ref("stg_register__unresolved_invoices") }}
),

match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

entries as (
    select * from {{ ref("entries") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

gaps as (
    select
        'statement_gap' as task_kind,
        statement_gaps.company_id,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as invoice_id,
        concat_ws(
            '/', statement_gaps.account_iban, statement_gaps.kind, cast(min(statement_gaps.from_on) as varchar)
        ) as opening_fact,
        coalesce(min(statement_gaps.from_on), min(business_day.as_of_date)) as opened_on,
        max(statement_gaps.message) as reason
    from statement_gaps
    cross join business_day
    group by statement_gaps.company_id, statement_gaps.account_iban, statement_gaps.kind
),

corrections as (
    select
        'correction' as task_kind,
        row_problems.company_id,
        row_problems.customer_id,
        row_problems.invoice_id,
        concat_ws('/', row_problems.table_name, row_problems.code) as opening_fact,
        business_day.as_of_date as opened_on,
        'A row of ' || row_problems.table_name || ' was refused: ' || coalesce(row_problems.message, row_problems.code)
            as reason
    from row_problems
    cross join business_day
),

-- A dispute or a promise on an invoice nobody knows holds nothing: somebody must say which invoice was meant.
unresolved as (
    select
        'correction' as task_kind,
        unresolved_invoices.company_id,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as invoice_id,
        concat_ws('/', 'register', cast(unresolved_invoices.seq as varchar), unresolved_invoices.stated_invoice)
            as opening_fact,
        unresolved_invoices.effective_on as opened_on,
        'The record ' || replace(unresolved_invoices.kind, '_', ' ') || ' of ' || unresolved_invoices.recorded_by
        || ' names invoice ' || coalesce(unresolved_invoices.stated_invoice, 'none') || ': '
        || replace(coalesce(unresolved_invoices.problem, 'invoice_unknown'), '_', ' ') as reason
    from unresolved_invoices
),

-- An answer about a payment that nobody can carry out: no such entry, or money of another currency.
answers as (
    select
        'correction' as task_kind,
        match_answers.company_id,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as invoice_id,
        concat_ws('/', 'register', cast(match_answers.seq as varchar), match_answers.entry_key) as opening_fact,
        match_answers.answered_on as opened_on,
        'The answer of ' || match_answers.recorded_by || ' names bank entry ' || match_answers.entry_key
        || case
            when entries.entry_key is null then ': no entry of this company has that key'
            else
                ' for ' || invoices.invoice_number || ': the payment is in ' || entries.currency
                || ' and the invoice in ' || invoices.currency
        end as reason
    from match_answers
    left join entries
        on
            match_answers.company_id = entries.company_id
            and match_answers.entry_key = entries.entry_key
    left join invoices
        on
            match_answers.company_id = invoices.company_id
            and match_answers.invoice_id = invoices.invoice_id
    where
        entries.entry_key is null
        or (match_answers.answer = 'confirmed' and entries.currency <> invoices.currency)
),

gathered as (
    select * from gaps
    union all
    select * from answers
    union all
    select distinct unresolved.* from unresolved
    union all
    select
        corrections.task_kind,
        corrections.company_id,
        corrections.customer_id,
        corrections.invoice_id,
        corrections.opening_fact,
        corrections.opened_on,
        min(corrections.reason) as reason
    from corrections
    group by
        corrections.task_kind,
        corrections.company_id,
        corrections.customer_id,
        corrections.invoice_id,
        corrections.opening_fact,
        corrections.opened_on
),

final as (
    select
        gathered.task_kind,
        gathered.company_id,
        gathered.customer_id,
        gathered.invoice_id,
        gathered.opening_fact,
        gathered.opened_on,
        cast(null as date) as expires_on,
        false as is_waiting,
        cast(null as date) as closed_on,
        cast(null as varchar) as currency,
        cast(null as decimal(18, 2)) as amount,
        gathered.reason,
        cast(null as varchar) as policy_id
    from gathered
)

select * from final
