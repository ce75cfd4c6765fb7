-- A row here proposes money that is not there, or an invoice that takes nothing.
{{ config(meta={"dagster": {"ref": {"name": "match_proposals"}}}) }}

select
    match_proposals.entry_key,
    match_proposals.invoice_id,
    match_proposals.proposed_amount,
    unapplied_payments.unapplied_amount
from {{ ref("match_proposals") }} as match_proposals
left join {{ ref("unapplied_payments") }} as unapplied_payments
    on match_proposals.entry_key = unapplied_payments.entry_key
where
    match_proposals.proposed_amount <= 0
    or coalesce(unapplied_payments.unapplied_amount, 0) < match_proposals.proposed_amount
