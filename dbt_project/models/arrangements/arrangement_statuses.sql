with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

arrangements as (
    select * from {{ ref("stg_register__arrangements") }}
),

arrangement_invoices as (
    select * from {{ ref("stg_register__arrangement_invoices") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

instalments as (
    select * from {{ ref("int_instalments_covered") }}
),

invoice_totals as (
    select
        arrangement_invoices.company_id,
        arrangement_invoices.arrangement_id,
        min(invoice_balances.currency) as currency,
        max(invoice_balances.open_amount) as largest_open_amount
    from arrangement_invoices
    inner join invoice_balances
        on
            arrangement_invoices.company_id = invoice_balances.company_id
            and arrangement_invoices.invoice_id = invoice_balances.invoice_id
    group by arrangement_invoices.company_id, arrangement_invoices.arrangement_id
),

instalment_totals as (
    select
        instalments.company_id,
        instalments.arrangement_id,
        count(*) as instalment_count,
        cast(sum(instalments.amount) as decimal(18, 2)) as covered,
        cast(sum(instalments.paid_amount) as decimal(18, 2)) as paid,
        min(case when instalments.paid_amount < instalments.amount then instalments.due_on end) as next_due_on,
        min(instalments.broken_on) as broken_on,
        min(instalments.policy_id) as policy_id
    from instalments
    group by instalments.company_id, instalments.arrangement_id
),

judged as (
    select
        arrangements.*,
        invoice_totals.currency,
        instalment_totals.instalment_count,
        instalment_totals.covered,
        instalment_totals.paid,
        instalment_totals.next_due_on,
        instalment_totals.policy_id,
        -- What was cancelled first cannot break any more, and the other way round.
        case
            when arrangements.cancelled_on is null or instalment_totals.broken_on < arrangements.cancelled_on
                then instalment_totals.broken_on
        end as broken_on,
        coalesce(invoice_totals.largest_open_amount <= 0, false)
        or coalesce(instalment_totals.paid >= instalment_totals.covered, false) as is_paid
    from arrangements
    left join invoice_totals
        on
            arrangements.company_id = invoice_totals.company_id
            and arrangements.arrangement_id = invoice_totals.arrangement_id
    left join instalment_totals
        on
            arrangements.company_id = instalment_totals.company_id
            and arrangements.arrangement_id = instalment_totals.arrangement_id
),

final as (
    select
        business_day.as_of_date,
        judged.company_id,
        judged.arrangement_id,
        judged.customer_id,
        case
            when judged.broken_on is not null then 'broken'
            when judged.cancelled_on is not null then 'cancelled'
            when judged.is_paid then 'fulfilled'
            else 'active'
        end as status,
        judged.method,
        judged.reason,
        judged.mandate_id,
        judged.agreed_on,
        judged.broken_on,
        judged.cancelled_on,
        judged.instalment_count,
        judged.currency,
        coalesce(judged.covered, 0) as covered,
        coalesce(judged.paid, 0) as paid,
        cast(coalesce(judged.covered, 0) - coalesce(judged.paid, 0) as decimal(18, 2)) as open,
        judged.next_due_on,
        judged.policy_id
    from judged
    cross join business_day
)

select * from final
