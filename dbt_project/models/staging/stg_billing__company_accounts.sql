with versions as (
    {{ ranked_versions("companies", ["company_id"]) }}
),

accounts as (
    select
        versions.company_id,
        {{ normalised_iban("account.element") }} as account_iban,
        account.position
    from versions
    cross join {{ unnested(split_text("versions.iban", ";"), "account") }}
    where versions.version_rank = 1 and not versions.is_deleted
),

final as (
    select
        accounts.company_id,
        accounts.account_iban,
        min(accounts.position) as position
    from accounts
    where accounts.account_iban is not null
    group by accounts.company_id, accounts.account_iban
)

select * from final
