"""Days in any order of events: plans, crashes, releases, holds, bounces, stops. What must never happen never happens."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from assets.audit.verify import OK, verify
from assets.communications.channels import Outgoing, Prepared, Presence, Transport
from assets.communications.dispatch import unsettled
from assets.communications.messages import RenderedMessage
from assets.communications.observations import observe
from assets.communications.release import refuse, release
from assets.operations import control
from assets.operations.store import migrate, open_store
from assets.register.events import record
from tests.dispatch.support import MONDAY, Home, message
from tests.operations.stores import ManualClock, quick_disk

CUSTOMERS = ("K1", "K2", "K3")


class Died(BaseException):
    """The process is gone."""


@dataclass
class Post:
    """A relay that takes whatever it gets and can never be asked about it. The dispatcher may die at any of its steps."""

    arrived: list[str] = field(default_factory=list)
    dies: str = ""
    is_confined = True

    def prepare(self, message: Outgoing) -> Prepared:
        self._maybe("while preparing")
        return _Envelope(self, message.communication_id)

    def probe(self, message: Outgoing) -> Presence:
        return Presence.UNKNOWN

    def discard(self, message: Outgoing) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""

    def _maybe(self, where: str) -> None:
        if self.dies == where:
            self.dies = ""
            raise Died


@dataclass
class _Envelope:
    post: Post
    communication_id: str

    def send(self) -> str:
        self.post._maybe("before the act")
        self.post.arrived.append(self.communication_id)
        self.post._maybe("after the act")
        return "taken"

    def abandon(self) -> None:
        """Nothing left."""


class Days(RuleBasedStateMachine):
    """A home, and a relay that counts."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="tijdig-days-", dir=quick_disk()))
        self.clock = ManualClock()
        engine = open_store(f"sqlite:///{self.folder / 'operations.db'}")
        migrate(engine, self.clock)
        self.home = Home(engine, self.clock, self.folder)
        self.post = Post()
        self.day: date = MONDAY
        self.runs = 0
        self.known: dict[str, RenderedMessage] = {}
        self.wanted: set[str] = set()
        self.released: set[str] = set()
        self.refused: set[str] = set()
        self.bounced: Counter[tuple[object, ...]] = Counter()
        self.silent: set[str] = set()
        self.checked = 0
        self.is_stopped = False

    def transport(self) -> Transport:
        return Transport({"email": self.post})

    @rule(
        customers=st.sets(st.sampled_from(CUSTOMERS)),
        stage=st.integers(1, 2),
        formal=st.booleans(),
        amount=st.sampled_from(["100.00", "99.00"]),
    )
    def plan(self, customers: set[str], stage: int, formal: bool, amount: str) -> None:
        planned = [
            message(customer, day=self.day, stage=stage, formal=formal, amount=amount) for customer in sorted(customers)
        ]
        self.known |= {rendered.communication_id: rendered for rendered in planned}
        self.runs += 1
        result = self.home.plan(*planned, run=self.home.begin(self.day, f"run-{self.runs}"))
        self.wanted = {rendered.communication_id for rendered in planned}
        self.released |= set(result.carried_over)
        self.silent = set()

    @rule(dies=st.sampled_from(["", "", "while preparing", "before the act", "after the act"]))
    def dispatch(self, dies: str) -> None:
        self.post.dies = dies
        with suppress(Died):
            self.home.dispatch(self.transport())
        self.post.dies = ""

    @rule()
    def recover(self) -> None:
        self.home.recover(self.transport(), holds_home_lock=True)

    @rule()
    def run_begins_and_stops_on_data(self) -> None:
        self.runs += 1
        self.home.begin(self.day, f"run-{self.runs}")
        self.wanted = set()

    @precondition(lambda self: "held" in self.home.states().values())
    @rule(data=st.data())
    def release_one(self, data: st.DataObject) -> None:
        held = sorted(key for key, state in self.home.states().items() if state == "held")
        key = data.draw(st.sampled_from(held))
        changed = release(self.home.engine, self.clock, by="Ann", reason="ok", communication_ids=[key]).changed
        self.released |= set(changed)

    @precondition(lambda self: {"held", "approved"} & set(self.home.states().values()))
    @rule(data=st.data())
    def refuse_one(self, data: st.DataObject) -> None:
        unsent = sorted(key for key, state in self.home.states().items() if state in ("held", "approved"))
        key = data.draw(st.sampled_from(unsent))
        self.refused |= set(
            refuse(self.home.engine, self.clock, by="Ann", reason="no", communication_ids=[key]).changed
        )

    @rule(customer=st.sampled_from(CUSTOMERS))
    def hold_a_customer(self, customer: str) -> None:
        record(
            self.home.engine,
            self.clock,
            kind="hold_placed",
            company_id="C1",
            effective_on=self.day,
            recorded_by="Ann",
            payload={"customer": customer, "reason": "asked"},
        )
        self.silent.add(customer)

    @precondition(lambda self: "sent" in self.home.states().values())
    @rule(data=st.data())
    def one_bounces(self, data: st.DataObject) -> None:
        sent = sorted(key for key, state in self.home.states().items() if state == "sent")
        key = data.draw(st.sampled_from(sent))
        observe(self.home.engine, self.clock, key, "bounced", source="dsn")
        self.bounced[self._acted(key)] += 1

    @rule()
    def stop_or_resume(self) -> None:
        self.is_stopped = not self.is_stopped
        act = control.stop if self.is_stopped else control.resume
        act(self.home.engine, self.clock, "Ann", "because")

    @rule()
    def next_day(self) -> None:
        self.day += timedelta(days=1)
        self.runs += 1
        self.home.begin(self.day, f"run-{self.runs}")
        self.wanted = set()

    def _acted(self, key: str) -> tuple[object, ...]:
        row = self.known[key].row
        return (row["customer_id"], row["stage_no"], row["cycle"])

    @invariant()
    def what_arrived_was_allowed_to(self) -> None:
        for key in self.post.arrived[self.checked :]:
            row = self.known[key].row
            assert key in self.wanted, "left without being in the newest plan"
            assert row["as_of_date"] == self.day, "left on another day than its own"
            assert not self.is_stopped, "left while stopped"
            assert key not in self.refused, "left after a refusal"
            assert row["customer_id"] not in self.silent, "left to a customer held after the plan"
            if row["requires_release"]:
                assert key in self.released, "left without a release"
        self.checked = len(self.post.arrived)

    @invariant()
    def nobody_hears_the_same_stage_twice(self) -> None:
        counts = Counter(self._acted(key) for key in self.post.arrived)
        assert all(count <= 1 + self.bounced[acted] for acted, count in counts.items()), counts

    def teardown(self) -> None:
        if self.is_stopped:
            self.stop_or_resume()
        self.recover()
        self.dispatch("")
        self.what_arrived_was_allowed_to()
        self.nobody_hears_the_same_stage_twice()
        assert unsettled(self.home.engine) == {}
        found = verify(self.home.engine)
        assert found.exit_code == OK, found.message
        self.home.engine.dispose()
        shutil.rmtree(self.folder)


TestDays = Days.TestCase
TestDays.settings = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
