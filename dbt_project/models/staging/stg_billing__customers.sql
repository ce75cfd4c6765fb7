with versions as (
    {{ ranked_versions("customers", ["company_id", "customer_id"]) }}
),

final as (
    select
        versions.company_id,
        versions.customer_id,
        versions.name,
        upper(versions.country) as country,
        lower(versions.language) as language,
        versions.email,
        versions.phone,
        versions.street,
        versions.postal_code,
        versions.city,
        versions.vat_number,
        versions.registration_number,
        coalesce(versions.is_natural_person, false) as is_natural_person,
        versions.parent_customer_id,
        versions.account_manager,
        versions.collector,
        versions.payment_terms_days,
        versions.required_references,
        versions.credit_limit,
        versions.risk_class,
        versions.risk_source,
        versions.risk_on,
        versions.department,
        versions.created_on,
        versions.scenario_id,
        coalesce(versions.is_blocked, false) as is_blocked,
        {{ size_class("versions.size_class") }} as size_class
    from versions
    where versions.version_rank = 1 and not versions.is_deleted
)

select * from final
