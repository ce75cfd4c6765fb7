{{ matches_of(["int_matches_returned"] + later_rungs()) }}
