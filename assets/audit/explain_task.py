"""What a person has to do on a day, and why a task is there: its parts, its days, and what people recorded about it."""

import json
from datetime import date

import duckdb
from sqlalchemy import Connection, select

from assets.audit.lookups import Row, rows_of
from assets.operations.tables import register_event

SHORTEST_ID = 8


def find_tasks(warehouse: duckdb.DuckDBPyConnection, subject: str, company_id: str | None) -> list[str]:
    """Ids of the tasks whose id is, or begins with, `subject`."""
    if len(subject) < SHORTEST_ID or not set(subject) <= set("0123456789abcdef"):
        return []
    rows = rows_of(
        warehouse,
        "select distinct task_id from tasks.tasks where starts_with(task_id, ?) and company_id = coalesce(?, company_id) order by task_id limit 20",
        subject,
        company_id,
    )
    return [str(row["task_id"]) for row in rows]


def explain_task(warehouse: duckdb.DuckDBPyConnection, store: Connection, task_id: str) -> Row:
    """A task as it stands on its newest day, the days before, what it is about, and the events that name it."""
    days = rows_of(warehouse, "select * from tasks.tasks where task_id = ? order by as_of_date desc", task_id)
    task = days[0]
    events = store.execute(
        select(register_event)
        .where(register_event.c.company_id == task["company_id"], register_event.c.kind == "task_outcome")
        .order_by(register_event.c.seq)
    ).mappings()
    return {
        "task_id": task_id,
        "task": task,
        "newest_day": rows_of(warehouse, "select max(as_of_date) as day from tasks.tasks")[0]["day"],
        "days_before": [
            {name: row[name] for name in ("as_of_date", "status", "owner", "due_on")} for row in days[1:11]
        ],
        "register": [
            {
                "seq": event["seq"],
                "kind": event["kind"],
                "effective_on": event["effective_on"],
                "recorded_by": event["recorded_by"],
                "payload": payload,
            }
            for event in events
            if (payload := json.loads(event["payload"])).get("task_id") == task_id
        ],
    }


def tasks_of_day(warehouse: duckdb.DuckDBPyConnection, day: date | None, owner: str | None) -> list[Row]:
    """Open tasks of a day (the newest by default), the most pressing first; of one owner, or everybody's."""
    return rows_of(
        warehouse,
        """
        select tasks.*, balances.invoice_number
        from tasks.tasks as tasks
        left join receivables.invoice_balances as balances
            on tasks.company_id = balances.company_id and tasks.invoice_id = balances.invoice_id
        where
            tasks.as_of_date = coalesce(?, (select max(as_of_date) from tasks.tasks))
            and tasks.status = 'open'
            and tasks.owner = coalesce(?, tasks.owner)
        order by tasks.owner, tasks.priority_score desc, tasks.due_on, tasks.task_id
        """,
        day,
        owner,
    )


def owners_of_day(warehouse: duckdb.DuckDBPyConnection, day: date | None) -> list[str]:
    """Everybody who has a task on a day, whatever its status."""
    rows = rows_of(
        warehouse,
        "select distinct owner from tasks.tasks where as_of_date = coalesce(?, (select max(as_of_date) from tasks.tasks)) order by 1",
        day,
    )
    return [str(row["owner"]) for row in rows]
