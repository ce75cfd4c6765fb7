with arrangements as (
    select * from {{ ref("stg_register__arrangements") }}
),

events as (
    select * from {{ ref("stg_register__events") }}
),

instalments as (
    select
        arrangements.arrangement_id,
        arrangements.company_id,
        {{ payload_date("instalment.element", "due_on") }} as due_on,
        {{ payload_amount("instalment.element", "amount") }} as amount,
        instalment.position
    from arrangements
    inner join events
        on arrangements.seq = events.seq
    cross join {{ unnested(json_elements("events.payload", "instalments"), "instalment") }}
),

final as (
    select
        instalments.arrangement_id,
        instalments.company_id,
        row_number() over (
            partition by instalments.company_id, instalments.arrangement_id
            order by instalments.due_on, instalments.position
        ) as instalment_no,
        instalments.due_on,
        instalments.amount
    from instalments
)

select * from final
