"""What we expect of everything that landed, taken together: the suites, each with its threshold and its reason.

A reader sees one file and a rule of dbt one row; each may be valid while all of them together cannot be right. Only that is
said here. What a statement proves of itself (opening and booked make closing, statements follow one another) is said by the
readers and the banking chapter; that a delivery shrank, grew, or lost a column from top to bottom, by its brakes before it is
landed. They see the sum of a delivery: one company or account among many, and nine rows in ten, are lost in it and seen here.

An expectation **blocks** when going on would write to people who have paid, or claim wrong amounts. Everything else warns:
a day that stops for nothing costs more trust than the warning saves. What compares with the past says nothing before there
is enough of it, so the first day of a home is never stopped for being the first.
"""

from assets.landing.expected import Suite
from assets.landing.suites_of_bank_files import BANK_ENTRIES, BANK_ENTRIES_BY_ACCOUNT, BANK_STATEMENTS
from assets.landing.suites_of_companies import COMPANIES
from assets.landing.suites_of_customers import CUSTOMERS, CUSTOMERS_BY_COMPANY
from assets.landing.suites_of_invoices import INVOICES, INVOICES_BY_COMPANY

SUITES: tuple[Suite, ...] = (
    INVOICES,
    INVOICES_BY_COMPANY,
    CUSTOMERS,
    CUSTOMERS_BY_COMPANY,
    COMPANIES,
    BANK_STATEMENTS,
    BANK_ENTRIES,
    BANK_ENTRIES_BY_ACCOUNT,
)
