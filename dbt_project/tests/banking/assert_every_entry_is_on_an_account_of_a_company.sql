-- A row here is money on an account that no company ever called its own: landing should have refused the file. Or it is
-- money of a statement that does not count.
{{ config(meta={"dagster": {"ref": {"name": "entries"}}}) }}

select
    bank_entries.entry_key,
    bank_entries.account_iban
from {{ ref("stg_bank__entries") }} as bank_entries
left join {{ ref("stg_billing__account_owners") }} as account_owners
    on bank_entries.account_iban = account_owners.account_iban
where account_owners.account_iban is null
union all
select
    entries.entry_key,
    entries.account_iban
from {{ ref("entries") }} as entries
inner join {{ ref("statements") }} as statements
    on entries.statement_key = statements.statement_key
where not statements.is_counted
