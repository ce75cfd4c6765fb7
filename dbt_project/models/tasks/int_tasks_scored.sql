-- What makes a task urgent, part by part: its kind, the money, how long it has been late, whose it is, how risky
-- that customer is and how many promises it broke. Each part has its points from the policy; the sum is the order
-- of the day.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

tasks_raised as (
    select * from {{ ref("int_tasks_raised") }}
),

tasks_followed_up as (
    select * from {{ ref("int_tasks_followed_up") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

customer_segments as (
    select * from {{ ref("customer_segments") }}
),

credit_risks as (
    select * from {{ ref("credit_risks") }}
),

promise_statuses as (
    select * from {{ ref("promise_statuses") }}
),

kinds as (
    select task_kinds.*
    from {{ ref("task_kinds") }} as task_kinds
    cross join business_day
    where {{ in_force("task_kinds") }}
),

points as (
    select priority_points.*
    from {{ ref("priority_points") }} as priority_points
    cross join business_day
    where {{ in_force("priority_points") }}
),

gathered as (
    select * from tasks_raised
    union all
    select * from tasks_followed_up
),

oldest_of_customers as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        max(invoice_balances.days_overdue) as days_overdue
    from invoice_balances
    where invoice_balances.open_amount > 0
    group by invoice_balances.company_id, invoice_balances.customer_id
),

broken_by_customer as (
    select
        promise_statuses.company_id,
        promise_statuses.customer_id,
        count(*) as broken_count
    from promise_statuses
    where promise_statuses.status = 'broken'
    group by promise_statuses.company_id, promise_statuses.customer_id
),

-- A task about an invoice is as old as that is overdue, one about a customer as its oldest item, any other as itself.
weighed as (
    select
        gathered.*,
        kinds.priority,
        cast(kinds.priority as varchar) as priority_text,
        greatest(
            coalesce(
                invoice_balances.days_overdue,
                oldest_of_customers.days_overdue,
                business_day.as_of_date - gathered.opened_on
            ),
            0
        ) as age_days,
        case when gathered.customer_id is not null then coalesce(customer_segments.segment, 'standard') end as segment,
        case when gathered.customer_id is not null then coalesce(credit_risks.risk_class, 'unknown') end as risk_class,
        coalesce(broken_by_customer.broken_count, 0) as broken_promise_count
    from gathered
    cross join business_day
    inner join kinds
        on gathered.task_kind = kinds.task_kind
    left join invoice_balances
        on
            gathered.company_id = invoice_balances.company_id
            and gathered.invoice_id = invoice_balances.invoice_id
    left join oldest_of_customers
        on
            gathered.company_id = oldest_of_customers.company_id
            and gathered.customer_id = oldest_of_customers.customer_id
    left join customer_segments
        on
            gathered.company_id = customer_segments.company_id
            and gathered.customer_id = customer_segments.customer_id
    left join credit_risks
        on
            gathered.company_id = credit_risks.company_id
            and gathered.customer_id = credit_risks.customer_id
    left join broken_by_customer
        on
            gathered.company_id = broken_by_customer.company_id
            and gathered.customer_id = broken_by_customer.customer_id
),

currencies_with_points as (
    select distinct points.currency
    from points
    where points.part = 'amount'
),

-- The highest step of a part that is reached; an amount in a currency without steps of its own takes those of `*`.
pointed as (
    select
        weighed.task_id,
        max(case when points.part = 'kind' then points.points end) as kind_points,
        max(case when points.part = 'amount' then points.points end) as amount_points,
        max(case when points.part = 'age' then points.points end) as age_points,
        max(case when points.part = 'segment' then points.points end) as segment_points,
        max(case when points.part = 'risk' then points.points end) as risk_points,
        max(case when points.part = 'broken_promises' then points.points end) as broken_promise_points
    from weighed
    left join currencies_with_points
        on weighed.currency = currencies_with_points.currency
    inner join points
        on
            (points.part = 'kind' and weighed.priority_text = points.value)
            or (
                points.part = 'amount'
                and coalesce(currencies_with_points.currency, '*') = points.currency
                and abs(weighed.amount) >= points.minimum
            )
            or (points.part = 'age' and weighed.age_days >= points.minimum)
            or (points.part = 'segment' and weighed.segment = points.value)
            or (points.part = 'risk' and weighed.risk_class = points.value)
            or (points.part = 'broken_promises' and weighed.broken_promise_count >= points.minimum)
    group by weighed.task_id
),

policy as (
    select max(points.policy_id) as policy_id
    from points
),

final as (
    select
        weighed.*,
        coalesce(pointed.kind_points, 0) as kind_points,
        coalesce(pointed.amount_points, 0) as amount_points,
        coalesce(pointed.age_points, 0) as age_points,
        coalesce(pointed.segment_points, 0) as segment_points,
        coalesce(pointed.risk_points, 0) as risk_points,
        coalesce(pointed.broken_promise_points, 0) as broken_promise_points,
        policy.policy_id as points_policy_id
    from weighed
    cross join policy
    left join pointed
        on weighed.task_id = pointed.task_id
)

select * from final
