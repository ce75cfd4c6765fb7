"""Expectations on what lands: what no reader and no rule on a single row can see.

Each suite looks at the rows that came since it last agreed. Every row of such a file is valid by itself; it is the file
as a whole that cannot be right. A day that meets one stops, until better rows come or a person accepts the batch.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from assets.landing.change_log import append_rows, arrow_table
from assets.landing.raw_tables import OTHER_TABLES

if TYPE_CHECKING:
    import pandas as pd

RESULTS = "raw.expectation_results"

# Below this many rows a median or a share says nothing.
FEWEST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite: the raw table it guards, the rows it looks at, and what it expects of them.

    `query` gives the rows that came after batch `?`; `history` gives one row of figures to compare with, of the rows up
    to batch `?`. Amounts are cast to double here only to be looked at.
    """

    table: str
    query: str
    history: str
    expectations: Callable[[dict[str, Any]], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a suite said. `batch_id` is the newest batch it looked at; `message` is empty when all is met."""

    table: str
    batch_id: int
    rows: int
    is_met: bool
    message: str


def _invoice_expectations(history: dict[str, Any]) -> Sequence[Any]:
    from great_expectations import expectations as gxe

    usual = history["median_amount"]
    # Twentyfold is no growth of a business: it is an export in cents, or without its decimal point.
    lowest, highest = (usual / 20, usual * 20) if usual and history["rows"] >= FEWEST_ROWS else (1, 1_000_000)
    return [
        gxe.ExpectColumnMedianToBeBetween(column="total_amount", min_value=lowest, max_value=highest),
        # Due before issued on many documents at once: the two dates changed places.
        gxe.ExpectColumnValuesToBeBetween(column="days_to_pay", min_value=0, max_value=400, mostly=0.95),
    ]


def _customer_expectations(_: dict[str, Any]) -> Sequence[Any]:
    from great_expectations import expectations as gxe

    # An export that lost its contact columns would leave nobody to write to, one by one and without a word.
    return [gxe.ExpectColumnValuesToNotBeNull(column="reachable_by", mostly=0.5)]


def _entry_expectations(history: dict[str, Any]) -> Sequence[Any]:
    from great_expectations import expectations as gxe

    # A feed that dropped what payers wrote still balances to the cent; nothing in it would ever be matched.
    usual = history["share_with_text"] if history["rows"] >= FEWEST_ROWS else None
    return [gxe.ExpectColumnValuesToNotBeNull(column="payer_text", mostly=0.5 if usual is None else usual / 2)]


NEWEST_INVOICES = """
    select * from raw.invoices
    qualify row_number() over (partition by company_id, invoice_id order by batch_id desc, ordinal desc) = 1
"""

NEWEST_CUSTOMERS = """
    select * from raw.customers
    qualify row_number() over (partition by company_id, customer_id order by batch_id desc, ordinal desc) = 1
"""

SUITES: tuple[Suite, ...] = (
    Suite(
        "invoices",
        f"""
        select cast(total_amount as double) as total_amount, due_on - issued_on as days_to_pay
        from ({NEWEST_INVOICES}) as invoices
        where batch_id > ? and not is_deleted and kind = 'invoice' and total_amount > 0
        """,
        f"""
        select count(*) as rows, median(cast(total_amount as double)) as median_amount
        from ({NEWEST_INVOICES}) as invoices
        where batch_id <= ? and not is_deleted and kind = 'invoice' and total_amount > 0
        """,
        _invoice_expectations,
    ),
    Suite(
        "customers",
        f"""
        select coalesce(nullif(email, ''), nullif(street || postal_code || city, '')) as reachable_by
        from ({NEWEST_CUSTOMERS}) as customers
        where batch_id > ? and not is_deleted
        """,
        "select count(*) as rows from raw.customers where batch_id <= ?",
        _customer_expectations,
    ),
    Suite(
        "bank_entries",
        """
        select coalesce(nullif(remittance, ''), structured_reference, end_to_end_id) as payer_text
        from raw.bank_entries where batch_id > ? and amount > 0
        """,
        """
        select
            count(*) as rows,
            avg(case when coalesce(nullif(remittance, ''), structured_reference, end_to_end_id) is null then 0.0 else 1.0 end)
                as share_with_text
        from raw.bank_entries where batch_id <= ? and amount > 0
        """,
        _entry_expectations,
    ),
)


def look(connection: duckdb.DuckDBPyConnection, accepted: frozenset[int]) -> list[Outcome]:
    """What every suite says of the rows that came since it last agreed, and remembers it.

    Great Expectations is imported only when there is something to look at: on most days there is little or nothing.
    """
    outcomes = [_look(connection, suite, accepted) for suite in SUITES]
    append_rows(connection, "expectation_results", _results(outcomes))
    return outcomes


def archived_results(outcomes: Sequence[Outcome]) -> tuple[bytes, int]:
    """The outcomes of one look as Parquet, and how many rows they are: what a rebuilt warehouse must not ask again."""
    import pyarrow.parquet as pq

    out = io.BytesIO()
    rows = arrow_table(OTHER_TABLES["expectation_results"], _results(outcomes))
    pq.write_table(rows, out, compression="zstd")
    return out.getvalue(), int(rows.num_rows)


def load_results(connection: duckdb.DuckDBPyConnection, archived: Sequence[bytes]) -> None:
    """Puts back every outcome that was ever archived, in order."""
    import pyarrow.parquet as pq

    connection.execute(f"delete from {RESULTS}")
    for content in archived:
        connection.register("incoming", pq.read_table(io.BytesIO(content)))
        connection.execute(f"insert into {RESULTS} by name select * from incoming")
        connection.unregister("incoming")


def _results(outcomes: Sequence[Outcome]) -> list[tuple[object, ...]]:
    return [(outcome.batch_id, outcome.table, outcome.is_met, outcome.message) for outcome in outcomes if outcome.rows]


def _look(connection: duckdb.DuckDBPyConnection, suite: Suite, accepted: frozenset[int]) -> Outcome:
    agreed = int(
        _row(
            connection,
            "select coalesce(max(batch_id), 0) as batch from raw.expectation_results where is_met and table_name = ?",
            suite.table,
        )["batch"]
    )
    newest = int(_row(connection, f"select coalesce(max(batch_id), 0) as batch from raw.{suite.table}")["batch"])
    # A person accepts what has been looked at: a number above every batch would accept all that is still to come.
    agreed = max([agreed, *(batch for batch in accepted if batch <= newest)])
    frame = connection.execute(suite.query, [agreed]).df()
    if len(frame) < FEWEST_ROWS:
        return Outcome(suite.table, newest, 0, is_met=True, message="")
    message = _validate(suite, frame, _row(connection, suite.history, agreed))
    return Outcome(suite.table, newest, len(frame), is_met=not message, message=message)


def _row(connection: duckdb.DuckDBPyConnection, query: str, *values: object) -> dict[str, Any]:
    result = connection.execute(query, list(values))
    names = [column[0] for column in result.description]
    return dict(zip(names, result.fetchall()[0], strict=True))


def _validate(suite: Suite, frame: "pd.DataFrame", history: dict[str, Any]) -> str:
    """The unmet expectations in words; empty when all are met."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = (
        context.data_sources.add_pandas("landing")
        .add_dataframe_asset(suite.table)
        .add_batch_definition_whole_dataframe("since_last_agreed")
        .get_batch({"dataframe": frame})
    )
    result = batch.validate(gx.ExpectationSuite(name=suite.table, expectations=list(suite.expectations(history))))
    return "; ".join(_words(each) for each in result.results if not each.success)


def _words(result: Any) -> str:
    """One unmet expectation: what was expected of which column, and what was found."""
    wanted = {
        name: value for name, value in result.expectation_config.kwargs.items() if name not in ("batch_id", "column")
    }
    found = {
        # The frame answers in numpy's numbers; a person reads plain ones.
        name: value.item() if hasattr(value, "item") else value
        for name, value in result.result.items()
        if name in ("observed_value", "unexpected_percent", "unexpected_count", "element_count")
    }
    return f"{result.expectation_config.type} on {result.expectation_config.kwargs['column']}: wanted {wanted}, found {found}"
