{{ policy_in_force("segment_rules") }}
