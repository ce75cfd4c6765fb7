-- Every reason to leave an open invoice out of messages today, with the day it began and the last day it lasts where
-- these are known. A new guard is a new file and a line here.
with recorded as (
    select * from {{ ref("int_exemptions_recorded") }}
),

of_doubt as (
    select * from {{ ref("int_exemptions_of_doubt") }}
),

of_relation as (
    select * from {{ ref("int_exemptions_of_relation") }}
),

of_law as (
    select * from {{ ref("int_exemptions_of_law") }}
),

of_registration as (
    select * from {{ ref("int_exemptions_of_registration") }}
),

gathered as (
    select
        recorded.company_id,
        recorded.invoice_id,
        recorded.reason_code,
        recorded.since_on,
        recorded.ends_on
    from recorded
    union all
    select
        of_law.company_id,
        of_law.invoice_id,
        of_law.reason_code,
        of_law.since_on,
        of_law.ends_on
    from of_law
    union all
    select
        of_doubt.company_id,
        of_doubt.invoice_id,
        of_doubt.reason_code,
        cast(null as date) as since_on,
        cast(null as date) as ends_on
    from of_doubt
    union all
    select
        of_relation.company_id,
        of_relation.invoice_id,
        of_relation.reason_code,
        cast(null as date) as since_on,
        cast(null as date) as ends_on
    from of_relation
    union all
    select
        of_registration.company_id,
        of_registration.invoice_id,
        of_registration.reason_code,
        cast(null as date) as since_on,
        cast(null as date) as ends_on
    from of_registration
),

-- Of two holds on one invoice the earlier beginning counts, and the later end; one without an end has none.
final as (
    select
        gathered.company_id,
        gathered.invoice_id,
        gathered.reason_code,
        min(gathered.since_on) as since_on,
        case when count(*) = count(gathered.ends_on) then max(gathered.ends_on) end as ends_on
    from gathered
    group by gathered.company_id, gathered.invoice_id, gathered.reason_code
)

select * from final
