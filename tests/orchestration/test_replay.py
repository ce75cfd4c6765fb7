"""What a replay says of decisions that do not come out as they were."""

from datetime import date

import pyarrow as pa

from orchestration.replay import compared


def decisions(*rows: tuple[str, str, str], run: str = "a", **more: str) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "company_id": "VB",
                "invoice_id": invoice,
                "as_of_date": date(2026, 11, 13),
                "action": action,
                "reason_code": reason,
                "run_id": run,
                **more,
            }
            for invoice, action, reason in rows
        ]
    )


def test_a_decision_that_differs_is_named_with_what_differs() -> None:
    then = decisions(("F1", "message", "stage_due"), ("F2", "hold", "disputed"), ("F3", "none", "not_due"))
    now = decisions(("F1", "hold", "disputed"), ("F2", "hold", "disputed"), ("F4", "message", "catch_up"), run="b")
    found = compared(then, now)
    assert (found.only_then, found.only_now) == (2, 2)
    assert [str(each) for each in found.differences] == [
        "VB F1: action was message, is hold; reason_code was stage_due, is disputed",
        "VB F3: gone, was none, not_due",
        "VB F4: new, message, catch_up",
    ]


def test_neither_the_run_nor_a_column_of_a_later_version_is_a_difference() -> None:
    then = decisions(("F1", "message", "stage_due"))
    assert compared(then, decisions(("F1", "message", "stage_due"), run="b", tone="kind")).differences == ()
