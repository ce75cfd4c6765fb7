"""Customers and what happens to them, told by the stories; and the weeks in which all of it happens at once.

Every story is one customer of one company. What it tells is put where it would come from: billing files, bank statements,
the register, the evening's bounces. The stories share their weeks, so that a day costs the same for thirty as for one.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import select

from assets.communications.observations import observe, settle_doubt
from assets.communications.release import release
from assets.landing.raw_tables import BILLING_TABLE_BY_NAME
from assets.operations.store import reading as reading_store
from assets.operations.tables import communication, communication_item
from assets.register.events import record
from simulation.bank_days import is_bank_day
from simulation.camt_file import camt_053
from simulation.identifiers import iban
from simulation.model import Account, BankEntry, Statement
from tests.scenarios.house import House
from tests.scenarios.invariants import INVARIANTS, at_the_end

YEAR = 2026
LEFT = ("sent", "delivered", "bounced", "complained", "in_doubt", "closed_unknown")


def on(text: str) -> date:
    """A day of the weeks, written month-day."""
    month, day = text.split("-")
    return date(YEAR, int(month), int(day))


FIRST = on("03-02")
# Three weeks of weekdays, then Mondays, Wednesdays and Fridays (with Good Friday and Easter Monday, no bank days); then
# nobody runs anything for ten days.
DAYS = [
    day
    for offset in range(52)
    if (day := FIRST + timedelta(days=offset)).isoweekday() <= 5
    and (day < on("03-23") or day.isoweekday() % 2 == 1 or day > on("04-20"))
    and not on("04-11") <= day <= on("04-20")
]
# On these days the whole day is run a second time after its messages left.
AGAIN = [on("03-04"), on("03-16"), on("04-21")]

Hook = Callable[["Weeks"], None]


@dataclass(frozen=True)
class Document:
    """An invoice or credit note of a story, with the day billing first tells of it."""

    letter: str
    arrives: date
    row: dict[str, str]
    lines: tuple[dict[str, str], ...] = ()
    opening: tuple[int, date] | None = None

    @property
    def amount(self) -> Decimal:
        """What it is worth: below zero for a credit note."""
        total = Decimal(self.row["total_amount"])
        return -total if self.row["kind"] == "credit_note" else total


@dataclass(frozen=True)
class Movement:
    """A booking on an account of the company; `of` are the documents it pays, by letter, for the truth of it."""

    account: int
    booked: date
    valued: date
    amount: Decimal
    text: str
    end_to_end_id: str
    of: tuple[str, ...]
    is_return: bool = False


@dataclass
class Company:
    """A creditor with its own accounts. `late` says which statements come on another day than the next."""

    company_id: str
    accounts: tuple[str, ...]
    stories: list[Story] = field(default_factory=list)
    late: dict[tuple[int, date], date] = field(default_factory=dict)
    at_noon: set[tuple[int, date]] = field(default_factory=set)

    def statement_comes(self, booked: str, comes: str, account: int = 0) -> None:
        """The statement of a day is held up until another day."""
        self.late[(account, on(booked))] = on(comes)

    def statement_comes_at_noon(self, booked: str, account: int = 0) -> None:
        """The statement of a day comes on that very day, after the messages were planned."""
        self.at_noon.add((account, on(booked)))


def _account(number: int) -> str:
    return iban("NL", f"INGB{number:010}")


COMPANIES = {
    name: Company(name, tuple(_account(1000 + 10 * place + number) for number in range(accounts)))
    for place, (name, accounts) in enumerate([("VB", 1), ("GAP", 2), ("NOON", 1), ("KEY", 1)])
}


class Story:
    """One customer and what happens to it. Days are written month-day, amounts as text, documents as letters."""

    company: Company
    customer_id: str
    documents: dict[str, Document]
    movements: list[Movement]

    def __init__(self, name: str, company: str = "VB", scenario: str | None = "weeks", **more: str) -> None:
        self.company = COMPANIES[company]
        known = [story.customer_id for each in COMPANIES.values() for story in each.stories]
        assert name not in known, f"the story {name} is told twice"
        self.number = len(known) + 1
        self.customer_id = name
        self.company.stories.append(self)
        self.iban = _account(500_000 + self.number)
        self.documents = {}
        self.movements = []
        self.events: list[tuple[date, str, dict[str, object]]] = []
        self.after_plan: list[tuple[date, Hook]] = []
        self.bounced: set[date] = set()
        self.unanswered: set[date] = set()
        self.morning: tuple[date, Any] | None = None
        self.row = {
            "company_id": company,
            "customer_id": name,
            "name": f"{name.replace('_', ' ').title()} B.V.",
            "country": "NL",
            "language": "nl",
            "email": f"ap@{name.replace('_', '-')}.example",
            "street": f"Dorpsstraat {self.number}",
            "postal_code": "3511 AB",
            "city": "Utrecht",
            "iban": self.iban,
            "collector": "M. Visser",
            "account_manager": "A. Smit",
            "created_on": "2020-01-01",
            "scenario_id": scenario or "",
            **more,
        }

    def invoice(
        self,
        letter: str,
        total: str,
        due: str,
        *,
        issued: date | None = None,
        arrives: str = "03-02",
        opening: tuple[int, str] | None = None,
        lines: Sequence[str] = (),
        **more: str,
    ) -> None:
        """An invoice; with `opening`, the stage an older system had reached and its day; `lines` are their amounts."""
        made = issued or on(due) - timedelta(days=30)
        row = self._row(letter, "invoice", total, made, on(due), **more)
        self.documents[letter] = Document(
            letter,
            max(on(arrives), made),
            row,
            tuple(
                {
                    "company_id": row["company_id"],
                    "invoice_id": row["invoice_id"],
                    "line_number": str(place),
                    "description": f"Line {place}",
                    "line_amount": amount,
                }
                for place, amount in enumerate(lines, start=1)
            ),
            (opening[0], on(opening[1])) if opening else None,
        )

    def credit_note(self, letter: str, total: str, issued: str, *, credits: str = "", arrives: str = "03-02") -> None:
        """A credit note, loose or of an invoice."""
        more = {"credits_invoice_number": self.number_of(credits)} if credits else {}
        row = self._row(letter, "credit_note", total, on(issued), on(issued), **more)
        self.documents[letter] = Document(letter, on(arrives), row)

    def pays(
        self, booked: str, amount: str, of: str, *, text: str | None = None, account: int = 0, valued: str = ""
    ) -> None:
        """A payment of the documents `of` (letters); its text names them unless another is given."""
        numbers = " ".join(self.number_of(letter) for letter in of)
        key = f"E2E-{self.number}-{len(self.movements)}"
        self.movements.append(
            Movement(
                account,
                on(booked),
                on(valued or booked),
                Decimal(amount),
                text or f"betaling {numbers}",
                key,
                tuple(of),
            )
        )

    def takes_back(self, booked: str) -> None:
        """The bank takes the last payment back."""
        paid = self.movements[-1]
        self.movements.append(
            Movement(
                paid.account,
                on(booked),
                on(booked),
                -paid.amount,
                paid.text,
                paid.end_to_end_id,
                paid.of,
                is_return=True,
            )
        )

    def tells(self, day: str, kind: str, **payload: object) -> None:
        """Something is recorded in the morning. `invoice` and `invoices` are letters."""
        self.events.append((on(day), kind, self._named(payload)))

    def changes_mind_after_the_plan(self, day: str, kind: str, **payload: object) -> None:
        """Something is recorded when the messages of the day are planned and have not left."""
        named = self._named(payload)
        self.after_plan.append((on(day), lambda weeks: weeks.record(self, on(day), kind, named)))

    def released(self, day: str) -> None:
        """A person releases what is held of this customer on that day."""
        self.after_plan.append((on(day), lambda weeks: weeks.release(self)))

    def doubt_settled(self, day: str, finding: Any) -> None:
        """A person finds out what became of the message in doubt; known from that day's run on."""
        self.morning = (on(day), finding)

    def mail_bounces(self, day: str) -> None:
        """What leaves on that day by e-mail bounces in the evening."""
        self.bounced.add(on(day))

    def mail_unanswered(self, day: str) -> None:
        """Whatever leaves on that day: nobody ever learns whether it arrived."""
        self.unanswered.add(on(day))

    def number_of(self, letter: str) -> str:
        return f"VF{700_000 + self.number * 100 + ord(letter)}"

    def letter_of(self, invoice_id: str) -> str:
        return next(letter for letter in self.documents if self.number_of(letter) == invoice_id)

    def _row(self, letter: str, kind: str, total: str, issued: date, due: date, **more: str) -> dict[str, str]:
        number = self.number_of(letter)
        return {
            "company_id": self.company.company_id,
            "invoice_id": number,
            "invoice_number": number,
            "customer_id": self.customer_id,
            "kind": kind,
            "issued_on": issued.isoformat(),
            "due_on": due.isoformat(),
            "currency": "EUR",
            "total_amount": total,
            **more,
        }

    def _named(self, payload: dict[str, object]) -> dict[str, object]:
        named = dict(payload)
        if isinstance(invoice := named.get("invoice"), str):
            named["invoice"] = self.number_of(invoice)
        if isinstance(invoices := named.get("invoices"), str):
            named["invoices"] = [self.number_of(letter) for letter in invoices]
        return named


