-- Money surely from a customer with an arrangement, booked since it was agreed, that is placed on no invoice yet.
with arrangements as (
    select * from {{ ref("stg_register__arrangements") }}
),

unapplied_payments as (
    select * from {{ ref("unapplied_payments") }}
),

final as (
    select
        arrangements.company_id,
        arrangements.arrangement_id,
        unapplied_payments.entry_key,
        unapplied_payments.booked_on,
        unapplied_payments.unapplied_amount as amount
    from arrangements
    inner join unapplied_payments
        on
            arrangements.company_id = unapplied_payments.company_id
            and arrangements.customer_id = unapplied_payments.customer_id
    where
        unapplied_payments.booked_on >= arrangements.agreed_on
        and unapplied_payments.unapplied_amount > 0
        and unapplied_payments.reason <> 'not_a_receipt'
)

select * from final
