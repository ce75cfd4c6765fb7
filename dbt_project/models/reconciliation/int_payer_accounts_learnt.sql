{{ payer_accounts(["int_matches_confirmed", "int_matches_end_to_end", "int_matches_reference", "int_matches_numbers"]) }}
