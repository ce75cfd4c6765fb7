with versions as (
    {{ ranked_versions("orders", ["company_id", "customer_id", "order_number"]) }}
),

final as (
    select
        versions.company_id,
        versions.customer_id,
        versions.order_number,
        versions.project_number
    from versions
    where versions.version_rank = 1 and not versions.is_deleted
)

select * from final
