with {{ left_after(["int_matches_laddered", "int_matches_charged"]) }},

final as (
    select * from items_left
)

select * from final
