-- An invoice finishes the scenario it began: one row per invoice whose last reminder names the scenario it was sent
-- under.
with stages_reached as (
    select * from {{ ref("int_stages_reached") }}
),

sent_messages as (
    select * from {{ ref("stg_operations__sent_messages") }}
),

begun as (
    select
        stages_reached.company_id,
        stages_reached.invoice_id,
        sent_messages.row_json,
        row_number() over (
            partition by stages_reached.company_id, stages_reached.invoice_id
            order by sent_messages.seq desc
        ) as newest_rank
    from stages_reached
    inner join sent_messages
        on stages_reached.communication_id = sent_messages.communication_id
    where stages_reached.stage_no > 0
),

final as (
    select
        begun.company_id,
        begun.invoice_id,
        {{ json_text("begun.row_json", "scenario_id") }} as scenario_id
    from begun
    where begun.newest_rank = 1
)

select * from final
