with decisions as (
    select dunning_decisions.*
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join {{ ref("stg_control__business_day") }} as today
        on dunning_decisions.as_of_date = today.as_of_date
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

reasons as (
    select reason_order.*
    from {{ ref("reason_order") }} as reason_order
    cross join {{ ref("stg_control__business_day") }} as business_day
    where {{ in_force("reason_order") }}
),

final as (
    select
        decisions.as_of_date,
        decisions.company_id,
        decisions.customer_id,
        customers.name as customer_name,
        customers.country as customer_country,
        customers.department,
        decisions.invoice_id,
        invoice_balances.invoice_number,
        invoice_balances.issued_on,
        decisions.due_on,
        decisions.days_overdue,
        invoice_balances.ageing_bucket,
        decisions.currency,
        invoice_balances.total_amount,
        invoice_balances.paid_amount,
        decisions.open_amount,
        invoice_balances.disputed_amount,
        decisions.segment,
        decisions.payer_profile,
        decisions.previous_stage_no,
        decisions.stage_no,
        decisions.action,
        decisions.reason_code,
        reasons.sentence as reason,
        decisions.next_step_on,
        decisions.last_dispatched_on
    from decisions
    inner join invoice_balances
        on
            decisions.company_id = invoice_balances.company_id
            and decisions.invoice_id = invoice_balances.invoice_id
    left join customers
        on
            decisions.company_id = customers.company_id
            and decisions.customer_id = customers.customer_id
    left join reasons
        on decisions.reason_code = reasons.reason_code
)

select * from final
