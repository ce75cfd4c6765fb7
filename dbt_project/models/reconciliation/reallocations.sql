with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

standing as (
    select * from {{ ref("int_standing_judged") }}
),

returned as (
    select * from {{ ref("int_matches_returned") }}
),

returns_paired as (
    select * from {{ ref("int_returns_paired") }}
),

previous_bank_day as (
    select previous.date_day
    from business_day
    inner join bank_days as yesterday
        on business_day.as_of_date - 1 = yesterday.date_day
    inner join bank_days as previous
        on
            yesterday.bank_day_no = previous.bank_day_no
            and previous.is_bank_day
),

undone as (
    select
        standing.company_id,
        standing.customer_id,
        standing.invoice_id,
        standing.entry_key,
        standing.amount,
        standing.currency,
        standing.undone_reason as reason,
        standing.undone_on,
        standing.undone_evidence as evidence
    from standing
    cross join previous_bank_day
    where
        (
            standing.undone_reason in ('rejected_by_person', 'account_revoked')
            and standing.undone_on >= previous_bank_day.date_day
        )
        or (standing.undone_reason = 'contrary_evidence' and standing.is_newly_contradicted)
    union all
    select
        standing.company_id,
        standing.current_customer_id as customer_id,
        standing.invoice_id,
        standing.entry_key,
        standing.amount,
        standing.currency,
        'returned' as reason,
        returns_paired.returned_on as undone_on,
        returned.evidence
    from returned
    inner join returns_paired
        on returned.entry_key = returns_paired.return_key
    inner join standing
        on
            returns_paired.original_key = standing.entry_key
            and returned.company_id = standing.company_id
            and returned.invoice_id = standing.invoice_id
            and standing.undone_reason is null
),

final as (
    select
        undone.entry_key,
        undone.company_id,
        business_day.as_of_date,
        undone.customer_id,
        undone.invoice_id,
        undone.amount,
        undone.currency,
        undone.reason,
        undone.undone_on,
        undone.evidence
    from undone
    cross join business_day
)

select * from final
