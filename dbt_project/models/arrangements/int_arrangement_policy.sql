{{ policy_in_force("arrangement_policy") }}
