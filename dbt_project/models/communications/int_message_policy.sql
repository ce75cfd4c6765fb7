-- One row per kind of message that is no stage of a track: the policy of the day.
{{ policy_in_force("message_policy") }}
