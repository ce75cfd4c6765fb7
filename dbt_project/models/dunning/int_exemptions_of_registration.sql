-- Who collects for others, or claims that were assigned to him, needs a registration before he may ask a natural person
-- in the Netherlands for money (Wki, in force since 1 April 2024): sole traders too. Collecting one's own needs none.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

third_party_collectors as (
    select third_party_collectors.*
    from {{ ref("third_party_collectors") }} as third_party_collectors
    cross join business_day
    where {{ in_force("third_party_collectors") }}
),

final as (
    select
        open_items.company_id,
        open_items.invoice_id,
        'not_registered' as reason_code
    from open_items
    inner join customers
        on
            open_items.company_id = customers.company_id
            and open_items.customer_id = customers.customer_id
            and customers.is_natural_person
            and customers.country = 'NL'
    inner join third_party_collectors
        on
            open_items.company_id = third_party_collectors.company_id
            and nullif(trim(third_party_collectors.register_number), '') is null
)

select * from final
