with versions as (
    {{ ranked_versions("companies", ["company_id"]) }}
),

final as (
    select
        versions.company_id,
        versions.name,
        upper(versions.country) as country,
        {{ normalised_iban("split_part(versions.iban, ';', 1)") }} as iban,
        versions.bic,
        versions.vat_number,
        versions.registration_number,
        versions.creditor_id,
        versions.street,
        versions.postal_code,
        versions.city,
        versions.email_from,
        versions.phone,
        lower(versions.language) as language,
        versions.logo_path,
        coalesce(versions.can_deduct_vat, true) as can_deduct_vat,
        {{ size_class("versions.size_class") }} as size_class
    from versions
    where versions.version_rank = 1 and not versions.is_deleted
)

select * from final
