with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

weighed as (
    select * from {{ ref("int_statements_weighed") }}
),

final as (
    select
        weighed.statement_key,
        weighed.company_id,
        business_day.as_of_date,
        weighed.account_iban,
        weighed.currency,
        weighed.format,
        weighed.format_family,
        weighed.statement_id,
        weighed.sequence_no,
        weighed.from_on,
        weighed.to_on,
        weighed.opening_amount,
        weighed.closing_on,
        weighed.closing_amount,
        weighed.entry_count,
        weighed.set_aside_reason is null as is_counted,
        weighed.set_aside_reason,
        weighed.counts_instead_key,
        weighed.arrival_no,
        weighed.file_sha256,
        weighed.ordinal,
        weighed.batch_id
    from weighed
    cross join business_day
    where coalesce(weighed.closing_on, weighed.to_on) <= business_day.as_of_date
)

select * from final