# Steps of the stories' own, so that a change of the shipped scenarios changes no story.
_STEP = {
    "policy_id": "stories-1", "day_kind": "calendar", "requires_release": False, "pay_by_bank_days": 7,
    "minimum_share_basis_points": 0, "claims_interest": False, "claims_costs": False,
    "valid_from": date(2000, 1, 1), "valid_to": date(9999, 12, 31),
}  # fmt: skip
_MAIL = {"step_kind": "message", "class": "friendly", "tone": "friendly", "channels": "email;letter"}
_FORMAL = {
    "step_kind": "message", "class": "formal", "tone": "formal", "channels": "registered_letter",
    "message_kind": "formal_notice", "requires_release": True,
}  # fmt: skip
SCENARIOS: dict[str, list[dict[str, object]]] = {
    "weeks": [
        _MAIL | {"message_kind": "pre_due_notice", "base": "due_date", "offset_days": -5, "expires_after_days": 4},
        _MAIL | {"message_kind": "reminder_1", "base": "due_date", "offset_days": 0},
        _MAIL | {"message_kind": "reminder_2", "base": "previous_step", "offset_days": 10},
        {
            "step_kind": "task", "task_kind": "call", "owner_role": "relation", "base": "previous_step", "offset_days": 7,
            "expires_after_days": 5,
        },
        _FORMAL | {"base": "previous_step", "offset_days": 7},
    ],
    # Four levels of messages, as in the example of SAP.
    "levels": [
        _MAIL | {"message_kind": "pre_due_notice", "base": "due_date", "offset_days": -5, "expires_after_days": 4},
        _MAIL | {"message_kind": "reminder_1", "base": "due_date", "offset_days": 0},
        *(_MAIL | {"message_kind": "reminder_2", "base": "previous_step", "offset_days": 10} for _ in range(3)),
    ],
}  # fmt: skip


