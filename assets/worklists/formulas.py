"""Text that a spreadsheet would take for a formula.

Customers choose their own names, and write the words of a payment: opened by a clerk, `=HYPERLINK(...)` runs on a machine of the
finance department. In CSV such a text gets an apostrophe in front; in a workbook every text is stored as one.
"""

# What spreadsheets begin a formula with, and their full-width forms, which some take for the same.
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """The text as a CSV cell may hold it."""
    # A blank in front does not stop every program.
    return f"'{text}" if text.startswith(STARTS) or text.lstrip(" \u00a0\u3000").startswith(STARTS) else text
