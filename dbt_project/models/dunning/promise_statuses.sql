with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

promises as (
    select * from {{ ref("stg_register__promises") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

customers_held as (
    select distinct
        company_id,
        customer_id
    from {{ ref("customers_held_by_gap") }}
),

promised as (
    select
        promises.company_id,
        promises.promise_id,
        promises.seq,
        promises.invoice_id,
        promises.promised_on,
        promises.promised_on + dunning_policy.promise_grace_days as ends_on,
        promises.amount,
        promises.made_on,
        promises.withdrawn_on,
        promises.recorded_by,
        invoice_balances.customer_id,
        invoice_balances.currency,
        invoice_balances.open_amount,
        dunning_policy.policy_id
    from promises
    cross join dunning_policy
    inner join invoice_balances
        on
            promises.company_id = invoice_balances.company_id
            and promises.invoice_id = invoice_balances.invoice_id
),

-- What came in time. Money that went back since, whenever it did, is taken off again: the verdict starts anew.
received as (
    select
        promised.company_id,
        promised.promise_id,
        sum(payment_allocations.amount) filter (
            where payment_allocations.amount < 0 or payment_allocations.booked_on <= promised.ends_on
        ) as paid_amount,
        max(payment_allocations.booked_on) filter (
            where payment_allocations.amount > 0 and payment_allocations.booked_on <= promised.ends_on
        ) as last_paid_on,
        count(*) filter (
            where payment_allocations.amount > 0 and payment_allocations.booked_on > promised.ends_on
        ) as late_count
    from promised
    inner join payment_allocations
        on
            promised.company_id = payment_allocations.company_id
            and promised.invoice_id = payment_allocations.invoice_id
            and promised.made_on <= payment_allocations.booked_on
    where payment_allocations.component = 'principal'
    group by promised.company_id, promised.promise_id
),

gathered as (
    select
        promised.company_id,
        promised.promise_id,
        min(promised.seq) as seq,
        min(promised.customer_id) as customer_id,
        min(promised.currency) as currency,
        max(promised.amount) as amount,
        min(promised.promised_on) as promised_on,
        min(promised.ends_on) as ends_on,
        min(promised.made_on) as made_on,
        case when count(*) = count(promised.withdrawn_on) then max(promised.withdrawn_on) end as withdrawn_on,
        min(promised.recorded_by) as recorded_by,
        count(*) as invoice_count,
        sum(greatest(promised.open_amount, 0)) as open_amount,
        min(promised.policy_id) as policy_id
    from promised
    group by promised.company_id, promised.promise_id
),

judged as (
    select
        gathered.*,
        greatest(coalesce(received.paid_amount, 0), 0) as paid_amount,
        received.last_paid_on,
        case
            when coalesce(received.paid_amount, 0) >= gathered.amount then 'kept'
            -- Nothing is left to pay and nothing came late: a credit note took the rest away.
            when gathered.open_amount = 0 and coalesce(received.late_count, 0) = 0 then 'kept'
            when gathered.withdrawn_on <= business_day.as_of_date then 'withdrawn'
            when business_day.as_of_date <= gathered.ends_on then 'open'
            -- Nothing is broken on a day we do not know.
            when customers_held.customer_id is not null then 'open'
            when coalesce(received.paid_amount, 0) > 0 then 'partly_kept'
            else 'broken'
        end as status
    from gathered
    cross join business_day
    left join received
        on
            gathered.company_id = received.company_id
            and gathered.promise_id = received.promise_id
    left join customers_held
        on
            gathered.company_id = customers_held.company_id
            and gathered.customer_id = customers_held.customer_id
),

-- How often a promise about one of these invoices was broken or withdrawn before.
counted_by_invoice as (
    select
        promised.company_id,
        promised.promise_id,
        count(*) filter (where judged.status in ('broken', 'withdrawn')) over (
            partition by promised.company_id, promised.invoice_id
            order by promised.seq rows between unbounded preceding and 1 preceding
        ) as broken_before
    from promised
    inner join judged
        on
            promised.company_id = judged.company_id
            and promised.promise_id = judged.promise_id
),

counted as (
    select
        counted_by_invoice.company_id,
        counted_by_invoice.promise_id,
        max(counted_by_invoice.broken_before) as broken_before
    from counted_by_invoice
    group by counted_by_invoice.company_id, counted_by_invoice.promise_id
),

final as (
    select
        business_day.as_of_date,
        judged.company_id,
        judged.promise_id,
        judged.customer_id,
        judged.currency,
        cast(judged.amount as decimal(18, 2)) as promised_amount,
        cast(judged.paid_amount as decimal(18, 2)) as paid_amount,
        judged.invoice_count,
        judged.made_on,
        judged.promised_on,
        judged.ends_on,
        judged.status,
        case judged.status
            when 'kept' then judged.last_paid_on
            when 'withdrawn' then judged.withdrawn_on
            when 'open' then null
            else judged.ends_on + 1
        end as judged_on,
        counted.broken_before,
        judged.recorded_by,
        judged.policy_id
    from judged
    cross join business_day
    inner join counted
        on
            judged.company_id = counted.company_id
            and judged.promise_id = counted.promise_id
)

select * from final
