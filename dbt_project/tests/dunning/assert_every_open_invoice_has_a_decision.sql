{{ config(meta={"dagster": {"ref": {"name": "dunning_decisions"}}}) }}

-- A row here is an open invoice without exactly one decision of today, or a decision about another amount: somebody
-- forgotten, or somebody decided about twice.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

decisions as (
    select
        dunning_decisions.company_id,
        dunning_decisions.invoice_id,
        count(*) as decision_count,
        sum(dunning_decisions.open_amount) as open_amount
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join business_day
        on dunning_decisions.as_of_date = business_day.as_of_date
    group by dunning_decisions.company_id, dunning_decisions.invoice_id
)

select
    coalesce(open_items.company_id, decisions.company_id) as company_id,
    coalesce(open_items.invoice_id, decisions.invoice_id) as invoice_id,
    open_items.open_amount as open_amount_in_balances,
    decisions.open_amount as open_amount_in_decisions,
    decisions.decision_count
from open_items
full outer join decisions
    on
        open_items.company_id = decisions.company_id
        and open_items.invoice_id = decisions.invoice_id
where
    open_items.invoice_id is null
    or decisions.invoice_id is null
    or decisions.decision_count <> 1
    or open_items.open_amount <> decisions.open_amount
