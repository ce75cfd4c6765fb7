-- One row per open invoice: what it is, whose it is, which scenario it follows and how far along it is.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

customer_segments as (
    select * from {{ ref("customer_segments") }}
),

payer_profiles as (
    select * from {{ ref("payer_profiles") }}
),

scenarios as (
    select * from {{ ref("scenarios") }}
),

stages_reached as (
    select * from {{ ref("int_stages_reached") }}
),

scenarios_begun as (
    select * from {{ ref("int_scenarios_begun") }}
),

tracks_resumed as (
    select * from {{ ref("int_tracks_resumed") }}
),

scenario_choices as (
    select * from {{ ref("scenario_choices") }}
),

scenarios_in_force as (
    select scenarios.*
    from scenarios
    cross join business_day
    where {{ in_force("scenarios") }}
),

choices_in_force as (
    select scenario_choices.*
    from scenario_choices
    cross join business_day
    where {{ in_force("scenario_choices") }}
),

final as (
    select
        open_items.company_id,
        open_items.customer_id,
        open_items.invoice_id,
        open_items.currency,
        open_items.open_amount,
        cast(open_items.open_amount - open_items.disputed_amount as decimal(18, 2)) as claimable_amount,
        open_items.issued_on,
        open_items.due_on,
        open_items.days_overdue,
        coalesce(customer_segments.segment, 'standard') as segment,
        coalesce(payer_profiles.payer_profile, 'new') as payer_profile,
        -- A person's choice first, then what was begun, then what the segment says.
        coalesce(
            chosen.scenario_id,
            case when coalesce(customer_segments.segment, 'standard') <> 'key' then begun.scenario_id end,
            by_segment.scenario_id
        ) as scenario_id,
        stages_reached.stage_no as reached_stage_no,
        stages_reached.dispatched_on as reached_on,
        stages_reached.is_proved as is_reached_proved,
        1 + coalesce(tracks_resumed.cycles_opened, 0) as cycle,
        tracks_resumed.resumed_on
    from open_items
    left join customers
        on
            open_items.company_id = customers.company_id
            and open_items.customer_id = customers.customer_id
    left join customer_segments
        on
            open_items.company_id = customer_segments.company_id
            and open_items.customer_id = customer_segments.customer_id
    left join payer_profiles
        on
            open_items.company_id = payer_profiles.company_id
            and open_items.customer_id = payer_profiles.customer_id
    left join stages_reached
        on
            open_items.company_id = stages_reached.company_id
            and open_items.invoice_id = stages_reached.invoice_id
    left join scenarios_begun
        on
            open_items.company_id = scenarios_begun.company_id
            and open_items.invoice_id = scenarios_begun.invoice_id
    left join tracks_resumed
        on
            open_items.company_id = tracks_resumed.company_id
            and open_items.invoice_id = tracks_resumed.invoice_id
    left join scenarios_in_force as chosen
        on customers.scenario_id = chosen.scenario_id
    left join scenarios_in_force as begun
        on scenarios_begun.scenario_id = begun.scenario_id
    left join choices_in_force as by_segment
        on coalesce(customer_segments.segment, 'standard') = coalesce(nullif(by_segment.segment, ''), 'standard')
)

select * from final
