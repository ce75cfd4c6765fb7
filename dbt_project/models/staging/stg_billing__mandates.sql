with versions as (
    {{ ranked_versions("mandates", ["company_id", "mandate_id"]) }}
),

final as (
    select
        versions.company_id,
        versions.mandate_id,
        versions.customer_id,
        versions.scheme,
        {{ normalised_iban("versions.iban") }} as iban,
        versions.bic,
        versions.signed_on,
        versions.status,
        versions.last_used_on
    from versions
    where versions.version_rank = 1 and not versions.is_deleted
)

select * from final
