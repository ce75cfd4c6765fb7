with {{ left_after(later_rungs()) }},

final as (
    select * from entries_left
)

select * from final
