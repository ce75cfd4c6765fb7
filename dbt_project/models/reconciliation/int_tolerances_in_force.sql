with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

reconciliation_tolerances as (
    select * from {{ ref("reconciliation_tolerances") }}
),

final as (
    select
        reconciliation_tolerances.policy_id,
        reconciliation_tolerances.min_number_length,
        reconciliation_tolerances.min_significant_length,
        reconciliation_tolerances.min_order_number_length,
        reconciliation_tolerances.min_customer_number_length,
        reconciliation_tolerances.max_read_items,
        reconciliation_tolerances.max_balance_items,
        reconciliation_tolerances.learning_dates,
        reconciliation_tolerances.learning_expiry_days,
        reconciliation_tolerances.learning_min_amount,
        reconciliation_tolerances.learning_span_days,
        reconciliation_tolerances.return_days,
        reconciliation_tolerances.mandate_return_days,
        reconciliation_tolerances.max_proposals,
        reconciliation_tolerances.discount_grace_days,
        reconciliation_tolerances.rounding_amount,
        reconciliation_tolerances.small_difference_amount,
        reconciliation_tolerances.small_difference_basis_points,
        reconciliation_tolerances.possible_payer_bank_days,
        reconciliation_tolerances.other_currency_bank_days,
        reconciliation_tolerances.possible_payer_basis_points,
        reconciliation_tolerances.habit_days,
        reconciliation_tolerances.habit_payments,
        reconciliation_tolerances.heeds_payer_name,
        reconciliation_tolerances.heeds_customer_in_text,
        reconciliation_tolerances.named_ahead_days,
        reconciliation_tolerances.slip_days,
        reconciliation_tolerances.min_piece_length,
        reconciliation_tolerances.piece_spare_digits,
        reconciliation_tolerances.subset_open_items,
        reconciliation_tolerances.subset_items,
        reconciliation_tolerances.subset_accidents,
        reconciliation_tolerances.subset_steps,
        reconciliation_tolerances.subset_run_steps
    from reconciliation_tolerances
    cross join business_day
    where
        reconciliation_tolerances.valid_from <= business_day.as_of_date
        and coalesce(reconciliation_tolerances.valid_to, business_day.as_of_date) >= business_day.as_of_date
)

select * from final
