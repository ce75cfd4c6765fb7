"""What a suite is: the rows it looks at and what it expects of them; and what the queries of several suites share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

# Below this many rows a median or a share says nothing.
FEWEST_ROWS = 20

# What is called usual rests on at least as many rows as this.
ENOUGH_HISTORY = 100

# So many statements of one account and weekday say what such a day is like.
ENOUGH_WEEKDAYS = 8

Kind = Literal["values_between", "values_present", "median_between"]


@dataclass(frozen=True, slots=True)
class Expected:
    """One expectation of a column. Bounds are inclusive, None is unbounded; `mostly` is the share of rows that must meet
    it; empty values count for `values_present` only. `why` ends the sentence a person reads when it is not met."""

    kind: Kind
    column: str
    why: str
    low: float | None = None
    high: float | None = None
    mostly: float = 1.0
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite: the raw table it guards, the rows or figures it looks at, and what it expects of them.

    `query` gives what is looked at, `history` one row of figures to derive thresholds from. Both read three variables:
    `agreed`, the newest batch the suite agreed with; `since`, the batch from which the past is comparable; and `today`, the
    calendar date. `subject` is the column that says whose figures a row holds. Without `stops` all of it are warnings.
    Amounts are cast to double only to be looked at.
    """

    name: str
    table: str
    check: str
    about: str
    query: str
    expected: Callable[[Mapping[str, Any]], Sequence[Expected]]
    looks_at: tuple[str, ...]
    fewest: int = 1
    subject: str = ""
    stops: bool = True
    history: str = "select 0 as rows"


def _newest(table: str, key: str, condition: str = "true") -> str:
    """The newest version of every key, deleted ones left out; `condition` chooses the versions that take part."""
    return f"""(
        select * from (
            select * from raw.{table} where {condition}
            qualify row_number() over (partition by {key} order by batch_id desc, ordinal desc) = 1
        ) where not is_deleted
    )"""


# Versions as they stood when the suite last agreed: a full extract that rewrites every row leaves no other past.
AGREED = "batch_id <= getvariable('agreed')"
INVOICES_NOW = _newest("invoices", "company_id, invoice_id")
INVOICES_AGREED = _newest("invoices", "company_id, invoice_id", AGREED)
CUSTOMERS_NOW = _newest("customers", "company_id, customer_id")
CUSTOMERS_AGREED = _newest("customers", "company_id, customer_id", AGREED)
COMPANIES_NOW = _newest("companies", "company_id")
MANDATES_NOW = _newest("mandates", "company_id, mandate_id")


def share(condition: str) -> str:
    """The share of rows that meet a condition, as a double."""
    return f"avg(case when {condition} then 1.0 else 0.0 end)"
