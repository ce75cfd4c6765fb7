{{ policy_in_force("segment_policy") }}
