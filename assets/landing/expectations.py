"""Asking the suites: every look judges the rows that came since a suite last agreed, and remembers what it said.

A day that meets a blocking expectation stops, until better rows come or a person accepts the batch.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from assets.landing.change_log import append_archived, append_rows, parquet_of
from assets.landing.expected import Expected, Suite
from assets.landing.suites import SUITES

RESULTS_TABLE = "expectation_results"
RESULTS = f"raw.{RESULTS_TABLE}"

# Whose figures are out of bounds is said by name, but a sentence of a hundred accounts helps nobody.
NAMED_SUBJECTS = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a suite said. `batch_id` is the newest batch it looked at, `rows` how many rows, 0 when there was nothing new.

    `message` names the unmet expectations that block, `warning` the others. `figures` are the rows of a suite that looks at
    figures of its subjects (accounts, companies), and empty for one that looks at rows of people. `asked` and `validation` are Great
    Expectations' own suite and result, for the Data Docs; None when it was not asked.
    """

    suite: Suite
    batch_id: int
    rows: int
    message: str = ""
    warning: str = ""
    figures: Sequence[Mapping[str, Any]] = ()
    asked: Any = None
    validation: Any = None

    @property
    def is_met(self) -> bool:
        """Whether the day may go on; it may with warnings."""
        return not self.message

    @property
    def words(self) -> str:
        """Everything that was said, warnings marked as such."""
        return "; ".join(part for part in (self.message, f"warning: {self.warning}" if self.warning else "") if part)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a suite looks at: its rows or figures, and what it expects of them."""

    suite: Suite
    batch_id: int
    rows: pa.Table
    expected: Sequence[Expected]

    @property
    def is_telling(self) -> bool:
        """Whether there is a figure to judge. Where all are empty there is too little to compare, which meets everything."""
        return bool(self.rows.num_rows) and any(
            self.rows[each.column].null_count < self.rows.num_rows or each.kind == "values_present"
            for each in self.expected
        )


def look(connection: duckdb.DuckDBPyConnection, accepted: frozenset[int], today: date) -> list[Outcome]:
    """What every suite says of the rows that came since it last agreed, and remembers it. `today` is the calendar date.

    Great Expectations takes seconds to import: it is asked, for all suites together, only when one has figures to judge.
    """
    looked = [_looked_at(connection, suite, accepted, today) for suite in SUITES]
    if any(each.is_telling for each in looked):
        frames = _frames()
        outcomes = [_judged(each, frames) for each in looked]
    else:
        outcomes = [Outcome(each.suite, each.batch_id, each.rows.num_rows) for each in looked]
    append_rows(connection, RESULTS_TABLE, _results(outcomes))
    return outcomes


def archived_results(outcomes: Sequence[Outcome]) -> tuple[bytes, int]:
    """The outcomes of one look as Parquet, and how many rows they are: what a rebuilt warehouse must not ask again."""
    rows = _results(outcomes)
    return parquet_of(RESULTS_TABLE, rows), len(rows)


def read_results(content: bytes) -> list[dict[str, Any]]:
    """Archived outcomes, as rows of raw.expectation_results."""
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
    return rows


def load_results(connection: duckdb.DuckDBPyConnection, archived: Sequence[bytes]) -> None:
    """Puts back every outcome that was ever archived, in order."""
    connection.execute(f"delete from {RESULTS}")
    for content in archived:
        append_archived(connection, RESULTS_TABLE, content)


def _results(outcomes: Sequence[Outcome]) -> list[tuple[object, ...]]:
    return [
        (outcome.batch_id, outcome.suite.name, outcome.is_met, outcome.words) for outcome in outcomes if outcome.rows
    ]


def _looked_at(connection: duckdb.DuckDBPyConnection, suite: Suite, accepted: frozenset[int], today: date) -> _Looked:
    said = _row(
        connection,
        f"""
        select
            coalesce(max(batch_id) filter (where is_met), 0) as agreed,
            list(distinct batch_id) filter (where not is_met) as refused
        from {RESULTS} where table_name = ?
        """,
        suite.name,
    )
    newest = max(
        int(_row(connection, f"select coalesce(max(batch_id), 0) as batch from raw.{table}")["batch"])
        for table in suite.looks_at
    )
    # A person accepts what has been looked at: a number above every batch would accept all that is still to come.
    agreed = max([said["agreed"], *(batch for batch in accepted if batch <= newest)])
    if newest <= agreed:
        return _Looked(suite, newest, pa.table({}), ())
    # Who accepts what a suite refused says that it is so from now on: what came before is no longer what is usual.
    since = max((batch for batch in accepted if batch <= agreed and batch in (said["refused"] or [])), default=0)
    for name, value in (("agreed", agreed), ("since", since), ("today", today)):
        connection.execute(f"set variable {name} = ?", [value])
    rows = connection.sql(suite.query).to_arrow_table()
    if rows.num_rows < suite.fewest:
        return _Looked(suite, newest, pa.table({}), ())
    return _Looked(suite, newest, rows, suite.expected(_row(connection, suite.history)))


def _row(connection: duckdb.DuckDBPyConnection, query: str, *values: object) -> dict[str, Any]:
    result = connection.execute(query, list(values))
    names = [column[0] for column in result.description]
    return dict(zip(names, result.fetchall()[0], strict=True))


def _judged(looked: _Looked, frames: Any) -> Outcome:
    if not looked.rows.num_rows:
        return Outcome(looked.suite, looked.batch_id, 0)
    asked, validation = _validate(looked, frames)
    # A suite expects one thing of a column, so the column says which answer is to which expectation.
    answers = {each.expectation_config.kwargs["column"]: each for each in validation.results}
    unmet = [
        (expected, _words(looked, expected, answers[expected.column]))
        for expected in looked.expected
        if not answers[expected.column].success
    ]
    return Outcome(
        looked.suite,
        looked.batch_id,
        looked.rows.num_rows,
        message="; ".join(words for expected, words in unmet if expected.blocks),
        warning="; ".join(words for expected, words in unmet if not expected.blocks),
        figures=_figures(looked),
        asked=asked,
        validation=validation,
    )


def _figures(looked: _Looked) -> list[dict[str, Any]]:
    """What was compared, subject by subject; subjects with nothing to compare are left out."""
    if not looked.suite.subject:
        return []
    names = [looked.suite.subject, *(each.column for each in looked.expected)]
    rows: list[dict[str, Any]] = looked.rows.select(names).to_pylist()
    return [row for row in rows if any(row[name] is not None for name in names[1:])]


def _frames() -> Any:
    """Where Great Expectations takes frames from: a context in memory, for one look."""
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context.data_sources.add_pandas("landing")


def _validate(looked: _Looked, frames: Any) -> tuple[Any, Any]:
    """Great Expectations' suite and its result.

    The result keeps counts and shares only, never a value: what is unusual about a payment is still somebody's payment.
    """
    import great_expectations as gx

    batch = (
        frames.add_dataframe_asset(looked.suite.name)
        .add_batch_definition_whole_dataframe("since_last_agreed")
        .get_batch({"dataframe": looked.rows.to_pandas()})
    )
    asked = gx.ExpectationSuite(name=looked.suite.name, expectations=[_asked(each) for each in looked.expected])
    result = batch.validate(asked, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
    for each in result.results:
        # An expectation that could not be judged is not one that was met, nor one that was not.
        if each.exception_info.get("raised_exception", True):
            raise RuntimeError(f"suite {looked.suite.name} could not be judged: {each.exception_info}")
        each.result = {name: _plain(value) for name, value in each.result.items()}
    return asked, result


def _asked(expected: Expected) -> Any:
    """An expectation of ours as one of Great Expectations, its reason in the description the Data Docs show."""
    from great_expectations import expectations as gxe

    said: dict[str, Any] = {
        "column": expected.column,
        "severity": "critical" if expected.blocks else "warning",
        "description": described(expected),
    }
    if expected.kind == "median_between":
        return gxe.ExpectColumnMedianToBeBetween(**said, min_value=expected.low, max_value=expected.high)
    if expected.kind == "values_present":
        return gxe.ExpectColumnValuesToNotBeNull(**said, mostly=expected.mostly)
    return gxe.ExpectColumnValuesToBeBetween(
        **said, min_value=expected.low, max_value=expected.high, mostly=expected.mostly
    )


def _plain(value: Any) -> Any:
    """The frame answers in numpy's numbers; a person, and the Data Docs, read plain ones."""
    return value.item() if hasattr(value, "item") else value