class Weeks:
    """All stories lived through, and what was decided, sent and asked for on every day."""

    def __init__(self, root: Path) -> None:
        self.house = House(root, FIRST, self._prepare)
        self.stories = [story for company in COMPANIES.values() for story in company.stories]
        self.broken: dict[str, list[str]] = {name: [] for name in INVARIANTS}
        self.sent_again: list[str] = []
        self.changed_again: list[str] = []
        self.kept: dict[str, dict[date, list[dict[str, Any]]]] = {}
        self._opening = {(name, number): 100_000_00 for name, each in COMPANIES.items() for number in range(len(each.accounts))}  # fmt: skip
        self._delivered: set[tuple[str, int, date]] = set()

    def live(self) -> None:
        """Runs every day, and looks at everything after each."""
        self._found()
        for day in DAYS:
            self._morning(day)
            self.house.run(day)
            self._noon(day)
            self.house.dispatch()
            self._look(day)
            if day in AGAIN:
                self._again(day)
            self._evening(day)
        self.broken |= at_the_end(self)

    # What arrives ------------------------------------------------------------------------------------------------

    def _found(self) -> None:
        """What billing knows before the first day."""
        inbox = self.house.home.billing_inbox
        _write(inbox / "companies.csv", [_company(company) for company in COMPANIES.values()])
        big = [_big_customer(name) for name in ("VB", "GAP", "NOON")]
        _write(inbox / "customers.csv", [story.row for story in self.stories] + big)
        _write(inbox / "invoices-big.csv", [_big_invoice(row["company_id"]) for row in big])

    def _prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        for scenario_id, steps in SCENARIOS.items():
            _insert(
                connection,
                "dunning.scenarios",
                [
                    {
                        "policy_id": "stories-1",
                        "scenario_id": scenario_id,
                        "description": "Of the stories",
                        "valid_from": date(2000, 1, 1),
                        "valid_to": date(9999, 12, 31),
                    }
                ],
            )
            _insert(
                connection,
                "dunning.scenario_steps",
                [_STEP | {"scenario_id": scenario_id, "stage_no": number} | step for number, step in enumerate(steps)],
            )

    def _morning(self, day: date) -> None:
        self.house.clock.today = day
        documents = [each for story in self.stories for each in story.documents.values() if self._is_new(each, day)]
        inbox = self.house.home.billing_inbox
        _write(inbox / f"invoices-{day}.csv", [each.row for each in documents])
        _write(inbox / f"invoice_lines-{day}.csv", [line for each in documents for line in each.lines])
        _write(
            inbox / f"opening_stages-{day}.csv",
            [
                {
                    "company_id": each.row["company_id"],
                    "invoice_id": each.row["invoice_id"],
                    "stage_no": str(each.opening[0]),
                    "dispatched_on": each.opening[1].isoformat(),
                    "channel": "email",
                }
                for each in documents
                if each.opening
            ],
        )
        self._deliver(day)
        for story in self.stories:
            for told_on, kind, payload in story.events:
                if self._is_news(told_on, day):
                    self.record(story, told_on, kind, payload)
            if story.morning is not None and story.morning[0] == day:
                for row in self._messages(story, ("in_doubt", "closed_unknown")):
                    settle_doubt(
                        self.house.installation.store,
                        self.house.clock,
                        row.communication_id,
                        finding=story.morning[1],
                        by="M. Visser",
                        reason="asked the customer",
                    )

    def _is_new(self, document: Document, day: date) -> bool:
        return self._is_news(document.arrives, day)

    @staticmethod
    def _is_news(told: date, day: date) -> bool:
        """Whether today's run is the first that can know of it: what comes on a day without a run waits."""
        earlier = [each for each in DAYS if each < day]
        return told <= day and (not earlier or told > earlier[-1])

    def _deliver(self, day: date, *, at_noon: bool = False) -> None:
        """Puts every statement into the inbox that the bank has made by now, one a bank day and account."""
        for name, company in COMPANIES.items():
            for number in range(len(company.accounts)):
                booked = FIRST - timedelta(days=3)
                while booked <= (day if at_noon else day - timedelta(days=1)):
                    due = company.late.get((number, booked), booked + timedelta(days=1))
                    is_at_noon = at_noon and booked == day and (number, booked) in company.at_noon
                    is_due = (due <= day and (booked < day or is_at_noon)) or is_at_noon
                    if is_bank_day(booked) and is_due and (name, number, booked) not in self._delivered:
                        self._delivered.add((name, number, booked))
                        content = self._statement(company, number, booked)
                        (self.house.home.bank_inbox / f"{name}-{number}-{booked}.xml").write_bytes(content)
                    booked += timedelta(days=1)

    def _statement(self, company: Company, number: int, booked: date) -> bytes:
        account = Account(company.accounts[number], "INGBNL2A", "camt.053", 0)
        told = [
            (story, movement)
            for story in company.stories
            for movement in story.movements
            if movement.account == number and movement.booked == booked
        ]
        before = sum(
            movement.amount
            for story in company.stories
            for movement in story.movements
            if movement.account == number and movement.booked < booked
        )
        opening = self._opening[(company.company_id, number)] + int(before * 100)
        entries = tuple(
            BankEntry(
                entry_id=f"{story.customer_id}-{place}",
                account_iban=account.iban,
                booked_on=booked,
                valued_on=movement.valued,
                amount_cents=int(movement.amount * 100),
                kind="return" if movement.is_return else "transfer",
                counterparty_name=story.row["name"],
                counterparty_iban=story.iban,
                counterparty_bic="INGBNL2A",
                bank_reference=f"{booked:%y%m%d}{place:04}",
                end_to_end_id=movement.end_to_end_id,
                mandate_id=None,
                scheme=None,
                structured_reference=None,
                remittance=(movement.text,),
                return_reason="MD06" if movement.is_return else None,
                batch_id=None,
            )
            for place, (story, movement) in enumerate(told)
        )
        closing = opening + sum(entry.amount_cents for entry in entries)
        day_number = booked.timetuple().tm_yday
        statement = Statement(
            account, booked, booked, f"{booked:%Y%m%d}{account.iban[-4:]}", day_number, opening, closing, entries
        )
        return camt_053([statement], version="08")

    # What people and the post do ----------------------------------------------------------------------------------

    def record(self, story: Story, day: date, kind: str, payload: dict[str, object]) -> None:
        """Records an event as the command line would."""
        record(
            self.house.installation.store,
            self.house.clock,
            kind=kind,
            company_id=story.company.company_id,
            effective_on=day,
            recorded_by="M. Visser",
            payload=payload,
        )

    def release(self, story: Story) -> None:
        """Releases whatever is held of a customer."""
        held = [row.communication_id for row in self._messages(story, ("held",))]
        assert held, f"{story.customer_id}: nothing is held"
        for person in ("J. de Boer", "A. Jansen"):  # a formal notice wants two
            released = release(
                self.house.installation.store, self.house.clock, by=person, reason="seen", communication_ids=held
            )
            assert not released.untouched, released.untouched

    def _noon(self, day: date) -> None:
        """What happens between the plan and the dispatch."""
        self.house.postman.unanswered = {
            row.recipient for story in self.stories if day in story.unanswered for row in self._messages(story, ("approved", "held"))
        }  # fmt: skip
        hooks = [hook for story in self.stories for told_on, hook in story.after_plan if told_on == day]
        for hook in hooks:
            hook(self)
        if any(booked == day for company in COMPANIES.values() for _, booked in company.at_noon):
            self._deliver(day, at_noon=True)
            self.house.run(day)

    def _evening(self, day: date) -> None:
        for story in self.stories:
            if day in story.bounced:
                for row in self._messages(story, ("sent",)):
                    if row.as_of_date == day and row.channel == "email":
                        observe(
                            self.house.installation.store,
                            self.house.clock,
                            row.communication_id,
                            "bounced",
                            source="postmaster",
                        )

    def _messages(self, story: Story, states: Iterable[str]) -> list[Any]:
        with reading_store(self.house.installation.store) as store:
            return list(
                store.execute(
                    select(communication)
                    .where(
                        communication.c.company_id == story.company.company_id,
                        communication.c.customer_id == story.customer_id,
                        communication.c.state.in_(tuple(states)),
                    )
                    .order_by(communication.c.as_of_date, communication.c.communication_id)
                ).all()
            )

    # What is looked at --------------------------------------------------------------------------------------------

    def _look(self, day: date) -> None:
        with duckdb.connect(str(self.house.home.warehouse)) as connection:
            for name, invariant in INVARIANTS.items():
                self.broken[name] += [f"{day}: {found}" for found in invariant(self, connection, day)]
            for table in KEPT:
                rows = connection.execute(f"select * from {table}")
                names = [column[0] for column in rows.description]
                self.kept.setdefault(table, {})[day] = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]

    def _again(self, day: date) -> None:
        """The whole day a second time: no message leaves, no decision changes."""
        before = self._state_of(day)
        self.house.run(day)
        self.sent_again += [f"{day}: {key}" for key in self.house.dispatch().sent]
        after = self._state_of(day)
        self.changed_again += [f"{day}: {row}" for row in sorted(before ^ after, key=str)]

    def _state_of(self, day: date) -> set[tuple[Any, ...]]:
        with duckdb.connect(str(self.house.home.warehouse)) as connection:
            rows = connection.execute(
                """
                select 'decision', invoice_id, action, reason_code, stage_no, cycle, open_amount, message_kind
                from dunning.dunning_decisions where as_of_date = $day
                union all
                select 'message', communication_id, message_kind, channel, stage_no, cycle, total_amount, currency
                from communications.communications_due where as_of_date = $day
                union all
                select 'task', task_id, task_kind, status, null, null, amount, invoice_id from tasks.tasks where as_of_date = $day
                """,
                {"day": day},
            ).fetchall()
        return set(rows)

    def delivered(self, company_id: str, account: int, booked: date) -> bool:
        """Whether the statement of that day has come."""
        return (company_id, account, booked) in self._delivered

    def account_of(self, story: Story, day: date) -> Decimal:
        """What the customer owes by everything that had come in by that day's run: the truth, from the stories alone."""
        billed = sum(each.amount for each in story.documents.values() if each.arrives <= day)
        paid = sum(
            movement.amount
            for movement in story.movements
            if self.delivered(story.company.company_id, movement.account, movement.booked)
        )
        return Decimal(billed - paid)

    # What is read afterwards --------------------------------------------------------------------------------------

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the warehouse holds after the last day; its dated tables hold every day."""
        with duckdb.connect(str(self.house.home.warehouse), read_only=True) as connection:
            return connection.execute(query, list(parameters)).fetchall()

    def track(self, story: Story, until: str = "12-31") -> list[str]:
        """Where each invoice stood, a line whenever something changed: day, document, action, reason, stage, open amount.

        The stage is the one acted on that day, else the one reached; from the second cycle on the cycle stands behind it.
        Between two lines of a document every run day was the same as the earlier one. `gone`: no longer open.
        """
        decided = self.rows(
            """
            select as_of_date, invoice_id, action, reason_code, stage_no, cycle, open_amount
            from dunning.dunning_decisions where company_id = ? and customer_id = ?
            """,
            story.company.company_id,
            story.customer_id,
        )
        by_key = {(row[0], story.letter_of(row[1])): row[2:] for row in decided}
        lines, last = [], dict.fromkeys(story.documents, "")
        for day in (each for each in DAYS if each <= on(until)):
            for letter in sorted(story.documents):
                row = by_key.get((day, letter))
                if row is None:
                    words = "gone" if last[letter] else ""
                else:
                    action, reason, stage, cycle, open_amount = row
                    turn = f"/{cycle}" if cycle > 1 else ""
                    words = f"{action} {reason} {stage}{turn} {open_amount}"
                if words != last[letter]:
                    lines.append(f"{day:%m-%d} {letter} {words}")
                    last[letter] = words
        return lines

    def statuses(self, table: str, story: Story, column: str = "status") -> list[str]:
        """The values of a column in the customer's rows of a kept table, a line whenever they changed."""
        lines, last = [], ""
        for day, rows in self.kept[table].items():
            words = " ".join(sorted(str(row[column]) for row in rows if row["customer_id"] == story.customer_id))
            if words != last:
                lines.append(f"{day:%m-%d} {words or 'gone'}")
                last = words
        return lines

    def letters(self, story: Story) -> list[str]:
        """What left the house on the track: day, kind, stage, route, amount claimed, invoices (a star: taken a step further),
        and what became of it unless it simply arrived."""
        return self._told(story, [row for row in self._messages(story, LEFT) if row.occasion is None])

    def kindnesses(self, story: Story) -> list[str]:
        """What left the house besides the track: confirmations, thanks, questions about money, told in the same way."""
        return self._told(story, [row for row in self._messages(story, LEFT) if row.occasion is not None])

    def _told(self, story: Story, messages: Sequence[Any]) -> list[str]:
        lines = []
        for row in messages:
            with reading_store(self.house.installation.store) as store:
                items = store.execute(
                    select(communication_item).where(communication_item.c.communication_id == row.communication_id)
                ).all()
            named = sorted(story.letter_of(item.invoice_id) + ("*" if item.is_acted else "") for item in items)
            turn = f"/{row.cycle}" if row.cycle > 1 else ""
            fate = "" if row.state == "sent" else f" {row.state}"
            lines.append(
                f"{row.as_of_date:%m-%d} {row.message_kind} {row.stage_no}{turn} {row.channel} "
                f"{Decimal(row.total_minor) / 100:.2f} {' '.join(named)}{fate}"
            )
        return lines

    def tasks(self, story: Story) -> list[str]:
        """What people were asked: kind, invoice, opened on; then each status with the first day it was seen."""
        rows = self.rows(
            """
            select task_kind, coalesce(invoice_id, ''), task_id, opened_on, status, as_of_date
            from tasks.tasks where company_id = ? and customer_id = ? order by opened_on, task_kind, task_id, as_of_date
            """,
            story.company.company_id,
            story.customer_id,
        )
        days: dict[str, dict[date, str]] = {}
        asked = {}
        for kind, invoice_id, task_id, opened_on, status, day in rows:
            letter = f" {story.letter_of(invoice_id)}" if invoice_id else ""
            asked[task_id] = f"{kind}{letter} of {opened_on:%m-%d}:"
            days.setdefault(task_id, {})[day] = status
        lines = []
        for task_id, words in asked.items():
            last = ""
            for day in DAYS:
                status = days[task_id].get(day, "gone" if last else "")
                if status != last:
                    words += f" {status} {day:%m-%d}"
                    last = status
            lines.append(words)
        return lines


