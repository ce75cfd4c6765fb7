-- A dispute is acknowledged, with the part that goes on as before; and when it was settled by a credit note and a new
-- invoice, the three documents are named together.
with disputes as (
    select * from {{ ref("int_disputes_to_acknowledge") }}
),

rebills as (
    select * from {{ ref("int_rebills_to_tell") }}
),

gathered as (
    select
        disputes.company_id,
        disputes.customer_id,
        disputes.currency,
        'dispute_received' as message_kind,
        disputes.occasion,
        disputes.class,
        disputes.requires_release,
        disputes.undisputed_amount as items_amount,
        case when disputes.undisputed_amount > 0 then disputes.pay_by_on end as pay_by_on,
        disputes.due_on as oldest_due_on,
        {{ json_object({
            "opened_on": "cast(disputes.opened_on as varchar)",
            "line_numbers": "disputes.line_numbers",
            "disputed_amount": "cast(disputes.disputed_amount as varchar)",
            "what_continues": "case when disputes.undisputed_amount > 0 then 'part' end",
            "still_due_on": "case when disputes.is_not_yet_due then cast(disputes.due_on as varchar) end",
        }) }} as particulars,
        disputes.policy_id
    from disputes
    union all
    select
        rebills.company_id,
        rebills.customer_id,
        rebills.currency,
        'rebill_notice' as message_kind,
        rebills.occasion,
        rebills.class,
        rebills.requires_release,
        rebills.open_amount as items_amount,
        rebills.pay_by_on,
        rebills.due_on as oldest_due_on,
        {{ json_object({
            "original_invoice_number": "rebills.original_invoice_number",
            "credit_note_number": "rebills.credit_note_number",
            "credited_amount": "cast(rebills.credited_amount as varchar)",
        }) }} as particulars,
        rebills.policy_id
    from rebills
),

final as (
    select
        gathered.company_id,
        gathered.customer_id,
        gathered.currency,
        gathered.message_kind,
        gathered.occasion,
        gathered.class,
        cast(null as varchar) as scenario_id,
        cast(0 as bigint) as stage_no,
        cast(0 as bigint) as cycle,
        cast(null as varchar) as channel_decided,
        gathered.requires_release,
        gathered.items_amount,
        cast(0 as decimal(18, 2)) as credit_amount,
        gathered.items_amount as total_amount,
        gathered.pay_by_on,
        gathered.oldest_due_on,
        cast(null as varchar) as next_message_kind,
        cast(null as date) as next_step_on,
        gathered.particulars,
        gathered.policy_id
    from gathered
)

select * from final
