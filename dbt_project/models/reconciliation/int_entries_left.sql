with {{ left_after(["int_matches_laddered", "int_matches_charged"]) }},

final as (
    select * from entries_left
)

select * from final
