with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

batches as (
    select * from {{ ref("int_batches_detailed") }}
),

account_owners as (
    select * from {{ ref("stg_billing__account_owners") }}
),

statement_policy as (
    select * from {{ ref("statement_policy") }}
),

accepted_gaps as (
    select * from {{ ref("accepted_gaps") }}
),

-- An entry without details that nothing calls a sum is a payment of unknown payer, as any other.
waiting as (
    select
        batches.*,
        account_owners.company_id
    from batches
    inner join account_owners
        on batches.account_iban = account_owners.account_iban
    where
        batches.amount > 0
        and batches.details_lacking <> 'plain'
        and batches.state in ('missing', 'not_adding_up', 'contradicted')
),

policies as (
    select
        waiting.entry_key,
        statement_policy.policy_id,
        statement_policy.details_hold_days,
        row_number() over (
            partition by waiting.entry_key
            order by
                case
                    when statement_policy.account_iban <> '*' then 1
                    when statement_policy.company_id <> '*' then 2
                    else 3
                end
        ) as particular_rank
    from waiting
    inner join statement_policy
        on
            statement_policy.company_id in ('*', waiting.company_id)
            and statement_policy.account_iban in ('*', waiting.account_iban)
            and waiting.booked_on >= statement_policy.valid_from
            and coalesce(statement_policy.valid_to, waiting.booked_on) >= waiting.booked_on
),

accepted as (
    select distinct waiting.entry_key
    from waiting
    cross join business_day
    inner join accepted_gaps
        on
            waiting.company_id = accepted_gaps.company_id
            and waiting.account_iban = accepted_gaps.account_iban
            and waiting.booked_on between accepted_gaps.from_on and accepted_gaps.to_on
            and business_day.as_of_date >= accepted_gaps.accepted_on
),

final as (
    select
        waiting.entry_key,
        waiting.company_id,
        business_day.as_of_date,
        waiting.account_iban,
        waiting.booked_on,
        waiting.amount,
        waiting.currency,
        waiting.payment_count,
        waiting.state,
        waiting.booked_on + cast(coalesce(policies.details_hold_days, 0) as integer) as hold_until_on,
        accepted.entry_key is null
        and business_day.as_of_date
        <= waiting.booked_on + cast(coalesce(policies.details_hold_days, 0) as integer) as is_holding,
        policies.policy_id,
        case
            when waiting.payment_count is not null
                then 'A batch of ' || waiting.payment_count || ' payments, booked as one sum of '
            else 'A batch of payments, booked as one sum of '
        end
        || waiting.amount || ' ' || waiting.currency || ' on ' || waiting.booked_on || ': '
        || case waiting.state
            when 'not_adding_up'
                then
                    'the ' || waiting.told_count || ' details notified of it make ' || waiting.told_amount
                    || ', so they are not used. Ask the bank who paid.'
            when 'contradicted'
                then 'two notifications tell different details of it, so neither is used. Ask the bank who paid.'
            when 'missing'
                then
                    case waiting.details_lacking
                        when 'incomplete' then 'the details in the statement do not make that sum. '
                        else 'the statement does not say who paid. '
                    end
                    || 'Deliver the notification (camt.054) with its details, or ask the bank for them.'
        end as message
    from waiting
    cross join business_day
    left join policies
        on
            waiting.entry_key = policies.entry_key
            and policies.particular_rank = 1
    left join accepted
        on waiting.entry_key = accepted.entry_key
)

select * from final
