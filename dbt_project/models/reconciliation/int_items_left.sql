{% set rungs = [
    "int_matches_confirmed",
    "int_matches_end_to_end",
    "int_matches_reference",
    "int_matches_numbers",
    "int_matches_numbers_together",
    "int_matches_instalment",
    "int_matches_payer_amount",
    "int_matches_short",
] -%}
with {{ left_after(rungs) }},

final as (
    select * from items_left
)

select * from final
