-- What each instalment has received, first in first out, now and on the last day before it would break the arrangement.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

arrangement_policy as (
    select * from {{ ref("int_arrangement_policy") }}
),

instalments as (
    select * from {{ ref("stg_register__arrangement_instalments") }}
),

receipts as (
    select * from {{ ref("int_arrangement_receipts") }}
),

-- Money that is surely the customer's may be the instalment, though nobody has said so yet.
unplaced as (
    select * from {{ ref("int_arrangement_unplaced") }}
),

days_known as (
    select * from {{ ref("int_days_known") }}
),

running as (
    select
        instalments.company_id,
        instalments.arrangement_id,
        instalments.instalment_no,
        instalments.due_on,
        instalments.amount,
        instalments.due_on + arrangement_policy.late_after_days as late_after_on,
        instalments.due_on + arrangement_policy.broken_after_days as deadline_on,
        arrangement_policy.broken_after_days,
        arrangement_policy.policy_id,
        cast(
            sum(instalments.amount) over (
                partition by instalments.company_id, instalments.arrangement_id
                order by instalments.instalment_no
            ) as decimal(18, 2)
        ) as amount_until_here
    from instalments
    cross join arrangement_policy
),

received as (
    select
        running.company_id,
        running.arrangement_id,
        running.instalment_no,
        cast(coalesce(sum(receipts.amount), 0) as decimal(18, 2)) as received_amount,
        cast(
            coalesce(sum(case when receipts.amount > 0 then receipts.amount end), 0) as decimal(18, 2)
        ) as gross_received_amount,
        cast(
            coalesce(sum(case when receipts.booked_on <= running.deadline_on then receipts.amount end), 0)
            as decimal(18, 2)
        ) as received_by_deadline_amount,
        max(case when receipts.amount < 0 then receipts.booked_on end) as last_reversed_on
    from running
    left join receipts
        on
            running.company_id = receipts.company_id
            and running.arrangement_id = receipts.arrangement_id
    group by running.company_id, running.arrangement_id, running.instalment_no
),

unplaced_by_deadline as (
    select
        running.company_id,
        running.arrangement_id,
        running.instalment_no,
        sum(unplaced.amount) as amount
    from running
    inner join unplaced
        on
            running.company_id = unplaced.company_id
            and running.arrangement_id = unplaced.arrangement_id
            and running.deadline_on >= unplaced.booked_on
    group by running.company_id, running.arrangement_id, running.instalment_no
),

covered as (
    select
        running.*,
        coalesce(unplaced_by_deadline.amount, 0) as unplaced_amount,
        -- Nothing is broken on a day of which a statement is still to come.
        coalesce(days_known.known_until_on, running.due_on) as known_until_on,
        received.received_amount,
        received.gross_received_amount,
        received.last_reversed_on,
        greatest(
            least(received.received_amount - (running.amount_until_here - running.amount), running.amount), 0
        ) as paid_amount,
        received.received_by_deadline_amount + coalesce(unplaced_by_deadline.amount, 0)
        >= running.amount_until_here as is_covered_by_deadline
    from running
    inner join received
        on
            running.company_id = received.company_id
            and running.arrangement_id = received.arrangement_id
            and running.instalment_no = received.instalment_no
    left join unplaced_by_deadline
        on
            running.company_id = unplaced_by_deadline.company_id
            and running.arrangement_id = unplaced_by_deadline.arrangement_id
            and running.instalment_no = unplaced_by_deadline.instalment_no
    left join days_known
        on running.company_id = days_known.company_id
),

final as (
    select
        covered.company_id,
        covered.arrangement_id,
        covered.instalment_no,
        covered.due_on,
        covered.amount,
        cast(covered.paid_amount as decimal(18, 2)) as paid_amount,
        covered.received_amount,
        covered.late_after_on,
        covered.policy_id,
        covered.paid_amount < covered.amount
        and covered.last_reversed_on is not null
        and covered.gross_received_amount >= covered.amount_until_here as is_reversed,
        -- After a reversal the clock starts at the day it was booked, not at the due date that was once met.
        case
            when
                not covered.is_covered_by_deadline
                and business_day.as_of_date > covered.deadline_on
                and covered.known_until_on >= covered.deadline_on
                then covered.deadline_on + 1
            when
                covered.is_covered_by_deadline
                and covered.paid_amount < covered.amount
                and covered.last_reversed_on is not null
                and covered.paid_amount + covered.unplaced_amount < covered.amount
                and covered.known_until_on
                >= greatest(covered.deadline_on, covered.last_reversed_on + covered.broken_after_days)
                and business_day.as_of_date
                > greatest(covered.deadline_on, covered.last_reversed_on + covered.broken_after_days)
                then greatest(covered.deadline_on, covered.last_reversed_on + covered.broken_after_days) + 1
        end as broken_on
    from covered
    cross join business_day
)

select * from final
