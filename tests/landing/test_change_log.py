"""The raw change log: what is appended, what is left out, what becomes a tombstone, and when an extract is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.billing.rows import Value, arrow_rows
from assets.landing.change_log import Appended, append_billing, append_rows, last_ordinal, replace_rows
from assets.landing.raw_tables import BILLING_TABLE_BY_NAME, CONTROL_TABLES, create_statements
from assets.problem import DataProblem

INVOICES = BILLING_TABLE_BY_NAME["invoices"]
ORDERS = BILLING_TABLE_BY_NAME["orders"]
SHA = "0" * 64


@pytest.fixture
def log() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for statement in create_statements():
            connection.execute(statement)
        yield connection


def invoice(number: int | str, amount: str = "100.00", **given_values: Value) -> tuple[Value, ...]:
    values: dict[str, Value] = {
        "company_id": "C1",
        "invoice_id": f"I{number}",
        "invoice_number": f"2026-{number}",
        "customer_id": "K1",
        "kind": "invoice",
        "issued_on": date(2026, 1, 1),
        "due_on": date(2026, 1, 31),
        "currency": "EUR",
        "total_amount": Decimal(amount),
    } | given_values
    return (*(values.get(name) for name in INVOICES.column_names), values.get("extra"))


def land(
    log: duckdb.DuckDBPyConnection,
    batch_id: int,
    rows: Sequence[tuple[Value, ...]],
    *,
    is_full: bool = False,
    max_shrink_percent: int = 100,
) -> Appended:
    return append_billing(
        log,
        INVOICES,
        arrow_rows(INVOICES, rows, range(1, len(rows) + 1)),
        batch_id=batch_id,
        source_sha256=SHA,
        is_full=is_full,
        max_shrink_percent=max_shrink_percent,
        after=last_ordinal(log, INVOICES, batch_id),
    )


def newest(log: duckdb.DuckDBPyConnection, columns: str = "invoice_id, total_amount") -> list[tuple[object, ...]]:
    """What staging reads: no two versions may share a place, or this would not be one answer."""
    doubles = log.execute(
        "select batch_id, ordinal, invoice_id from raw.invoices group by all having count(*) > 1"
    ).fetchall()
    assert doubles == []
    return log.execute(
        f"""
        select {columns} from (
            select * from raw.invoices
            qualify row_number() over (partition by company_id, invoice_id order by batch_id desc, ordinal desc) = 1
        ) where not is_deleted order by all
        """
    ).fetchall()


def refuse(log: duckdb.DuckDBPyConnection, batch_id: int, ordinal: int, invoice_id: str | None) -> None:
    append_rows(
        log,
        "row_problems",
        [(batch_id, SHA, ordinal, "invoices", "C1", "K1", invoice_id, "invalid_amount", "total_amount: ...")],
    )


def test_new_rows_are_appended_with_their_place_and_hash(log: duckdb.DuckDBPyConnection) -> None:
    assert land(log, 1, [invoice(1), invoice(2)]) == Appended(seen=2, changed=2, deleted=0)
    rows = log.execute(
        "select batch_id, source_sha256, ordinal, length(row_hash), is_deleted from raw.invoices order by ordinal"
    ).fetchall()
    assert rows == [(1, SHA, 1, 32, False), (1, SHA, 2, 32, False)]


def test_an_archived_extract_of_before_a_column_existed_is_read_with_nothing_in_it(
    log: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """A home whose archive is older than the newest column of the contract can still be rebuilt."""
    rows = arrow_rows(INVOICES, [invoice(1), invoice(2, document_path="x.pdf")], range(1, 3))
    pq.write_table(rows.drop_columns(["document_path"]), tmp_path / "invoices.parquet")
    append_billing(log, INVOICES, tmp_path / "invoices.parquet", batch_id=1, source_sha256=SHA, is_full=False)
    assert newest(log, "invoice_id, total_amount, document_path") == [
        ("I1", Decimal("100.00"), None),
        ("I2", Decimal("100.00"), None),
    ]


def test_an_unchanged_row_is_not_appended_again(log: duckdb.DuckDBPyConnection) -> None:
    land(log, 1, [invoice(1)])
    assert land(log, 2, [invoice(1)]) == Appended(seen=1, changed=0, deleted=0)


@pytest.mark.parametrize(
    "changed",
    [
        invoice(1, "100.01"),
        invoice(1, due_on=date(2026, 2, 1)),
        invoice(1, description="Werk"),
        invoice(1, is_cancelled=False),
        invoice(1, extra='{"kleur": "rood"}'),
    ],
    ids=["amount", "date", "text instead of nothing", "false instead of nothing", "an unknown column"],
)
def test_any_difference_makes_a_new_version(log: duckdb.DuckDBPyConnection, changed: tuple[Value, ...]) -> None:
    land(log, 1, [invoice(1)])
    assert land(log, 2, [changed]).changed == 1
    assert log.execute("select count(*) from raw.invoices").fetchall() == [(2,)]


def test_a_value_that_moves_to_the_next_column_is_a_change(log: duckdb.DuckDBPyConnection) -> None:
    land(log, 1, [invoice(1, order_number="A", project_number=None)])
    assert land(log, 2, [invoice(1, order_number=None, project_number="A")]).changed == 1


def test_a_row_replaces_the_whole_earlier_version(log: duckdb.DuckDBPyConnection) -> None:
    land(log, 1, [invoice(1, description="Werk", order_number="PO-1")])
    land(log, 2, [invoice(1, description="Meer werk")])
    assert newest(log, "description, order_number") == [("Meer werk", None)]


def test_amounts_are_kept_to_the_cent_whatever_their_size(log: duckdb.DuckDBPyConnection) -> None:
    # 90071992547409.93 is the first amount a double cannot hold; the other is the largest the column can.
    land(log, 1, [invoice(1, "90071992547409.93"), invoice(2, "9999999999999999.99"), invoice(3, "0.10")])
    assert newest(log, "total_amount") == [
        (Decimal("0.10"),),
        (Decimal("90071992547409.93"),),
        (Decimal("9999999999999999.99"),),
    ]
    assert log.execute("select typeof(total_amount) from raw.invoices limit 1").fetchall() == [("DECIMAL(18,2)",)]


def test_the_last_of_two_rows_with_one_key_wins(log: duckdb.DuckDBPyConnection) -> None:
    assert land(log, 1, [invoice(1, "1.00"), invoice(2), invoice(1, "2.00")]) == Appended(2, 2, 0, repeated=1)
    assert newest(log) == [("I1", Decimal("2.00")), ("I2", Decimal("100.00"))]
    assert log.execute("select ordinal from raw.invoices order by 1").fetchall() == [(2,), (3,)]


def test_of_two_files_in_one_batch_the_later_wins_wherever_the_row_stands_in_it(log: duckdb.DuckDBPyConnection) -> None:
    land(log, 1, [*(invoice(each) for each in range(2, 30)), invoice(1, "1.00")])
    land(log, 1, [invoice(1, "2.00")])
    assert ("I1", Decimal("2.00")) in newest(log)


def test_delta_extracts_delete_nothing(log: duckdb.DuckDBPyConnection) -> None:
    land(log, 1, [invoice(1), invoice(2)])
    assert land(log, 2, [invoice(2)]).deleted == 0
    assert len(newest(log)) == 2


def test_a_key_missing_from_a_full_extract_becomes_a_tombstone_that_says_what_it_was(
    log: duckdb.DuckDBPyConnection,
) -> None:
    land(log, 1, [invoice(1, "12.34"), invoice(2)], is_full=True)
    assert land(log, 2, [invoice(2)], is_full=True) == Appended(seen=1, changed=0, deleted=1)
    assert newest(log) == [("I2", Decimal("100.00"))]
    tombstones = log.execute(
        "select batch_id, invoice_id, total_amount, customer_id from raw.invoices where is_deleted"
    ).fetchall()
    assert tombstones == [(2, "I1", Decimal("12.34"), "K1")]
    assert land(log, 3, [invoice(2)], is_full=True) == Appended(1, 0, 0), "what is gone goes only once"


def test_a_key_that_comes_back_is_new_again_even_with_the_same_values(log: duckdb.DuckDBPyConnection) -> None:
    land(log, 1, [invoice(1), invoice(2)], is_full=True)
    land(log, 2, [invoice(2)], is_full=True)
    assert land(log, 3, [invoice(1), invoice(2)], is_full=True) == Appended(seen=2, changed=1, deleted=0)
    assert len(newest(log)) == 2


def test_the_same_batch_tried_again_changes_nothing(log: duckdb.DuckDBPyConnection) -> None:
    land(log, 1, [invoice(1), invoice(2), invoice(3)], is_full=True)
    land(log, 2, [invoice(1), invoice(2, "2.00")], is_full=True)
    before = log.execute("select * from raw.invoices order by all").fetchall()
    assert land(log, 2, [invoice(1), invoice(2, "2.00")], is_full=True) == Appended(2, 0, 0)
    assert log.execute("select * from raw.invoices order by all").fetchall() == before


def test_a_batch_tried_again_on_a_source_that_moved_on_ends_with_what_it_saw_last(
    log: duckdb.DuckDBPyConnection,
) -> None:
    land(log, 1, [invoice(1), invoice(2), invoice(3)], is_full=True)
    land(log, 2, [invoice(3), invoice(4), invoice(1, "5.00")], is_full=True)
    land(log, 2, [invoice(2), invoice(1, "6.00")], is_full=True)
    assert newest(log) == [("I1", Decimal("6.00")), ("I2", Decimal("100.00"))]


@pytest.mark.parametrize(("kept", "is_refused"), [(80, False), (79, True)])
def test_the_brake_lets_the_allowed_share_go_and_no_row_more(
    log: duckdb.DuckDBPyConnection, kept: int, is_refused: bool
) -> None:
    land(log, 1, [invoice(each) for each in range(100)], is_full=True, max_shrink_percent=20)
    rest = [invoice(each) for each in range(kept)]
    if is_refused:
        with pytest.raises(DataProblem, match=r"lost 21 of 100 rows, more than 20 %") as refusal:
            land(log, 2, rest, is_full=True, max_shrink_percent=20)
        assert "max_shrink_percent" in refusal.value.what_to_do
        assert len(newest(log)) == 100
    else:
        assert land(log, 2, rest, is_full=True, max_shrink_percent=20).deleted == 20


@pytest.mark.parametrize(("missing", "is_refused"), [(10, False), (11, True)])
def test_a_handful_may_always_go(log: duckdb.DuckDBPyConnection, missing: int, is_refused: bool) -> None:
    land(log, 1, [invoice(each) for each in range(12)], is_full=True)
    rest = [invoice(each) for each in range(missing, 12)]
    if is_refused:
        with pytest.raises(DataProblem):
            land(log, 2, rest, is_full=True, max_shrink_percent=20)
    else:
        assert land(log, 2, rest, is_full=True, max_shrink_percent=20).deleted == 10


def test_a_new_row_does_not_make_up_for_a_vanished_one(log: duckdb.DuckDBPyConnection) -> None:
    land(log, 1, [invoice(each) for each in range(100)], is_full=True)
    with pytest.raises(DataProblem, match="lost 50 of 100"):
        land(log, 2, [invoice(each) for each in range(50, 200)], is_full=True, max_shrink_percent=20)


def test_an_extract_without_any_invoice_is_no_extract_however_few_there_were(log: duckdb.DuckDBPyConnection) -> None:
    land(log, 1, [invoice(1), invoice(2)], is_full=True)
    with pytest.raises(DataProblem, match="lost 2 of 2"):
        land(log, 2, [], is_full=True, max_shrink_percent=20)
    assert land(log, 2, [], is_full=True, max_shrink_percent=100).deleted == 2


def test_the_last_order_or_mandate_may_go(log: duckdb.DuckDBPyConnection) -> None:
    one = arrow_rows(ORDERS, [("C1", "K1", "PO-1", None, None)], [1])
    append_billing(log, ORDERS, one, batch_id=1, source_sha256=SHA, is_full=True)
    none = arrow_rows(ORDERS, [], [])
    landed = append_billing(log, ORDERS, none, batch_id=2, source_sha256=SHA, is_full=True, max_shrink_percent=20)
    assert landed.deleted == 1


def test_a_refused_row_of_a_full_extract_has_not_vanished(log: duckdb.DuckDBPyConnection) -> None:
    land(log, 1, [invoice(1), invoice(2), invoice(3)], is_full=True)
    refuse(log, 2, 2, "I2")
    after = 0
    landed = append_billing(
        log,
        INVOICES,
        arrow_rows(INVOICES, [invoice(1)], [1]),
        batch_id=2,
        source_sha256=SHA,
        is_full=True,
        after=after,
    )
    assert landed.deleted == 1
    assert [row[0] for row in newest(log)] == ["I1", "I2"], "I2 was there, only unreadable; I3 was not"


def test_a_refused_row_that_names_no_invoice_stops_tombstones_of_its_company_only(
    log: duckdb.DuckDBPyConnection,
) -> None:
    land(log, 1, [invoice(1), invoice(2), invoice(3, company_id="C2")], is_full=True)
    refuse(log, 2, 1, None)
    append_billing(
        log, INVOICES, arrow_rows(INVOICES, [], []), batch_id=2, source_sha256=SHA, is_full=True, max_shrink_percent=100
    )
    assert [row[0] for row in newest(log)] == ["I1", "I2"]


def test_a_good_row_with_the_old_values_heals_a_refused_one(log: duckdb.DuckDBPyConnection) -> None:
    """Someone spoilt a row in the ERP and put it back: without a new version in the log the customer stays held."""
    land(log, 1, [invoice(1), invoice(2)])
    refuse(log, 2, 1, "I1")
    assert land(log, 3, [invoice(1), invoice(2)]) == Appended(seen=2, changed=1, deleted=0)
    assert log.execute("select max(batch_id) from raw.invoices where invoice_id = 'I1'").fetchall() == [(3,)]
    assert land(log, 4, [invoice(1), invoice(2)]).changed == 0, "healed once is healed"


def test_numbers_go_on_after_refused_rows_of_the_same_batch(log: duckdb.DuckDBPyConnection) -> None:
    refuse(log, 1, 7, "I9")
    assert last_ordinal(log, INVOICES, 1) == 7
    land(log, 1, [invoice(1)])
    assert log.execute("select ordinal from raw.invoices").fetchall() == [(8,)]
    assert last_ordinal(log, INVOICES, 2) == 0


def test_rows_keep_the_numbers_of_their_source(log: duckdb.DuckDBPyConnection) -> None:
    append_billing(
        log,
        INVOICES,
        arrow_rows(INVOICES, [invoice(1), invoice(2)], [3, 8]),
        batch_id=1,
        source_sha256=SHA,
        is_full=False,
    )
    assert log.execute("select invoice_id, ordinal from raw.invoices order by 2").fetchall() == [("I1", 3), ("I2", 8)]


def test_an_arrow_table_of_another_type_is_not_taken_silently(log: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(pa.ArrowInvalid):
        arrow_rows(INVOICES, [invoice(1, "1.005")], [1])


def test_replaced_rows_leave_nothing_of_the_rows_before(log: duckdb.DuckDBPyConnection) -> None:
    columns = CONTROL_TABLES["business_day"]
    for day in (date(2026, 3, 1), date(2026, 3, 2)):
        assert replace_rows(log, "control.business_day", columns, [(day, "run", 1, 2, 3, "p")]) == 1
    assert log.execute("select as_of_date from control.business_day").fetchall() == [(date(2026, 3, 2),)]
    assert replace_rows(log, "control.business_day", columns, []) == 0
    assert log.execute("select count(*) from control.business_day").fetchall() == [(0,)]


AMOUNTS = st.decimals(0, Decimal("9999999999999999.99"), places=2).map(str)
EXTRACTS = st.lists(
    st.lists(st.tuples(st.integers(0, 6), AMOUNTS, st.none() | st.text(max_size=3)), max_size=8),
    min_size=1,
    max_size=5,
)


@settings(max_examples=15, deadline=None)
@given(EXTRACTS, st.data())
def test_whatever_full_extracts_come_the_newest_state_is_the_last_one(
    extracts: list[list[tuple[int, str, str | None]]], data: st.DataObject
) -> None:
    """Each extract may begin a batch or be a second attempt in the same one."""
    with duckdb.connect() as log:
        for statement in create_statements():
            log.execute(statement)
        batch_id = 1
        for extract in extracts:
            batch_id += data.draw(st.integers(0, 1))
            rows = [invoice(number, amount, description=text or None) for number, amount, text in extract]
            land(log, batch_id, rows, is_full=True)
            wanted = {f"I{number}": (Decimal(amount), text or None) for number, amount, text in extract}
            held = newest(log, "invoice_id, total_amount, description")
            assert {row[0]: (row[1], row[2]) for row in held} == wanted
            assert len(held) == len(wanted)
