"""Three days in the life of a company: what a user of the demonstration sees, and what must hold behind it."""

import hashlib
import json
from collections.abc import Callable
from datetime import date

import duckdb
import pytest
from click.testing import Result

from orchestration.home import Home
from tests.end_to_end.conftest import Demonstration, answer
from tests.end_to_end.published import select, tables

REQUIRED = {
    "banking.entries", "banking.statement_gaps", "reconciliation.payment_allocations", "reconciliation.unapplied_payments",
    "reconciliation.match_proposals", "receivables.invoice_balances", "receivables.customer_balances",
    "arrangements.arrangement_statuses", "arrangements.instalment_statuses", "dunning.dunning_decisions", "tasks.tasks",
    "communications.communications_due", "communications.communication_items", "communications.communication_trace",
}  # fmt: skip


def test_the_days_did_what_a_day_does(demonstration: Demonstration) -> None:
    first, *later = demonstration.summaries
    assert [summary.as_of_date for summary in demonstration.summaries] == [
        date(2026, 11, 18),
        date(2026, 11, 19),
        date(2026, 11, 20),
    ]
    assert first.files["taken"] > 50
    assert first.entries > 500
    assert all(summary.files["quarantined"] == 0 and not summary.gaps for summary in demonstration.summaries)
    assert all(summary.files["taken"] >= 3 for summary in later), "a statement per account arrives every day"
    for summary in demonstration.summaries:
        assert summary.communications["failed"] == summary.communications["in_doubt"] == 0
        assert summary.communications["planned"] == summary.communications["held"] + summary.communications["sent"]
    assert sum(summary.communications["sent"] for summary in demonstration.summaries) > 10
    assert {"message", "wait", "none", "hold", "task"} <= set(first.decisions)


def test_every_table_of_the_contract_is_published(demonstration: Demonstration) -> None:
    published = tables(demonstration.home)
    assert set(published) >= REQUIRED
    for name in REQUIRED - {"banking.statement_gaps"}:
        assert published[name], f"{name} is empty"
    for name in published:
        schema, table = name.split(".")
        parquet = demonstration.home.published / "parquet" / schema / f"{table}.parquet"
        assert duckdb.sql(f"select count(*) from '{parquet}'").fetchall() == [(len(published[name]),)]


def test_the_outbox_holds_exactly_what_was_sent(demonstration: Demonstration) -> None:
    for summary in demonstration.summaries:
        files = [path for path in (demonstration.home.outbox / summary.as_of_date.isoformat()).iterdir()]
        assert len(files) == summary.communications["sent"]
        assert {path.suffix for path in files} <= {".eml", ".pdf"}


def test_formal_notices_wait_for_a_release(demonstration: Demonstration) -> None:
    formal = select(
        demonstration.home,
        "select communication_id, requires_release from communications.communications_due where message_kind = 'formal_notice'",
    )
    assert formal
    assert all(requires for _, requires in formal)
    sent = {path.stem for path in demonstration.home.outbox.rglob("*.*")}
    assert not sent & {communication_id for communication_id, _ in formal}


def test_key_accounts_are_never_written_to(demonstration: Demonstration) -> None:
    home = demonstration.home
    assert select(home, "select count(*) from dunning.dunning_decisions where segment = 'key'") > [(0,)]
    assert select(
        home, "select count(*) from dunning.dunning_decisions where segment = 'key' and action = 'message'"
    ) == [(0,)]


def test_decisions_add_up_to_what_is_open(demonstration: Demonstration) -> None:
    decided = select(
        demonstration.home,
        "select currency, sum(open_amount), count(*) from dunning.dunning_decisions group by currency",
    )
    opened = select(
        demonstration.home,
        "select currency, sum(open_amount), count(*) from receivables.invoice_balances where open_amount > 0 group by currency",
    )
    assert decided == opened


def test_every_bank_cent_is_allocated_or_unapplied(demonstration: Demonstration) -> None:
    booked, allocated, unapplied = (
        select(demonstration.home, query)[0][0]
        for query in (
            "select sum(amount) from banking.entries",
            "select sum(amount) from reconciliation.payment_allocations where component = 'principal'",
            "select sum(unapplied_amount) from reconciliation.unapplied_payments",
        )
    )
    assert booked == allocated + unapplied


def test_nobody_gets_the_same_step_twice(demonstration: Demonstration) -> None:
    with duckdb.connect(str(demonstration.home.warehouse), read_only=True) as connection:
        twice = connection.execute(
            """
            select company_id, invoice_id, stage_no, cycle, count(distinct communication_id) from raw.dispatch_events
            where is_acted and state in ('sent', 'delivered', 'closed_unknown')
            group by all having count(distinct communication_id) > 1
            """
        ).fetchall()
    assert twice == []


