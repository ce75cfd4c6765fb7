"""Register extracts from the inbox: good rows recorded once, refused ones in quarantine with their reasons."""

from __future__ import annotations

import json

from sqlalchemy import select

from assets.landing.warehouse import writing
from assets.operations.store import reading
from assets.operations.tables import register_event
from assets.register.landing import RegisterLanded, land_register
from assets.task_answers import ANSWERS
from tests.landing.rooms import Rooms

HEADER = "external_id,company_id,effective_on,recorded_by,kind,payload\n"
GOOD = 'E1,C1,2026-03-01,An,hold_placed,"{""customer"": ""K1"", ""reason"": ""verhuizing""}"\n'
LATER = 'E2,C1,2026-03-02,An,hold_lifted,"{""customer"": ""K1""}"\n'
BAD = 'E3,C1,1 maart,An,hold_placed,"{""customer"": ""K1"", ""reason"": ""x""}"\n'


def land(rooms: Rooms, run_id: str = "day") -> RegisterLanded:
    return land_register(rooms.run(run_id), rooms.room.register_inbox)


def kinds(rooms: Rooms) -> list[str]:
    with reading(rooms.store) as connection:
        return list(connection.execute(select(register_event.c.kind).order_by(register_event.c.seq)).scalars())


def test_good_rows_become_events_in_file_order(rooms: Rooms) -> None:
    rooms.put("register", "a.csv", "\ufeff" + HEADER + GOOD + LATER)
    assert land(rooms) == RegisterLanded(taken=1, duplicate=0, quarantined=0, recorded=2, repeated=0, refused_rows=0)
    assert kinds(rooms) == ["hold_placed", "hold_lifted"]
    assert list(rooms.room.register_inbox.iterdir()) == []


def test_the_same_file_again_is_a_duplicate(rooms: Rooms) -> None:
    rooms.put("register", "a.csv", HEADER + GOOD)
    land(rooms, "monday")
    rooms.put("register", "renamed.csv", HEADER + GOOD)
    assert land(rooms, "tuesday") == RegisterLanded(0, 1, 0, 0, 0, 0)
    assert kinds(rooms) == ["hold_placed"]


def test_a_row_known_by_its_external_id_is_recorded_once(rooms: Rooms) -> None:
    rooms.put("register", "a.csv", HEADER + GOOD)
    rooms.put("register", "b.csv", HEADER + GOOD + LATER)
    assert land(rooms) == RegisterLanded(taken=2, duplicate=0, quarantined=0, recorded=2, repeated=1, refused_rows=0)
    assert kinds(rooms) == ["hold_placed", "hold_lifted"]


def test_a_refused_row_does_not_stop_the_others_and_says_its_line(rooms: Rooms) -> None:
    rooms.put("register", "a.csv", HEADER + GOOD + BAD + LATER)
    assert land(rooms) == RegisterLanded(taken=1, duplicate=0, quarantined=1, recorded=2, repeated=0, refused_rows=1)
    (reason,) = rooms.room.quarantine.glob("*.reason.json")
    told = json.loads(reason.read_text(encoding="utf-8"))
    assert told["code"] == "refused_rows"
    assert told["position"] == "line 3"
    assert "1 maart" in told["message"]
    assert rooms.rows("select inbox, code from raw.quarantined_files") == [("register", "refused_rows")]


def test_a_file_that_is_no_register_extract_is_refused_whole(rooms: Rooms) -> None:
    rooms.put("register", "a.csv", "external_id,company_id\nE1,C1\n")
    rooms.put("register", "b.xlsx", b"PK\x03\x04\xff\xfe\x00")
    rooms.put("register", "c.csv", HEADER + GOOD)
    (rooms.room.register_inbox / "d.csv").symlink_to("/etc/passwd")
    landed = land(rooms)
    assert (landed.taken, landed.quarantined, landed.recorded) == (1, 3, 1)
    messages = [row[0] for row in rooms.rows("select message from raw.quarantined_files order by original_name")]
    assert "lacks the column" in str(messages[0])
    assert "no worklist: it cannot be unpacked" in str(messages[1])
    assert "symbolic link" in str(messages[2])
    assert list(rooms.room.register_inbox.iterdir()) == []


WORKLIST = "task_id,worklist_on," + ",".join(("owner", *ANSWERS)) + "\n"


def answered(task_id: str, outcome: str) -> str:
    cells = {"outcome": outcome}
    return f"{task_id},2026-03-02,Ann," + ",".join(cells.get(column, "") for column in ANSWERS) + "\n"


def give_a_task(rooms: Rooms) -> None:
    """A task of yesterday and of today, as the day before left it in the warehouse."""
    with writing(rooms.room.warehouse) as connection:
        connection.execute("create schema tasks")
        connection.execute(
            """
            create table tasks.tasks as
            select * from (values
                (date '2026-02-27', 't1', 'call', 'C1', 'K1', 'F1', 'EUR', 121.00::decimal(18, 2)),
                (date '2026-03-01', 't1', 'call', 'C1', 'K1', 'F1', 'EUR', 100.00::decimal(18, 2))
            ) as rows(as_of_date, task_id, task_kind, company_id, customer_id, invoice_id, currency, amount)
            """
        )


def test_a_returned_worklist_is_known_by_its_content_and_its_answers_are_recorded_once(rooms: Rooms) -> None:
    give_a_task(rooms)
    rooms.put("register", "a.csv", WORKLIST + answered("t1", "no_answer") + answered("t2", ""))
    # Saved again by another program: other bytes, the same answers.
    rooms.put("register", "b.txt", (WORKLIST + answered("t1", "no_answer")).replace(",", ";"))
    rooms.put("register", "c.csv", HEADER + GOOD)
    assert land(rooms) == RegisterLanded(taken=3, duplicate=0, quarantined=0, recorded=3, repeated=2, refused_rows=0)
    assert kinds(rooms) == ["task_outcome", "call_made", "hold_placed"]
    assert list(rooms.room.register_inbox.iterdir()) == []


def test_a_row_of_a_worklist_that_cannot_be_taken_says_what_where_and_what_to_do(rooms: Rooms) -> None:
    give_a_task(rooms)
    rooms.put("register", "a.csv", WORKLIST + answered("t9", "no_answer") + answered("t1", "no_answer"))
    assert land(rooms) == RegisterLanded(taken=1, duplicate=0, quarantined=1, recorded=2, repeated=0, refused_rows=1)
    (message,) = [str(row[0]) for row in rooms.rows("select message from raw.quarantined_files")]
    assert "line 2: there is no task 't9' (task_id). Leave the column task_id as the worklist had it" in message


def test_a_worklist_before_any_day_was_computed_is_refused_and_kept(rooms: Rooms) -> None:
    rooms.put("register", "a.csv", WORKLIST + answered("t1", "no_answer"))
    assert land(rooms).refused_rows == 1
    assert len(list(rooms.room.quarantine.glob("*.reason.json"))) == 1
