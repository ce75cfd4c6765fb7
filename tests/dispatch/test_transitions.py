"""The state machine: which step may follow which, and that a step happens for one contender only."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from assets.communications.transitions import (
    ALLOWED,
    TERMINAL_STATES,
    WAITING_FOR_A_PERSON,
    Author,
    IllegalTransition,
    Step,
    take,
)
from assets.operations.store import reading, writing
from assets.operations.tables import (
    FREED_STATES,
    STATES,
    UNSENT_STATES,
    audit_event,
    communication_event,
    communication_item,
)
from tests.dispatch.support import Home, message


def test_the_table_of_steps_knows_every_state():
    assert set(ALLOWED) == set(STATES)
    assert {to_state for steps in ALLOWED.values() for to_state in steps} <= set(STATES)


def test_only_a_committed_intent_leads_to_sent():
    """Nothing is ever called sent that was not being sent, or in doubt about it."""
    assert {state for state, steps in ALLOWED.items() if "sent" in steps} == {"sending", "in_doubt", "closed_unknown"}
    assert {state for state, steps in ALLOWED.items() if "sending" in steps} == {"claimed"}
    assert {state for state, steps in ALLOWED.items() if "claimed" in steps} == {"approved"}


def test_what_left_or_may_have_left_is_never_sent_again():
    """From such a state no path leads back to approved, but through a person (held), or going live (cancelled)."""
    for state in ("sent", "delivered", "complained", "in_doubt", "closed_unknown"):
        assert not ALLOWED[state] & {"approved", "claimed", "rendered", "planned"}


def test_every_state_is_final_waits_for_a_person_or_moves_on():
    for state in set(STATES) - set(TERMINAL_STATES) - set(WAITING_FOR_A_PERSON):
        assert ALLOWED[state], f"{state} is a dead end"
    assert set(FREED_STATES) <= set(TERMINAL_STATES)
    assert not set(UNSENT_STATES) & set(FREED_STATES)


class TestTake:
    @pytest.fixture
    def step(self, any_home: Home) -> Step:
        rendered = message("K1")
        any_home.plan(rendered)
        return Step(rendered.communication_id, "approved", "claimed", 0, None, {"token": 1})

    def _take(self, home: Home, step: Step) -> bool:
        with writing(home.engine) as connection:
            return take(connection, Author(home.clock.now(), "tijdig"), step)

    def _written(self, home: Home) -> tuple[int, int]:
        with reading(home.engine) as connection:
            counts = [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (communication_event, audit_event)
            ]
        return counts[0], counts[1]

    def test_it_happens_once(self, any_home: Home, step: Step):
        assert self._take(any_home, step)
        assert not self._take(any_home, step)
        with reading(any_home.engine) as connection:
            assert connection.execute(select(communication_item.c.state)).scalars().all() == ["claimed"]

    @pytest.mark.parametrize(
        "change", [{"token": 1}, {"from_state": "held", "to_state": "approved"}, {"communication_id": "x"}]
    )
    def test_with_a_wrong_token_state_or_id_it_leaves_no_trace(
        self, any_home: Home, step: Step, change: dict[str, object]
    ):
        before = self._written(any_home)
        assert not self._take(any_home, replace(step, **change))
        assert self._written(any_home) == before

    def test_an_old_token_cannot_finish_what_a_newer_claim_is_sending(self, any_home: Home, step: Step):
        key = step.communication_id
        for following in (
            step,
            Step(key, "claimed", "sending", 1),
            Step(key, "sending", "approved", 1, "recovered", {"token": 2}),
            Step(key, "approved", "claimed", 2, None, {"token": 3}),
            Step(key, "claimed", "sending", 3),
        ):
            assert self._take(any_home, following)
        assert not self._take(any_home, Step(key, "sending", "sent", 1))
        assert self._take(any_home, Step(key, "sending", "sent", 3))

    def test_an_unknown_step_is_a_programming_error(self, any_home: Home, step: Step):
        with pytest.raises(IllegalTransition, match="approved -> sent"):
            self._take(any_home, replace(step, to_state="sent"))