def test_no_invoice_that_was_paid_is_reminded(demonstration: Demonstration) -> None:
    """Against the truth of the simulated company, which the project never sees: every payment the bank had booked by then."""
    truth = json.loads((demonstration.home.root / "simulation" / "truth.json").read_text(encoding="utf-8"))
    paid: dict[str, int] = {}
    for entry in truth["entries"]:
        # Whatever the payer wrote or forgot to write: right, mistyped, or nothing at all.
        if entry["booked_on"] < "2026-11-18":
            for allocation in entry["allocations"]:
                paid[allocation["invoice_id"]] = paid.get(allocation["invoice_id"], 0) + allocation["cents"]
    totals = dict(
        select(
            demonstration.home,
            "select invoice_id, cast(total_amount * 100 as bigint) from receivables.invoice_balances where kind = 'invoice'",
        )
    )
    settled = {invoice for invoice, cents in paid.items() if cents >= totals.get(invoice, cents + 1)}
    assert len(settled) > 100
    with duckdb.connect(str(demonstration.home.warehouse), read_only=True) as connection:
        reminded = {
            row[0]
            for row in connection.execute(
                "select distinct invoice_id from communications.communication_items"
            ).fetchall()
        }
    assert reminded
    assert not reminded & settled


def test_the_same_day_again_sends_nothing_and_changes_nothing(copied: Home, tijdig: Callable[..., Result]) -> None:
    before, files = tables(copied), sorted(copied.outbox.rglob("*.*"))
    result = tijdig("run", "--date", "2026-11-20", "--json", home=copied)
    assert result.exit_code == 0, result.output
    assert answer(result)["communications"]["planned"] == len(
        select(copied, "select 1 from communications.communications_due")
    )  # type: ignore[index]
    assert sorted(copied.outbox.rglob("*.*")) == files
    after = tables(copied)
    assert set(after) == set(before)
    for name in before:
        assert after[name] == before[name], f"{name} differs"


def test_a_deleted_warehouse_comes_back_with_the_same_decisions(copied: Home, tijdig: Callable[..., Result]) -> None:
    before = tables(copied)
    with duckdb.connect(str(copied.warehouse), read_only=True) as connection:
        history = connection.execute(
            "select as_of_date, invoice_id, action, reason_code, stage_no from dunning.dunning_decisions order by all"
        ).fetchall()
    copied.warehouse.unlink()
    result = tijdig("run", "--date", "2026-11-20", home=copied)
    assert result.exit_code == 0, result.output
    after = tables(copied)
    for name in before:
        assert after[name] == before[name], f"{name} differs"
    with duckdb.connect(str(copied.warehouse), read_only=True) as connection:
        assert (
            connection.execute(
                "select as_of_date, invoice_id, action, reason_code, stage_no from dunning.dunning_decisions order by all"
            ).fetchall()
            == history
        )


def test_a_released_formal_notice_leaves_once(copied: Home, tijdig: Callable[..., Result]) -> None:
    communication_id = select(
        copied,
        "select min(communication_id) from communications.communications_due where message_kind = 'formal_notice'",
    )[0][0]
    letter = copied.outbox / "2026-11-20" / f"{communication_id}.pdf"
    # It costs both sides money: one pair of eyes is not enough, and the same pair twice is still one.
    first = tijdig("release", communication_id, "--by", "J. de Boer", "--reason", "seen and agreed", home=copied)
    assert first.exit_code == 0
    assert "1 of 2" in first.stdout
    again = tijdig("release", communication_id, "--by", "j. de  boer", "--reason", "seen", home=copied)
    assert "somebody else" in again.stdout
    tijdig("dispatch", home=copied)
    assert not letter.exists()
    second = tijdig("release", communication_id, "--by", "A. Smit", "--reason", "agreed", home=copied)
    assert second.exit_code == 0
    assert tijdig("dispatch", home=copied).exit_code == 0
    written = hashlib.sha256(letter.read_bytes()).hexdigest()
    assert tijdig("dispatch", home=copied).exit_code == 0
    assert hashlib.sha256(letter.read_bytes()).hexdigest() == written
    explained = answer(tijdig("explain", communication_id, "--json", home=copied))
    assert explained["state"] == "sent"
    assert explained["body_sha256"] == written
    agreed = explained["agreed_by"]
    assert isinstance(agreed, list)
    assert [approval["approved_by"] for approval in agreed] == ["J. de Boer", "A. Smit"]
    # What the post gave back is kept with the letter, and a letter we do not know gets no receipt.
    said = explained["message"]
    assert isinstance(said, dict)
    posted = ("record", "registered_letter", "--company", said["company_id"], "--by", "J. de Boer",
              "--tracking-number", "RR123456785NL")  # fmt: skip
    assert tijdig(*posted, "--communication-id", communication_id, home=copied).exit_code == 0
    unknown = tijdig(*posted, "--communication-id", "f" * 26, home=copied)
    assert unknown.exit_code == 2
    assert "has no message" in unknown.stderr
    registered = answer(tijdig("explain", communication_id, "--json", home=copied))["registered"]
    assert isinstance(registered, dict)
    assert registered["tracking_number"] == "RR123456785NL"


