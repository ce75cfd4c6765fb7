"""What must hold on every day, for everybody, whatever else happens (the numbers are those of the failure modes)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import duckdb
from sqlalchemy import select

from assets.operations.store import reading as reading_store
from assets.operations.tables import communication, communication_item

if TYPE_CHECKING:
    from tests.scenarios.town import Weeks

Invariant = Callable[["Weeks", duckdb.DuckDBPyConnection, date], list[str]]

# The project's own data tests that look at the whole of a day; production stops when one of them finds a row.
DAILY_TESTS = (
    "assert_closing_chain_holds",
    "assert_every_account_is_covered_or_has_a_gap",
    "assert_every_bank_cent_is_allocated_or_unapplied",
    "assert_no_entry_gives_more_than_it_has",
    "assert_balances_hold_every_allocation",
    "assert_credits_net_to_nothing",
    "assert_customer_balances_equal_invoice_balances",
    "assert_nothing_above_the_document_is_open",
    "assert_every_open_invoice_has_a_decision",
    "assert_key_accounts_get_no_messages",
    "assert_no_message_while_exempt",
    "assert_stages_rise_by_one_and_calls_stand_between_messages",
    "assert_message_total_is_items_minus_credit",
    "assert_messages_are_what_was_decided",
    "assert_no_message_for_paid",
    "assert_one_dunning_message_per_customer_currency_day",
    "assert_what_waits_for_a_person_has_a_task",
)
DUNNING_KINDS = ("pre_due_notice", "reminder_1", "reminder_2", "formal_notice")
REACHED = ("sent", "delivered", "complained", "in_doubt", "closed_unknown")


def _found(connection: duckdb.DuckDBPyConnection, query: str, day: date) -> list[str]:
    return [str(row) for row in connection.execute(query, {"day": day}).fetchall()]


def one_row_and_one_reason(weeks: Weeks, connection: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """Every open invoice has exactly one decision with a reason, and their sum is what is open."""
    return _found(
        connection,
        """
        with decided as (select * from dunning.dunning_decisions where as_of_date = $day),
        opened as (select * from receivables.invoice_balances where open_amount > 0)
        select coalesce(opened.invoice_id, decided.invoice_id), count(decided.invoice_id), any_value(decided.reason_code)
        from opened full join decided using (company_id, invoice_id)
        group by all
        having count(decided.invoice_id) <> 1 or any_value(decided.reason_code) is null or any_value(opened.invoice_id) is null
        union all
        select company_id, cast(sum(amount) as bigint), currency from (
            select company_id, currency, open_amount as amount from opened
            union all select company_id, currency, -open_amount from decided
        ) group by all having sum(amount) <> 0
        """,
        day,
    )


def money_adds_up(weeks: Weeks, connection: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """3: what is open less what lies unplaced is what was billed less what came in, customer by customer, to the cent."""
    owed = dict(
        connection.execute(
            """
            select customer_id, sum(amount) from (
                select customer_id, open_amount as amount from receivables.invoice_balances
                union all
                select customer_id, -unapplied_amount from reconciliation.unapplied_payments
            ) group by all
            """
        ).fetchall()
    )
    return [
        f"{story.customer_id} owes {truth}, not {owed.get(story.customer_id)}"
        for story in weeks.stories
        if (truth := weeks.account_of(story, day)) != owed.get(story.customer_id, Decimal(0))
    ]


def no_message_about_what_is_paid(weeks: Weeks, connection: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """21: by what the stories themselves paid, and the bank had told by then."""
    wrong = []
    for story in weeks.stories:
        for item in _items_of(weeks, story.company.company_id, story.customer_id, day):
            letter = story.letter_of(item.invoice_id)
            paid = sum(
                movement.amount
                for movement in story.movements
                if letter in movement.of
                and len(movement.of) == 1
                and weeks.delivered(story.company.company_id, movement.account, movement.booked)
            )
            if paid >= story.documents[letter].amount:
                wrong.append(f"{story.customer_id}: {letter} was paid and is in {item.communication_id}")
    return wrong


def _items_of(weeks: Weeks, company_id: str, customer_id: str, day: date) -> list[Any]:
    """The invoices in messages that left on a day."""
    with reading_store(weeks.house.installation.store) as store:
        return list(
            store.execute(
                select(communication_item)
                .join(communication, communication.c.communication_id == communication_item.c.communication_id)
                .where(
                    communication.c.company_id == company_id,
                    communication.c.customer_id == customer_id,
                    communication.c.as_of_date == day,
                    communication.c.message_kind.in_(DUNNING_KINDS),
                    communication.c.state.in_(REACHED),
                )
            ).all()
        )


def not_more_than_is_owed(weeks: Weeks, connection: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """26: no customer is asked for more than it owes after everything that speaks for it."""
    return _found(
        connection,
        f"""
        select due.customer_id, due.message_kind, due.total_amount, balances.open_amount, balances.unapplied_credit
        from communications.communications_due as due
        inner join receivables.customer_balances as balances using (company_id, customer_id, currency)
        where
            due.as_of_date = $day
            and due.message_kind in {DUNNING_KINDS}
            and due.total_amount > balances.open_amount - balances.unapplied_credit
        """,
        day,
    )


def nobody_behind_a_gap(weeks: Weeks, connection: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """23: no message to whom a missing or stale statement may hide a payment of."""
    return _found(
        connection,
        f"""
        select due.customer_id, due.message_kind, held.kind
        from communications.communications_due as due
        inner join receivables.customers_held_by_gap as held using (company_id, customer_id)
        where due.as_of_date = $day and due.message_kind in {DUNNING_KINDS}
        """,
        day,
    )


def key_accounts_get_tasks_only(weeks: Weeks, connection: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """24."""
    return _found(
        connection,
        f"""
        select due.customer_id, due.message_kind
        from communications.communications_due as due
        inner join dunning.customer_segments as segments using (company_id, customer_id)
        where due.as_of_date = $day and segments.segment = 'key' and due.message_kind in {DUNNING_KINDS}
        """,
        day,
    )


def nothing_while_held(weeks: Weeks, connection: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """22: no invoice is in a message, listed or acted on, while it is held for any reason."""
    return _found(
        connection,
        f"""
        select decided.customer_id, decided.invoice_id, decided.reason_code
        from communications.communications_due as due
        inner join communications.communication_items as items using (as_of_date, communication_id)
        inner join dunning.dunning_decisions as decided
            on
                decided.as_of_date = due.as_of_date
                and decided.company_id = due.company_id
                and decided.invoice_id = items.invoice_id
        where due.as_of_date = $day and due.message_kind in {DUNNING_KINDS} and decided.action in ('hold', 'done')
        """,
        day,
    )


def stages_move_by_one(weeks: Weeks, connection: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """18: from one day to the next a stage rises by at most one, and falls only where a bounce took a step back; and no
    message acts on more than the stage after the one reached, with calls closed in between."""
    return _found(
        connection,
        """
        with days as (
            select
                *,
                lag(previous_stage_no) over track as stage_before,
                lag(cycle) over track as cycle_before
            from dunning.dunning_decisions
            window track as (partition by company_id, invoice_id order by as_of_date)
        )
        select customer_id, invoice_id, stage_before, previous_stage_no, stage_no, cycle
        from days
        where
            as_of_date = $day
            and (
                previous_stage_no > stage_before + 1
                or previous_stage_no < stage_before - 1
                or stage_no not in (previous_stage_no, previous_stage_no + 1)
                or cycle < cycle_before
            )
        """,
        day,
    )


def data_tests(weeks: Weeks, connection: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """The project's own, which a day of production would stop on."""
    assert weeks.house.compiled is not None
    return weeks.house.compiled.failures(connection, DAILY_TESTS)


