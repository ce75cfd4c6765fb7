with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

decisions as (
    select dunning_decisions.*
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join {{ ref("stg_control__business_day") }} as today
        on dunning_decisions.as_of_date = today.as_of_date
),

disputes as (
    select * from {{ ref("stg_register__disputes") }}
),

task_outcomes as (
    select * from {{ ref("stg_register__task_outcomes") }}
),

outcome_rules as (
    select outcome_rules.*
    from {{ ref("outcome_rules") }} as outcome_rules
    cross join business_day
    where {{ in_force("outcome_rules") }}
),

-- Numbers are written by hand in a second document, so they are compared without their decoration.
originals as (
    select
        invoices.company_id,
        invoices.customer_id,
        invoices.invoice_id,
        invoices.invoice_number,
        invoices.currency,
        invoices.normalised_number,
        invoices.is_cancelled
    from invoices
    where invoices.kind = 'invoice'
),

credit_notes as (
    select
        originals.company_id,
        originals.invoice_id,
        credit_notes_issued.invoice_id as credit_note_id,
        credit_notes_issued.invoice_number as credit_note_number,
        credit_notes_issued.issued_on as credited_on,
        credit_notes_issued.total_amount as credited_amount,
        row_number() over (
            partition by originals.company_id, originals.invoice_id
            order by credit_notes_issued.issued_on desc, credit_notes_issued.invoice_id desc
        ) as newest_rank
    from invoices as credit_notes_issued
    inner join originals
        on
            credit_notes_issued.company_id = originals.company_id
            and credit_notes_issued.customer_id = originals.customer_id
            and {{ normalised_reference("credit_notes_issued.credits_invoice_number") }} = originals.normalised_number
    where credit_notes_issued.kind = 'credit_note' and not credit_notes_issued.is_cancelled
),

replacements as (
    select
        originals.company_id,
        originals.invoice_id,
        replacing.invoice_id as replacement_id,
        replacing.invoice_number as replacement_number,
        replacing.issued_on as replaced_on,
        replacing.total_amount as replacement_amount,
        row_number() over (
            partition by originals.company_id, originals.invoice_id
            order by replacing.issued_on desc, replacing.invoice_id desc
        ) as newest_rank
    from invoices as replacing
    inner join originals
        on
            replacing.company_id = originals.company_id
            and replacing.customer_id = originals.customer_id
            and replacing.invoice_id <> originals.invoice_id
            and {{ normalised_reference("replacing.replaces_invoice_number") }} = originals.normalised_number
    where replacing.kind = 'invoice' and not replacing.is_cancelled
),

asked as (
    select
        disputes.company_id,
        disputes.invoice_id,
        disputes.closed_on as asked_on
    from disputes
    where disputes.outcome = 'credit_and_rebill'
    union all
    select
        task_outcomes.company_id,
        task_outcomes.invoice_id,
        task_outcomes.effective_on
    from task_outcomes
    inner join outcome_rules
        on
            outcome_rules.task_kind in (task_outcomes.task_kind, '*')
            and task_outcomes.outcome = outcome_rules.outcome
    where outcome_rules.raises_task_kind = 'credit_and_rebill'
    union all
    select
        replacements.company_id,
        replacements.invoice_id,
        replacements.replaced_on
    from replacements
    where replacements.newest_rank = 1
),

chains as (
    select
        asked.company_id,
        asked.invoice_id,
        min(asked.asked_on) as asked_on
    from asked
    group by asked.company_id, asked.invoice_id
),

final as (
    select
        business_day.as_of_date,
        chains.company_id,
        originals.customer_id,
        chains.invoice_id,
        originals.invoice_number,
        originals.currency,
        chains.asked_on,
        credit_notes.credit_note_id,
        credit_notes.credit_note_number,
        credit_notes.credited_on,
        cast(credit_notes.credited_amount as decimal(18, 2)) as credited_amount,
        replacements.replacement_id,
        replacements.replacement_number,
        replacements.replaced_on,
        cast(replacements.replacement_amount as decimal(18, 2)) as replacement_amount,
        -- The new invoice has terms and a track of its own: nothing of the old one's stages goes over to it.
        invoice_balances.due_on as replacement_due_on,
        decisions.previous_stage_no as replacement_stage_no,
        case
            when credit_notes.credit_note_id is null and not originals.is_cancelled then 'credit_owed'
            when replacements.replacement_id is null then 'replacement_owed'
            else 'complete'
        end as state,
        case
            when
                replacements.replacement_id is not null
                and (credit_notes.credit_note_id is not null or originals.is_cancelled)
                then greatest(replacements.replaced_on, coalesce(credit_notes.credited_on, replacements.replaced_on))
        end as completed_on
    from chains
    cross join business_day
    inner join originals
        on
            chains.company_id = originals.company_id
            and chains.invoice_id = originals.invoice_id
    left join credit_notes
        on
            chains.company_id = credit_notes.company_id
            and chains.invoice_id = credit_notes.invoice_id
            and credit_notes.newest_rank = 1
    left join replacements
        on
            chains.company_id = replacements.company_id
            and chains.invoice_id = replacements.invoice_id
            and replacements.newest_rank = 1
    left join invoice_balances
        on
            replacements.company_id = invoice_balances.company_id
            and replacements.replacement_id = invoice_balances.invoice_id
    left join decisions
        on
            replacements.company_id = decisions.company_id
            and replacements.replacement_id = decisions.invoice_id
)

select * from final
