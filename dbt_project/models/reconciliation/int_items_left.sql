with {{ left_after(later_rungs()) }},

final as (
    select * from items_left
)

select * from final
