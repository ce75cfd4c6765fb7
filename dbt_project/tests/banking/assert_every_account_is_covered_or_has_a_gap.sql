-- A row here is an account that is not covered up to the day asked for, with no gap to hold its payers.
{{ config(meta={"dagster": {"ref": {"name": "account_coverage"}}}) }}

select
    account_coverage.company_id,
    account_coverage.account_iban
from {{ ref("account_coverage") }} as account_coverage
left join {{ ref("statement_gaps") }} as statement_gaps
    on
        account_coverage.company_id = statement_gaps.company_id
        and account_coverage.account_iban = statement_gaps.account_iban
where not account_coverage.is_covered and statement_gaps.account_iban is null
