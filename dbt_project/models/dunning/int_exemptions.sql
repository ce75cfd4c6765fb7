-- Every reason to leave an open invoice out of messages today. A new guard is a new file and a line here.
with recorded as (
    select * from {{ ref("int_exemptions_recorded") }}
),

of_doubt as (
    select * from {{ ref("int_exemptions_of_doubt") }}
),

of_relation as (
    select * from {{ ref("int_exemptions_of_relation") }}
),

final as (
    select
        recorded.company_id,
        recorded.invoice_id,
        recorded.reason_code
    from recorded
    union
    select
        of_doubt.company_id,
        of_doubt.invoice_id,
        of_doubt.reason_code
    from of_doubt
    union
    select
        of_relation.company_id,
        of_relation.invoice_id,
        of_relation.reason_code
    from of_relation
)

select * from final
