with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

-- What today's own earlier runs allocated is not read: the day is computed again from the facts.
recorded as (
    select allocation.*
    from {{ source("raw", "allocations") }} as allocation
    cross join business_day
    where allocation.as_of_date < business_day.as_of_date
),

-- A key that occurs once needs no ranking, and nearly all do: rows are told apart by a number first, and only those
-- whose number occurs twice are compared.
numbered as (
    select
        recorded.seq,
        {{ hashed(["recorded.entry_key", "recorded.company_id", "recorded.invoice_id", "recorded.component"]) }}
            as key_hash
    from recorded
),

repeated_numbers as (
    select numbered.key_hash
    from numbered
    group by numbered.key_hash
    having count(*) > 1
),

ranked as (
    select
        recorded.seq,
        row_number() over (
            partition by recorded.entry_key, recorded.company_id, recorded.invoice_id, recorded.component
            order by recorded.seq desc
        ) as version_rank
    from recorded
    inner join numbered
        on recorded.seq = numbered.seq
    inner join repeated_numbers
        on numbered.key_hash = repeated_numbers.key_hash
),

older_versions as (
    select ranked.seq
    from ranked
    where ranked.version_rank > 1
),

last_of_days as (
    select
        recorded.as_of_date,
        max(recorded.seq) as seq
    from recorded
    group by recorded.as_of_date
),

last_runs as (
    select
        last_of_days.as_of_date,
        recorded.run_id
    from last_of_days
    inner join recorded
        on last_of_days.seq = recorded.seq
),

final as (
    select
        recorded.seq,
        recorded.run_id,
        recorded.as_of_date,
        recorded.entry_key,
        recorded.company_id,
        recorded.customer_id,
        recorded.invoice_id,
        recorded.component,
        recorded.amount,
        recorded.currency,
        recorded.rung,
        recorded.rule_id,
        recorded.evidence,
        recorded.policy_id,
        recorded.allocated_on,
        -- A day may have run more than once; what only an earlier run of it allocated can be in the way of the last.
        recorded.run_id = last_runs.run_id as is_of_last_run
    from recorded
    inner join last_runs
        on recorded.as_of_date = last_runs.as_of_date
    left join older_versions
        on recorded.seq = older_versions.seq
    where older_versions.seq is null
)

select * from final
