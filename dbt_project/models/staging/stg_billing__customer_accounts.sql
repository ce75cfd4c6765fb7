with versions as (
    {{ ranked_versions("customers", ["company_id", "customer_id"]) }}
),

accounts as (
    select
        versions.company_id,
        versions.customer_id,
        {{ normalised_iban("account.element") }} as iban
    from versions
    cross join {{ unnested(split_text("versions.iban", ";"), "account") }}
    where versions.version_rank = 1 and not versions.is_deleted
),

final as (
    select distinct
        accounts.company_id,
        accounts.customer_id,
        accounts.iban
    from accounts
    where accounts.iban is not null
)

select * from final
