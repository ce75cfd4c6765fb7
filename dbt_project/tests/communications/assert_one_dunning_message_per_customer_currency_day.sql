{{ config(meta={"dagster": {"ref": {"name": "communications_due"}}}) }}

-- A row here is a customer that would get two dunning messages in one currency on one day.
select
    communications_due.as_of_date,
    communications_due.company_id,
    communications_due.customer_id,
    communications_due.currency,
    count(*) as message_count
from {{ ref("communications_due") }} as communications_due
inner join {{ ref("stg_control__business_day") }} as today
    on communications_due.as_of_date = today.as_of_date
where communications_due.message_kind in {{ dunning_kinds() }}
group by
    communications_due.as_of_date,
    communications_due.company_id,
    communications_due.customer_id,
    communications_due.currency
having count(*) > 1
