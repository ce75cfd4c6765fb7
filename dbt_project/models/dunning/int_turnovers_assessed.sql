-- One row per customer and currency: what was invoiced, credit notes taken off, in the months before each assessment.
-- All documents are read once; the assessments are columns, since a row for each would be twelve times as many.
with invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

assessments as (
    select * from {{ ref("int_assessments") }}
),

windows as (
    select
        {% for number in assessment_numbers() -%}
            max(case when assessments.assessment_no = {{ number }} then assessments.window_from_on end)
                as from_on_{{ number }},
            max(case when assessments.assessment_no = {{ number }} then assessments.assessed_on end)
                as to_on_{{ number }},
        {% endfor -%}
        min(assessments.window_from_on) as first_from_on,
        max(assessments.assessed_on) as last_to_on
    from assessments
),

documents as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        invoice_balances.currency,
        invoice_balances.issued_on,
        invoice_balances.total_amount
    from invoice_balances
    cross join windows
    where
        invoice_balances.issued_on between windows.first_from_on and windows.last_to_on
        and not invoice_balances.is_cancelled
),

final as (
    select
        documents.company_id,
        documents.customer_id,
        documents.currency,
        {% for number in assessment_numbers() -%}
            cast(
                sum(
                    case
                        when documents.issued_on between windows.from_on_{{ number }} and windows.to_on_{{ number }}
                            then documents.total_amount
                        else 0
                    end
                ) as decimal(18, 2)
            ) as turnover_{{ number }}_amount,
        {% endfor -%}
        max(documents.issued_on) as last_issued_on
    from documents
    cross join windows
    group by documents.company_id, documents.customer_id, documents.currency
)

select * from final