def at_the_end(weeks: Weeks) -> dict[str, list[str]]:
    """What is seen only over the whole stretch: of everything that left, by the outbox itself."""
    with reading_store(weeks.house.installation.store) as store:
        acted = store.execute(
            select(
                communication.c.customer_id,
                communication.c.as_of_date,
                communication_item.c.invoice_id,
                communication_item.c.cycle,
                communication_item.c.stage_no,
                communication.c.state,
            )
            .join(communication_item, communication_item.c.communication_id == communication.c.communication_id)
            .where(
                communication_item.c.is_acted,
                communication.c.state.in_(REACHED),
                communication.c.message_kind.in_(DUNNING_KINDS),
            )
            .order_by(communication.c.as_of_date)
        ).all()
        sent = store.execute(
            select(communication.c.company_id, communication.c.customer_id, communication.c.as_of_date)
            .where(communication.c.state.in_(REACHED), communication.c.message_kind.in_(DUNNING_KINDS))
            .order_by(communication.c.company_id, communication.c.customer_id, communication.c.as_of_date)
        ).all()
        limbo = store.execute(
            select(communication.c.customer_id, communication.c.as_of_date, communication.c.state).where(
                communication.c.state.in_(("planned", "rendered", "approved", "claimed", "sending"))
            )
        ).all()
    seen: set[tuple[str, int, int]] = set()
    twice = []
    for row in acted:
        key = (row.invoice_id, row.stage_no, row.cycle)
        if key in seen:
            twice.append(f"{row.customer_id} {row.as_of_date}: {key}")
        seen.add(key)
    close = [
        f"{later.customer_id}: {earlier.as_of_date} and {later.as_of_date}"
        for earlier, later in pairwise(sent)
        if (earlier.company_id, earlier.customer_id) == (later.company_id, later.customer_id)
        and (later.as_of_date - earlier.as_of_date).days < 7
    ]
    return {
        "no_step_is_taken_twice": twice,
        "seven_days_lie_between_two_messages": close,
        "no_message_is_left_in_limbo": [str(tuple(row)) for row in limbo],
    }


INVARIANTS: dict[str, Invariant] = {
    "every_open_invoice_has_one_row_and_one_reason": one_row_and_one_reason,
    "what_is_owed_is_what_was_billed_less_what_came_in": money_adds_up,
    "no_message_names_what_was_paid": no_message_about_what_is_paid,
    "nobody_is_asked_for_more_than_is_owed": not_more_than_is_owed,
    "no_message_to_whom_a_gap_may_hide_a_payment_of": nobody_behind_a_gap,
    "key_accounts_get_tasks_only": key_accounts_get_tasks_only,
    "no_message_names_an_invoice_that_is_held": nothing_while_held,
    "stages_move_by_one": stages_move_by_one,
    "the_data_tests_of_the_project_hold": data_tests,
}
OVER_THE_WEEKS = (
    "no_step_is_taken_twice",
    "seven_days_lie_between_two_messages",
    "no_message_is_left_in_limbo",
)
