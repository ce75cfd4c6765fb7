with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

accounts as (
    select * from {{ ref("int_payer_accounts_learnt") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

final as (
    select
        accounts.company_id,
        business_day.as_of_date,
        accounts.iban,
        accounts.customer_id,
        accounts.state,
        accounts.is_trusted and accounts.customer_count = 1 as is_identifying,
        accounts.is_declared,
        accounts.first_seen_on,
        accounts.last_seen_on,
        accounts.date_count,
        accounts.revoked_on,
        case
            when accounts.preset_holder is not null
                then
                    'The holder, "' || accounts.preset_holder || '", pays for many ('
                    || replace(accounts.preset_kind, '_', ' ') || ').'
            when accounts.preset_kind is not null
                then 'Policy says that this account pays for many (' || replace(accounts.preset_kind, '_', ' ') || ').'
            when accounts.state = 'expired'
                then
                    'Last seen on ' || accounts.last_seen_on || ', more than ' || tolerances.learning_expiry_days
                    || ' days ago.'
            when accounts.is_contradicted
                then
                    'A payment of ' || accounts.last_seen_on
                    || ' names documents of this customer in full, and the account is known as another customer''s.'
            when accounts.state = 'shared'
                then
                    'Used for ' || accounts.customer_count
                    || ' customers of different families: it does not say who paid.'
            when accounts.is_confirmed then 'A person confirmed a payment from it.'
            when accounts.state = 'revoked'
                then accounts.revoked_evidence || ' Not seen often enough since.'
            when accounts.is_declared and accounts.customer_count > 1
                then
                    'Billing or a mandate names it; ' || accounts.customer_count
                    || ' customers of one family use it.'
            when accounts.is_declared then 'Billing or a mandate names it.'
            when accounts.state = 'trusted'
                then
                    'Exact payments on ' || accounts.date_count || ' days, ' || accounts.first_counted_on || ' to '
                    || accounts.last_counted_on || '.'
            when accounts.state = 'corroborated'
                then
                    'Exact payments on ' || accounts.date_count || ' days, ' || accounts.first_counted_on || ' to '
                    || accounts.last_counted_on || ': less than ' || tolerances.learning_span_days || ' days apart.'
            when accounts.date_count = 0
                then 'Only exact payments of less than ' || tolerances.learning_min_amount || '.'
            else
                'Exact payments on ' || accounts.date_count || ' day(s); ' || tolerances.learning_dates
                || ' are needed.'
        end as evidence,
        tolerances.policy_id
    from accounts
    cross join tolerances
    cross join business_day
)

select * from final
