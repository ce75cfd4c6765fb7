{#
    Every version of every row of a billing change log that had arrived by the watermark of the day, the newest one
    ranked first. Models keep `version_rank = 1` and drop tombstones (`is_deleted`).
#}
{% macro ranked_versions(table, key) -%}
select
    log.*,
    row_number() over (
        partition by {% for column in key %}log.{{ column }}{{ ", " if not loop.last }}{% endfor %}
        order by log.batch_id desc, log.ordinal desc, log.source_sha256 desc
    ) as version_rank
from {{ source("raw", table) }} as log
cross join {{ ref("stg_control__business_day") }} as business_day
where log.batch_id <= business_day.batch_watermark
{%- endmacro %}
