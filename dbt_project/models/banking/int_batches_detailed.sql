with bank_entries as (
    select * from {{ ref("stg_bank__entries") }}
    where details_lacking is not null
),

notified as (
    select * from {{ ref("stg_bank__notified_entries") }}
),

set_aside as (
    select weighed.statement_key
    from {{ ref("int_statements_weighed") }} as weighed
    where weighed.set_aside_reason is not null
),

repeated as (
    select * from {{ ref("int_entries_repeated") }}
),

-- A day may have run twice: of a sum and its details those stand that were placed last.
allocated as (
    select
        history.entry_key,
        max(history.seq) as seq
    from {{ ref("stg_operations__allocation_history") }} as history
    where
        history.entry_key in (select bank_entries.entry_key from bank_entries)
        or history.entry_key in (select notified.entry_key from notified)
    group by history.entry_key
),

confirmed as (
    select distinct match_answers.entry_key
    from {{ ref("stg_register__match_answers") }} as match_answers
    where match_answers.answer = 'confirmed'
),

sums as (
    select
        bank_entries.entry_key,
        bank_entries.account_iban,
        bank_entries.booked_on,
        bank_entries.amount,
        bank_entries.currency,
        bank_entries.details_lacking,
        bank_entries.payment_count,
        bank_entries.batch_id,
        nullif({{ normalised_reference("bank_entries.payment_batch_id") }}, '') as batch_reference,
        nullif({{ normalised_reference("bank_entries.servicer_reference") }}, '') as servicer_reference,
        nullif({{ normalised_reference("bank_entries.entry_reference") }}, '') as entry_reference
    from bank_entries
    left join set_aside
        on bank_entries.statement_key = set_aside.statement_key
    left join repeated
        on
            bank_entries.entry_key = repeated.entry_key
            and bank_entries.statement_key = repeated.statement_key
    where set_aside.statement_key is null and repeated.entry_key is null
),

told as (
    select
        notified.group_key,
        notified.statement_key,
        notified.account_iban,
        notified.currency,
        min(notified.batch_id) as batch_id,
        min(notified.booked_on) as booked_on,
        min(notified.ordinal) as first_ordinal,
        sum(notified.amount) as amount,
        count(*) as payment_count,
        case when min(notified.batch_reference) = max(notified.batch_reference) then min(notified.batch_reference) end
            as batch_reference,
        case
            when min(notified.servicer_reference) = max(notified.servicer_reference)
                then min(notified.servicer_reference)
        end as servicer_reference,
        case when min(notified.entry_reference) = max(notified.entry_reference) then min(notified.entry_reference) end
            as entry_reference,
        {{ multiset_hash("notified.content_key") }} as content_hash,
        {{ multiset_hash("cast(notified.amount as varchar)") }} as amounts_hash,
        max(allocated.seq) as allocated_seq
    from notified
    left join allocated
        on notified.entry_key = allocated.entry_key
    group by notified.group_key, notified.statement_key, notified.account_iban, notified.currency
),

-- The same details in another notification are known already: of those of one notification as many count as it tells.
counted_off as (
    select
        told.*,
        row_number() over (
            partition by told.account_iban, told.content_hash, told.statement_key
            order by told.first_ordinal, told.group_key
        ) as told_no
    from told
),

details as (
    select
        counted_off.*,
        row_number() over (
            partition by counted_off.account_iban, counted_off.content_hash, counted_off.told_no
            order by counted_off.batch_id, counted_off.statement_key, counted_off.group_key
        ) as telling_rank
    from counted_off
),

-- Named by the id of the batch, by the bank's reference of the booking, by its number in the message, or else by its
-- day, amount and number of payments.
named as (
    select
        sums.entry_key,
        details.group_key,
        1 as strength
    from sums
    inner join details
        on
            sums.account_iban = details.account_iban
            and sums.currency = details.currency
            and sums.batch_reference = details.batch_reference
    union all
    select
        sums.entry_key,
        details.group_key,
        1 as strength
    from sums
    inner join details
        on
            sums.account_iban = details.account_iban
            and sums.currency = details.currency
            and sums.servicer_reference = details.servicer_reference
    union all
    select
        sums.entry_key,
        details.group_key,
        2 as strength
    from sums
    inner join details
        on
            sums.account_iban = details.account_iban
            and sums.currency = details.currency
            and sums.booked_on = details.booked_on
            and sums.entry_reference = details.entry_reference
    union all
    select
        sums.entry_key,
        details.group_key,
        3 as strength
    from sums
    inner join details
        on
            sums.account_iban = details.account_iban
            and sums.currency = details.currency
            and sums.booked_on = details.booked_on
            and sums.payment_count = details.payment_count
            and sums.amount - details.amount = 0
            and coalesce(sums.batch_reference, details.batch_reference, '')
            = coalesce(details.batch_reference, sums.batch_reference, '')
    where sums.details_lacking <> 'plain' and details.payment_count > 1
),

