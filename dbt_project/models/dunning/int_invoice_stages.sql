-- One row per open invoice: what it is, whose it is, which scenario it follows and how far along it is.
with open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

scenarios_chosen as (
    select * from {{ ref("int_scenarios_chosen") }}
),

stages_reached as (
    select * from {{ ref("int_stages_reached") }}
),

tracks_resumed as (
    select * from {{ ref("int_tracks_resumed") }}
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
        scenarios_chosen.segment,
        scenarios_chosen.payer_profile,
        scenarios_chosen.scenario_id,
        scenarios_chosen.scenario_reason,
        scenarios_chosen.policy_id as choice_policy_id,
        stages_reached.stage_no as reached_stage_no,
        stages_reached.dispatched_on as reached_on,
        stages_reached.last_acted_on,
        stages_reached.is_proved as is_reached_proved,
        1 + coalesce(tracks_resumed.cycles_opened, 0) as cycle,
        tracks_resumed.resumed_on,
        tracks_resumed.promise_broken_on,
        tracks_resumed.instalment_missed_on,
        open_items.last_paid_on
    from open_items
    inner join scenarios_chosen
        on
            open_items.company_id = scenarios_chosen.company_id
            and open_items.invoice_id = scenarios_chosen.invoice_id
    left join stages_reached
        on
            open_items.company_id = stages_reached.company_id
            and open_items.invoice_id = stages_reached.invoice_id
    left join tracks_resumed
        on
            open_items.company_id = tracks_resumed.company_id
            and open_items.invoice_id = tracks_resumed.invoice_id
)

select * from final
