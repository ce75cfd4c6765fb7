{{ payer_accounts([]) }}
