{{ policy_in_force("payer_profile_rules") }}
