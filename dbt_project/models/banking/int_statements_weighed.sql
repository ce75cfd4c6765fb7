with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

continued as (
    select * from {{ ref("int_statements_continued") }}
),

account_owners as (
    select * from {{ ref("stg_billing__account_owners") }}
),

account_sources as (
    select * from {{ ref("account_sources") }}
),

statement_choices as (
    select * from {{ ref("statement_choices") }}
),

choices as (
    select
        statement_choices.statement_key,
        bool_or(statement_choices.is_counted) as is_counted
    from statement_choices
    cross join business_day
    where business_day.as_of_date >= statement_choices.decided_on
    group by statement_choices.statement_key
),

-- In the order in which they came; of one batch by format, then by what they say, so that the order of files within a
-- run decides nothing. What a person chose comes before everything.
owned as (
    select
        continued.*,
        account_owners.company_id,
        continued.closing_amount - continued.opening_amount as booked_amount,
        coalesce(choices.is_counted, false) as is_chosen,
        coalesce(not choices.is_counted, false) as is_refused,
        row_number() over (
            order by
                case when choices.is_counted then 1 else 2 end,
                continued.batch_id,
                case continued.format_family when 'camt.053' then 1 when 'coda' then 2 else 3 end,
                continued.from_on,
                continued.to_on,
                continued.sequence_no,
                continued.statement_key
        ) as arrival_no
    from continued
    inner join account_owners
        on continued.account_iban = account_owners.account_iban
    left join choices
        on continued.statement_key = choices.statement_key
    where not continued.is_informative
),

-- The sources asked for on the days of a statement: those of the account, else of the company, else the general ones.
asked_sources as (
    select
        owned.statement_key,
        account_sources.format,
        rank() over (
            partition by owned.statement_key
            order by
                case
                    when account_sources.account_iban <> '*' then 1
                    when account_sources.company_id <> '*' then 2
                    else 3
                end
        ) as particular_rank
    from owned
    cross join business_day
    inner join account_sources
        on
            account_sources.company_id in ('*', owned.company_id)
            and account_sources.account_iban in ('*', owned.account_iban)
            and owned.to_on >= account_sources.valid_from
            and owned.from_on <= coalesce(account_sources.valid_to, owned.from_on)
            and business_day.as_of_date >= coalesce(account_sources.decided_on, account_sources.valid_from)
),

-- One day of another source is enough: half a statement cannot count.
foreign_to_the_source as (
    select distinct asked_sources.statement_key
    from asked_sources
    inner join owned
        on asked_sources.statement_key = owned.statement_key
    where asked_sources.particular_rank = 1 and asked_sources.format <> owned.format_family
),

reached as (
    select
        owned.*,
        case
            when owned.is_chosen then null
            when owned.is_refused then 'refused_by_person'
            when foreign_to_the_source.statement_key is not null then 'not_the_source'
        end as ruled_out_reason,
        max(owned.to_on) over (
            partition by owned.account_iban, owned.currency
            order by owned.from_on, owned.to_on, owned.statement_key
            rows between unbounded preceding and 1 preceding
        ) as reached_on
    from owned
    left join foreign_to_the_source
        on owned.statement_key = foreign_to_the_source.statement_key
),

-- Statements whose days hang together: only within one such stretch can one be told twice.
stretched as (
    select
        reached.*,
        count(*) filter (where reached.reached_on is null or reached.from_on > reached.reached_on) over (
            partition by reached.account_iban, reached.currency
            order by reached.from_on, reached.to_on, reached.statement_key
            rows between unbounded preceding and current row
        ) as stretch_no
    from reached
),

told_twice as (
    select
        later.statement_key,
        earlier.statement_key as earlier_key,
        earlier.arrival_no as earlier_arrival_no,
        earlier.is_chosen as is_earlier_chosen,
        later.ruled_out_reason is null and earlier.ruled_out_reason is null as is_between_candidates,
        case
            when later.format_family <> earlier.format_family then 'other_format'
            when
                later.from_on = earlier.from_on and later.to_on = earlier.to_on
                then
                    case
                        when later.opening_amount <> earlier.opening_amount then null
                        when
                            later.closing_amount = earlier.closing_amount
                            and later.content_hash = earlier.content_hash
                            then 'copy'
                        -- Two that move the balance cannot both begin where it stood; two that do not, can.
                        when later.booked_amount <> 0 and earlier.booked_amount <> 0 then 'contradiction'
                    end
            when
                (later.from_on > earlier.from_on and later.to_on < earlier.to_on)
                or (later.from_on < earlier.from_on and later.to_on > earlier.to_on)
                or least(later.to_on, earlier.to_on) > greatest(later.from_on, earlier.from_on)
                then 'overlap'
            -- One shared day may be a day cut in two; not when both begin, or both end, at the same balance.
            when later.booked_amount = 0 or earlier.booked_amount = 0 then null
            when later.from_on = earlier.from_on and later.opening_amount = earlier.opening_amount then 'overlap'
            when later.to_on = earlier.to_on and later.closing_amount = earlier.closing_amount then 'overlap'
        end as kind
    from stretched as later
    inner join stretched as earlier
        on
            later.account_iban = earlier.account_iban
            and later.currency = earlier.currency
            and later.stretch_no = earlier.stretch_no
            and later.from_on <= earlier.to_on
            and later.to_on >= earlier.from_on
            and later.statement_key <> earlier.statement_key
),

candidates as (
    select
        stretched.statement_key,
        stretched.arrival_no
    from stretched
    where stretched.ruled_out_reason is null
),

rivals as (
    select
        told_twice.statement_key,
        told_twice.earlier_key,
        told_twice.earlier_arrival_no,
        told_twice.kind
    from told_twice
    inner join candidates
        on told_twice.statement_key = candidates.statement_key
    where
        told_twice.kind is not null
        and told_twice.is_between_candidates
        and told_twice.earlier_arrival_no < candidates.arrival_no
),

{{ first_come_first_served(4) }},

-- Which statement counts instead: of those that tell the same days the one that came first.
superseding as (
    select
        told_twice.statement_key,
        told_twice.earlier_key as counts_instead_key,
        case when told_twice.is_earlier_chosen then 'refused_by_person' else told_twice.kind end as kind,
        row_number() over (
            partition by told_twice.statement_key
            order by told_twice.kind is null, told_twice.earlier_arrival_no
        ) as superseding_rank
    from told_twice
    inner join counted_4
        on told_twice.earlier_key = counted_4.statement_key
),

final as (
    select
        stretched.statement_key,
        stretched.company_id,
        stretched.account_iban,
        stretched.currency,
        stretched.format,
        stretched.format_family,
        stretched.statement_id,
        stretched.sequence_no,
        stretched.from_on,
        stretched.to_on,
        stretched.opening_amount,
        stretched.closing_on,
        stretched.closing_amount,
        stretched.entry_count,
        stretched.file_sha256,
        stretched.ordinal,
        stretched.batch_id,
        stretched.arrival_no,
        case
            when stretched.ruled_out_reason is not null then stretched.ruled_out_reason
            when counted_4.statement_key is null then coalesce(superseding.kind, 'unsettled')
        end as set_aside_reason,
        case when counted_4.statement_key is null then superseding.counts_instead_key end as counts_instead_key
    from stretched
    left join counted_4
        on stretched.statement_key = counted_4.statement_key
    left join superseding
        on
            stretched.statement_key = superseding.statement_key
            and superseding.superseding_rank = 1
)

select * from final
