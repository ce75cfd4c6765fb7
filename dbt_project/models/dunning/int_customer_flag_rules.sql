{{ policy_in_force("customer_flag_rules") }}
