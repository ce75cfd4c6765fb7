with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

risk_reasons as (
    select * from {{ ref("int_risk_reasons") }}
),

external_classes as (
    select * from {{ ref("int_external_classes") }}
),

credit_limit_uses as (
    select * from {{ ref("credit_limit_uses") }}
),

policy as (
    select * from {{ ref("int_credit_policy") }}
),

-- The first rule that is true leads. Of everybody one is: who is new is at least one of whom nothing is known.
ranked as (
    select
        risk_reasons.*,
        row_number() over (
            partition by risk_reasons.company_id, risk_reasons.customer_id order by risk_reasons.rank
        ) as reason_no
    from risk_reasons
),

others as (
    select
        ranked.company_id,
        ranked.customer_id,
        string_agg(ranked.reason_code, ';' order by ranked.rank) as other_reasons
    from ranked
    where ranked.reason_no > 1 and ranked.reason_code <> 'nothing_known'
    group by ranked.company_id, ranked.customer_id
),

-- Of several currencies the one in which the limit is used most.
limits_ranked as (
    select
        credit_limit_uses.*,
        row_number() over (
            partition by credit_limit_uses.company_id, credit_limit_uses.customer_id
            order by credit_limit_uses.limit_use_basis_points desc, credit_limit_uses.currency asc
        ) as use_rank
    from credit_limit_uses
),

final as (
    select
        business_day.as_of_date,
        customers.company_id,
        customers.customer_id,
        ranked.risk_class,
        ranked.reason_code,
        ranked.sentence || ': ' || ranked.evidence as reason,
        others.other_reasons,
        ranked.since_on,
        ranked.asks_review,
        external_classes.external_class,
        external_classes.risk_source,
        external_classes.risk_on,
        external_classes.expires_on as external_expires_on,
        coalesce(external_classes.state, 'none') as external_state,
        cast(customers.payment_terms_days as bigint) as payment_terms_days,
        limits_ranked.currency,
        cast(customers.credit_limit as decimal(18, 2)) as limit_amount,
        limits_ranked.used_amount as limit_used_amount,
        case when customers.credit_limit is not null then coalesce(limits_ranked.limit_use_basis_points, 0) end
            as limit_use_basis_points,
        case
            when customers.credit_limit is null then 'no_limit'
            else coalesce(limits_ranked.warning, 'within')
        end as limit_warning,
        concat_ws('/', policy.policy_id, ranked.policy_id, external_classes.class_policy_id) as policy_id
    from customers
    cross join business_day
    cross join policy
    inner join ranked
        on
            customers.company_id = ranked.company_id
            and customers.customer_id = ranked.customer_id
            and ranked.reason_no = 1
    left join others
        on
            customers.company_id = others.company_id
            and customers.customer_id = others.customer_id
    left join external_classes
        on
            customers.company_id = external_classes.company_id
            and customers.customer_id = external_classes.customer_id
    left join limits_ranked
        on
            customers.company_id = limits_ranked.company_id
            and customers.customer_id = limits_ranked.customer_id
            and limits_ranked.use_rank = 1
)

select * from final
