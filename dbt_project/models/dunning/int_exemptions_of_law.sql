-- After a formal notice the customer has the term it gave: nothing is asked, and nobody hands over, before it is
-- over. The term counts in bank days from the day the letter left, or from its receipt where that was recorded later.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

stages_reached as (
    select * from {{ ref("int_stages_reached") }}
),

scenarios_chosen as (
    select * from {{ ref("int_scenarios_chosen") }}
),

steps as (
    select * from {{ ref("int_steps_in_force") }}
    where class = 'formal'
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

registered_letters as (
    select * from {{ ref("stg_register__registered_letters") }}
),

noticed as (
    select
        stages_reached.company_id,
        stages_reached.invoice_id,
        stages_reached.dispatched_on,
        greatest(stages_reached.dispatched_on, registered_letters.received_on) as counted_from_on,
        steps.pay_by_bank_days
    from stages_reached
    inner join scenarios_chosen
        on
            stages_reached.company_id = scenarios_chosen.company_id
            and stages_reached.invoice_id = scenarios_chosen.invoice_id
    inner join steps
        on
            scenarios_chosen.scenario_id = steps.scenario_id
            and stages_reached.stage_no = steps.stage_no
    left join registered_letters
        on
            stages_reached.company_id = registered_letters.company_id
            and stages_reached.communication_id = registered_letters.communication_id
),

termed as (
    select
        noticed.company_id,
        noticed.invoice_id,
        noticed.dispatched_on,
        last_day.date_day as ends_on
    from noticed
    inner join bank_days as first_day
        on noticed.counted_from_on = first_day.date_day
    inner join bank_days as last_day
        on
            first_day.bank_day_no + noticed.pay_by_bank_days = last_day.bank_day_no
            and last_day.is_bank_day
),

final as (
    select
        termed.company_id,
        termed.invoice_id,
        'legal_term_running' as reason_code,
        termed.dispatched_on as since_on,
        termed.ends_on
    from termed
    cross join business_day
    where termed.ends_on >= business_day.as_of_date
)

select * from final
