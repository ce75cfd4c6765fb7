-- One row per customer that an outside source gave a class (billing's risk_class, risk_source, risk_on): what it means
-- here, and whether it counts today. A class without a source or a date cannot be judged and does not count; an old one
-- does not count any more, however reassuring.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
    where trim(risk_class) <> ''
),

policy as (
    select * from {{ ref("int_credit_policy") }}
),

classes as (
    select external_risk_classes.*
    from {{ ref("external_risk_classes") }} as external_risk_classes
    cross join business_day
    where {{ in_force("external_risk_classes") }}
),

-- What the source itself means by a class goes before what everybody means by it.
translated as (
    select
        customers.company_id,
        customers.customer_id,
        trim(customers.risk_class) as external_class,
        nullif(trim(customers.risk_source), '') as risk_source,
        customers.risk_on,
        {{ months_after("customers.risk_on", "policy.external_valid_months") }} as expires_on,
        classes.risk_class,
        classes.policy_id as class_policy_id,
        row_number() over (
            partition by customers.company_id, customers.customer_id
            order by case when classes.risk_source = '*' then 1 else 0 end
        ) as choice_no
    from customers
    cross join policy
    left join classes
        on
            lower(trim(customers.risk_class)) = classes.external_class
            and classes.risk_source in ('*', trim(customers.risk_source))
),

final as (
    select
        translated.company_id,
        translated.customer_id,
        translated.external_class,
        translated.risk_source,
        translated.risk_on,
        translated.expires_on,
        translated.class_policy_id,
        translated.risk_class,
        case
            when translated.risk_class is null then 'not_understood'
            when
                translated.risk_source is null
                or translated.risk_on is null
                or translated.risk_on > business_day.as_of_date
                then 'undated'
            when translated.expires_on <= business_day.as_of_date then 'expired'
            else 'counts'
        end as state
    from translated
    cross join business_day
    where translated.choice_no = 1
)

select * from final
