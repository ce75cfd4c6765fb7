{# Within each group of `columns` the amounts add up to nothing: debits are credits. #}
{% test sums_to_zero(model, amount, columns) %}
select
    {% for column in columns %}{{ column }}, {% endfor %}
    sum({{ amount }}) as amount
from {{ model }}
group by {% for column in columns %}{{ column }}{{ ", " if not loop.last }}{% endfor %}
having sum({{ amount }}) <> 0
{% endtest %}