# Tables without a day of their own, kept for every day.
KEPT = ("dunning.promise_statuses", "dunning.customer_segments", "arrangements.arrangement_statuses")


def told(text: str) -> list[str]:
    """A table as a person writes it, as the lines it is compared by; what follows a `#` is for the reader."""
    lines = [" ".join(line.partition("#")[0].split()) for line in text.splitlines()]
    return [line for line in lines if line]


def _company(company: Company) -> dict[str, str]:
    return {
        "company_id": company.company_id,
        "name": f"Voorbeeld {company.company_id} B.V.",
        "country": "NL",
        "iban": ";".join(company.accounts),
        "bic": "INGBNL2A",
        "street": "Keizersgracht 1",
        "postal_code": "1015 AA",
        "city": "Amsterdam",
        "email_from": f"debiteuren@{company.company_id.lower()}.example",
        "phone": "+31 20 555 0100",
        "language": "nl",
        "registration_number": "12345678",
        "vat_number": "NL001234567B01",
    }


def _big_customer(company_id: str) -> dict[str, str]:
    """Buys so much that no story's customer is a key account; owes nothing yet."""
    return {"company_id": company_id, "customer_id": "grootverbruik", "name": "Grootverbruik N.V.", "country": "NL"}


def _big_invoice(company_id: str) -> dict[str, str]:
    return {
        "company_id": company_id, "invoice_id": f"GROOT-{company_id}", "invoice_number": f"GROOT-{company_id}",
        "customer_id": "grootverbruik", "kind": "invoice", "issued_on": "2026-01-05", "due_on": "2026-12-31",
        "currency": "EUR", "total_amount": "9000000.00",
    }  # fmt: skip


def _write(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """A billing file with every column of its table: one that came and went would be taken for a changed extract."""
    if not rows:
        return
    columns = BILLING_TABLE_BY_NAME[path.stem.partition("-")[0]].column_names
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[dict[str, object]]) -> None:
    for row in rows:
        marks = ", ".join("?" for _ in row)
        connection.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))
