-- A row here is money on an account that no company ever called its own: landing should have refused the file.
{{ config(meta={"dagster": {"ref": {"name": "entries"}}}) }}

select
    bank_entries.entry_key,
    bank_entries.account_iban
from {{ ref("stg_bank__entries") }} as bank_entries
left join {{ ref("entries") }} as entries
    on bank_entries.entry_key = entries.entry_key
where entries.entry_key is null
