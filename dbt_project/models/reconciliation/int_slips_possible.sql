-- Placed on the invoice whose number the text names, while the number of another open one of that customer and amount
-- is one slip away: one sign, or two neighbours swapped. The placing stands, and yet the other may be what was paid.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

items_left as (
    select * from {{ ref("int_items_left") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

placed as (
    select
        payment_allocations.entry_key,
        payment_allocations.company_id,
        payment_allocations.customer_id,
        payment_allocations.invoice_id,
        payment_allocations.currency,
        payment_allocations.amount,
        payment_allocations.booked_on
    from payment_allocations
    cross join business_day
    cross join tolerances
    where
        payment_allocations.booked_on >= business_day.as_of_date - cast(tolerances.slip_days as integer)
        and payment_allocations.rung = 3
        and payment_allocations.component = 'principal'
        and payment_allocations.amount > 0
),

prices_placed as (
    select distinct
        placed.company_id,
        placed.customer_id,
        placed.currency,
        placed.amount
    from placed
),

-- Only of what is due can anybody be reminded.
siblings as (
    select
        items_left.company_id,
        items_left.customer_id,
        items_left.currency,
        items_left.open_amount as amount,
        items_left.invoice_id,
        items_left.invoice_number,
        items_left.issued_on,
        items_left.due_on,
        {{ normalised_reference("items_left.invoice_number") }} as number
    from items_left
    inner join prices_placed
        on
            items_left.company_id = prices_placed.company_id
            and items_left.customer_id = prices_placed.customer_id
            and items_left.currency = prices_placed.currency
            and items_left.open_amount = prices_placed.amount
    cross join business_day
    where items_left.due_on < business_day.as_of_date
),

prices_open as (
    select distinct
        siblings.company_id,
        siblings.customer_id,
        siblings.currency,
        siblings.amount
    from siblings
),

named as (
    select
        placed.*,
        invoices.invoice_number,
        invoices.due_on,
        {{ normalised_reference("invoices.invoice_number") }} as number
    from placed
    inner join prices_open
        on
            placed.company_id = prices_open.company_id
            and placed.customer_id = prices_open.customer_id
            and placed.currency = prices_open.currency
            and placed.amount = prices_open.amount
    inner join invoices
        on
            placed.company_id = invoices.company_id
            and placed.invoice_id = invoices.invoice_id
),

-- Two numbers one slip apart are the same but for two neighbouring signs: they are found by what is left without these,
-- so that not every number of a large customer is held beside every other.
named_blotted as (
    select
        named.*,
        {{ without_pair("named.number", "place.element") }} as rest
    from named
    cross join {{ unnested(places_of_pairs("named.number"), "place") }}
),

siblings_blotted as (
    select
        siblings.*,
        {{ without_pair("siblings.number", "place.element") }} as rest
    from siblings
    cross join {{ unnested(places_of_pairs("siblings.number"), "place") }}
),

final as (
    select distinct
        named_blotted.entry_key,
        named_blotted.company_id,
        siblings_blotted.customer_id,
        siblings_blotted.invoice_id,
        named_blotted.invoice_number as placed_number,
        named_blotted.due_on as placed_due_on,
        named_blotted.amount,
        named_blotted.currency,
        named_blotted.booked_on,
        named_blotted.booked_on + cast(tolerances.slip_days as integer) as last_on
    from named_blotted
    inner join siblings_blotted
        on
            named_blotted.company_id = siblings_blotted.company_id
            and named_blotted.customer_id = siblings_blotted.customer_id
            and named_blotted.currency = siblings_blotted.currency
            and named_blotted.rest = siblings_blotted.rest
            and named_blotted.amount - siblings_blotted.amount = 0
            and named_blotted.booked_on >= siblings_blotted.issued_on
            and {{ is_one_edit_apart("named_blotted.number", "siblings_blotted.number") }}
    cross join tolerances
)

select * from final
