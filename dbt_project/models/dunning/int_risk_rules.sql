{{ policy_in_force("risk_rules") }}
