with versions as (
    {{ ranked_versions("invoice_lines", ["company_id", "invoice_id", "line_number"]) }}
),

final as (
    select
        versions.company_id,
        versions.invoice_id,
        versions.line_number,
        versions.description,
        versions.line_amount,
        versions.quantity,
        versions.unit_price,
        versions.order_line
    from versions
    where versions.version_rank = 1 and not versions.is_deleted
)

select * from final