strongest as (
    select
        named.entry_key,
        named.group_key,
        min(named.strength) as strength
    from named
    group by named.entry_key, named.group_key
),

-- What was known to belong together stays together: whatever comes later changes nothing of it.
links as (
    select
        strongest.entry_key,
        strongest.group_key,
        strongest.strength,
        greatest(sums.batch_id, details.batch_id) as known_batch_id,
        sums.booked_on - details.booked_on as days_apart,
        sums.amount - details.amount as missing_amount,
        details.amount as told_amount,
        details.payment_count as told_count,
        details.amounts_hash,
        details.batch_id,
        details.statement_key,
        details.first_ordinal,
        sums.amount - details.amount = 0
        and coalesce(sums.payment_count, details.payment_count) = details.payment_count
        and abs(sums.booked_on - details.booked_on) <= 10 as is_whole
    from strongest
    inner join sums
        on strongest.entry_key = sums.entry_key
    inner join details
        on strongest.group_key = details.group_key
    where details.telling_rank = 1
),

ranked as (
    select
        links.*,
        rank() over (
            partition by links.entry_key order by links.known_batch_id, links.strength
        ) as rank_of_kind,
        rank() over (
            partition by links.group_key order by links.known_batch_id, links.strength
        ) as rank_of_kind_in_group
    from links
    where links.is_whole
),

-- Twins, several equal sums and as many notified batches, are paired the first with the first.
paired as (
    select
        ranked.*,
        count(distinct ranked.amounts_hash) over (partition by ranked.entry_key) as reading_count,
        count(*) over (partition by ranked.group_key) as sum_count,
        row_number() over (
            partition by ranked.entry_key
            order by ranked.batch_id, ranked.statement_key, ranked.first_ordinal, ranked.group_key
        ) as group_no,
        row_number() over (
            partition by ranked.group_key order by abs(ranked.days_apart), ranked.entry_key
        ) as sum_no
    from ranked
    where ranked.rank_of_kind = 1 and ranked.rank_of_kind_in_group = 1
),

-- Two different readings of one sum: nobody knows which is right.
chosen as (
    select
        paired.entry_key,
        paired.group_key,
        row_number() over (partition by paired.entry_key order by paired.group_no) as choice_rank,
        row_number() over (partition by paired.group_key order by paired.sum_no) as chooser_rank
    from paired
    where paired.group_no = paired.sum_no and paired.reading_count <= paired.sum_count
),

told_otherwise as (
    select
        links.entry_key,
        links.told_amount,
        links.told_count,
        row_number() over (
            partition by links.entry_key order by links.strength, links.batch_id, links.group_key
        ) as telling_rank
    from links
    where links.strength < 3 and not links.is_whole and abs(links.days_apart) <= 10
),

contradicted as (
    select distinct paired.entry_key
    from paired
    where paired.reading_count > paired.sum_count
),

judged as (
    select
        sums.*,
        details.group_key,
        told_otherwise.told_amount,
        told_otherwise.told_count,
        contradicted.entry_key is not null as is_contradicted,
        told_otherwise.entry_key is not null as is_told_otherwise,
        case
            when allocated.seq is not null then coalesce(allocated.seq > details.allocated_seq, true)
            else confirmed.entry_key is not null and details.allocated_seq is null
        end as is_placed
    from sums
    left join chosen
        on
            sums.entry_key = chosen.entry_key
            and chosen.choice_rank = 1
            and chosen.chooser_rank = 1
    left join details
        on chosen.group_key = details.group_key
    left join told_otherwise
        on
            sums.entry_key = told_otherwise.entry_key
            and told_otherwise.telling_rank = 1
    left join contradicted
        on sums.entry_key = contradicted.entry_key
    left join allocated
        on sums.entry_key = allocated.entry_key
    left join confirmed
        on sums.entry_key = confirmed.entry_key
),

final as (
    select
        judged.entry_key,
        judged.account_iban,
        judged.booked_on,
        judged.amount,
        judged.currency,
        judged.details_lacking,
        judged.payment_count,
        judged.told_amount,
        judged.told_count,
        case when not judged.is_placed then judged.group_key end as group_key,
        case
            when judged.is_placed then 'placed'
            when judged.group_key is not null then 'detailed'
            when judged.is_contradicted then 'contradicted'
            when judged.is_told_otherwise then 'not_adding_up'
            else 'missing'
        end as state
    from judged
)

select * from final
