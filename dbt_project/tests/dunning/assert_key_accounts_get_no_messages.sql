{{ config(meta={"dagster": {"ref": {"name": "dunning_notices"}}}) }}

-- A row here is a message planned today for a key account: key accounts are served by people only.
with notices as (
    select * from {{ ref("dunning_notices") }}
),

customer_segments as (
    select * from {{ ref("customer_segments") }}
)

select notices.*
from notices
inner join customer_segments
    on
        notices.company_id = customer_segments.company_id
        and notices.customer_id = customer_segments.customer_id
where customer_segments.segment = 'key'
