-- A row here is a day whose kind is known from the TARGET calendar (ECB) and read otherwise here.
with known (date_day, is_bank_day) as (
    values
    (date '2024-03-28', true),
    (date '2024-03-29', false),
    (date '2024-04-01', false),
    (date '2024-04-02', true),
    (date '2025-04-18', false),
    (date '2025-04-21', false),
    (date '2025-12-24', true),
    (date '2025-12-25', false),
    (date '2025-12-26', false),
    (date '2026-04-03', false),
    (date '2026-04-06', false),
    (date '2026-04-27', true),
    (date '2026-05-01', false),
    (date '2026-05-14', true),
    (date '2026-11-21', false),
    (date '2027-01-01', false),
    (date '2030-04-19', false)
)

select
    known.date_day,
    known.is_bank_day
from known
left join {{ ref("stg_calendar__bank_days") }} as bank_days
    on known.date_day = bank_days.date_day
where bank_days.is_bank_day is distinct from known.is_bank_day
