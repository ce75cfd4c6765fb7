{{ config(materialized="view") }}

{{ matches_of(later_rungs()) }}