def test_a_message_is_traced_to_bank_file_and_line(demonstration: Demonstration, tijdig: Callable[..., Result]) -> None:
    rows = select(
        demonstration.home,
        "select communication_id, file_sha256, ordinal from communications.communication_trace where file_sha256 is not null order by all limit 1",
    )
    assert rows, "no message of the last day weighed any payment"
    communication_id, sha256, ordinal = rows[0]
    archived = demonstration.home.archive / sha256[:2] / sha256
    assert hashlib.sha256(archived.read_bytes()).hexdigest() == sha256
    document = answer(tijdig("explain", communication_id, "--json", home=demonstration.home))
    weighed = document["money_weighed"]
    assert isinstance(weighed, list)
    assert any(
        row["entry"]["file_sha256"] == sha256 and row["entry"]["ordinal"] == ordinal and row["entry"]["file"]
        for row in weighed
        if row.get("entry")
    )
    words = tijdig("explain", communication_id, home=demonstration.home).stdout
    assert sha256 in words
    assert "because" in words


def test_an_invoice_is_explained_whether_or_not_it_was_acted_on(
    demonstration: Demonstration, tijdig: Callable[..., Result]
) -> None:
    for action in ("message", "wait", "none", "hold"):
        number, reason = select(
            demonstration.home,
            "select any_value(balances.invoice_number), decisions.reason_code from dunning.dunning_decisions as decisions "
            "join receivables.invoice_balances as balances using (company_id, invoice_id) where decisions.action = ? group by all limit 1",
            action,
        )[0]
        words = tijdig("explain", number, home=demonstration.home).stdout
        assert f"{action}, because {reason}" in words


def test_every_outcome_of_a_payment_is_explained(demonstration: Demonstration, tijdig: Callable[..., Result]) -> None:
    """One entry of each rule and of each reason a payment is left for, by the first characters of its key."""
    for entry_key, rule, sentence in select(
        demonstration.home,
        """
        select arg_min(entry_key, entry_key), rule_id, arg_min(evidence, entry_key)
        from reconciliation.payment_allocations group by rule_id
        union all
        select arg_min(entry_key, entry_key), reason, arg_min(explanation, entry_key)
        from reconciliation.unapplied_payments group by reason
        """,
    ):
        document = answer(tijdig("explain", entry_key[:12], "--json", home=demonstration.home))
        assert document["entry_key"] == entry_key
        words = tijdig("explain", entry_key, home=demonstration.home).stdout
        assert sentence in words, rule
    ((proposed, number),) = select(
        demonstration.home,
        "select proposals.entry_key, balances.invoice_number from reconciliation.match_proposals as proposals "
        "join receivables.invoice_balances as balances using (company_id, invoice_id) order by all limit 1",
    )
    assert f"entry {proposed}" in tijdig("explain", number, home=demonstration.home).stdout


@pytest.mark.parametrize(
    ("table", "test"),
    [
        ("dunning.dunning_decisions", "assert_every_open_invoice_has_a_decision"),
        # What payment_allocations, a view, tells of today.
        ("reconciliation.int_allocations_told", "assert_every_bank_cent_is_allocated_or_unapplied"),
        ("reconciliation.unapplied_payments", "assert_every_bank_cent_is_allocated_or_unapplied"),
    ],
)
def test_the_identity_tests_fail_when_a_row_is_removed(copied: Home, table: str, test: str) -> None:
    from assets.problem import DataProblem
    from assets.warehouse.dbt import DbtHome, run_dbt

    dbt = DbtHome(copied.warehouse, copied.target)
    run_dbt(dbt, ["test", "--select", test])
    with duckdb.connect(str(copied.warehouse)) as connection:
        deleted = connection.execute(
            f"delete from {table} where rowid = (select max(rowid) from {table} where as_of_date = date '2026-11-20')"
        ).fetchall()
    assert deleted == [(1,)]
    with pytest.raises(DataProblem, match=test):
        run_dbt(dbt, ["test", "--select", test])