def described(expected: Expected) -> str:
    """What is expected, what it means when it is not met, and what follows, as one paragraph."""
    consequence = "stops the day" if expected.blocks else "warns"
    return f"{expected.column} {_bounds(expected)}. Otherwise: {expected.why}. Not met, it {consequence}."


def _bounds(expected: Expected) -> str:
    if expected.kind == "values_present":
        return f"must be filled in {expected.mostly:.0%} of the rows at least"
    low, high = (None if bound is None else f"{bound:g}" for bound in (expected.low, expected.high))
    if low is None or high is None:
        bounds = f"{high} at most" if low is None else f"{low} at least"
    else:
        bounds = f"between {low} and {high}"
    if expected.kind == "median_between":
        return f"must have a median {bounds}"
    return f"must be {bounds}" + ("" if expected.mostly == 1 else f" in {expected.mostly:.0%} of the rows at least")


def _words(looked: _Looked, expected: Expected, result: Any) -> str:
    """One unmet expectation: what was expected of which figure, what was found, and what it looks like."""
    return f"{expected.column} {_bounds(expected)}, found {_found(looked, expected, result.result)} ({expected.why})"


def _found(looked: _Looked, expected: Expected, result: Mapping[str, Any]) -> str:
    if expected.kind == "median_between":
        return f"{result['observed_value']:g}"
    if not looked.suite.subject:
        return f"{result['unexpected_count']} of {result['element_count']} rows otherwise"
    low = float("-inf") if expected.low is None else expected.low
    high = float("inf") if expected.high is None else expected.high
    outside = [
        f"{row[expected.column]:.4g} for {row[looked.suite.subject]}"
        for row in looked.rows.select([looked.suite.subject, expected.column]).to_pylist()
        if row[expected.column] is not None and not low <= row[expected.column] <= high
    ]
    more = f" and {len(outside) - NAMED_SUBJECTS} more" if len(outside) > NAMED_SUBJECTS else ""
    return ", ".join(outside[:NAMED_SUBJECTS]) + more
