-- What is never in this track: key accounts belong to their account manager, consumers have other law, and nobody is
-- reminded of what a payment fell short by so little that it was placed all the same.
with open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

scenarios_chosen as (
    select * from {{ ref("int_scenarios_chosen") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

bank_entries as (
    select * from {{ ref("stg_bank__entries") }}
),

tolerances as (
    select * from {{ ref("reconciliation_tolerances") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

by_customer as (
    select
        customers.company_id,
        customers.customer_id,
        'natural_person' as reason_code
    from customers
    where customers.is_natural_person
),

-- What was missing for a reason, at most: the discount, or what the bank kept. It may be more than the share that is
-- too small to ask about.
paid_short as (
    select
        payment_allocations.company_id,
        payment_allocations.invoice_id,
        max(
            case
                when payment_allocations.rule_id = 'discount_taken'
                    then
                        {{
                            part_of(
                                "invoices.total_amount",
                                "cast(invoices.discount_percent * 10000 as bigint)",
                                1000000,
                            )
                        }} + tolerances.rounding_amount
                when payment_allocations.rule_id = 'short_by_bank_costs'
                    then greatest(
                        coalesce(bank_entries.charges_amount, 0),
                        case
                            when bank_entries.original_currency = bank_entries.currency
                                then bank_entries.original_amount - bank_entries.amount
                            else 0
                        end
                    )
            end
        ) as reason_amount
    from payment_allocations
    left join tolerances
        on payment_allocations.policy_id = tolerances.policy_id
    -- Its columns are handed to a macro, where the linter does not look.
    left join invoices -- noqa: ST11
        on
            payment_allocations.company_id = invoices.company_id
            and payment_allocations.invoice_id = invoices.invoice_id
    left join bank_entries
        on payment_allocations.entry_key = bank_entries.entry_key
    where payment_allocations.rung = 7
    group by payment_allocations.company_id, payment_allocations.invoice_id
),

final as (
    select
        open_items.company_id,
        open_items.invoice_id,
        'small_difference' as reason_code
    from paid_short
    cross join dunning_policy
    inner join open_items
        on
            paid_short.company_id = open_items.company_id
            and paid_short.invoice_id = open_items.invoice_id
            and (
                open_items.open_amount * 10000
                <= open_items.total_amount * dunning_policy.small_difference_basis_points
                or paid_short.reason_amount >= open_items.open_amount
            )
    union all
    -- By segment, or because a person put the customer or the invoice into the hands of the account manager.
    select
        scenarios_chosen.company_id,
        scenarios_chosen.invoice_id,
        'key_account' as reason_code
    from scenarios_chosen
    where scenarios_chosen.segment = 'key' or scenarios_chosen.scenario_id = 'key_account'
    union all
    select
        open_items.company_id,
        open_items.invoice_id,
        by_customer.reason_code
    from by_customer
    inner join open_items
        on
            by_customer.company_id = open_items.company_id
            and by_customer.customer_id = open_items.customer_id
)

select * from final
