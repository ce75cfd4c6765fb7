"""How much money finds its invoice without a person, and how often rightly: five portfolios with the truth beside them."""
