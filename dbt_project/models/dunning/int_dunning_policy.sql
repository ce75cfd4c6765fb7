{{ policy_in_force("dunning_policy") }}
