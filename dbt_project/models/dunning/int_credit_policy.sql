{{ policy_in_force("credit_policy") }}
