"""What the day has for people: open tasks by owner, and a sheet for each call. Read from the warehouse, changed nowhere."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from assets.landing.warehouse import reading

Row = dict[str, Any]

SECTIONS = (
    "items",
    "conditions",
    "payments",
    "problems",
    "promises",
    "disputes",
    "complaints",
    "arrangements",
    "correspondence",
    "tasks",
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One task on a worklist: what its owner reads, in the order of the columns."""

    task_id: str
    worklist_on: date
    owner: str
    company_id: str
    task_kind: str
    priority_score: int
    due_on: date
    customer_id: str
    customer_name: str
    customer_phone: str
    customer_email: str
    invoice_number: str
    amount: Decimal | None
    currency: str
    reason: str
    next_step: str
    language: str


def open_tasks(warehouse: Path, as_of: date) -> list[Listed]:
    """The open tasks of a day, each owner's own together, the most pressing first."""
    with reading(warehouse) as connection:
        rows = connection.execute(
            """
            select
                tasks.task_id, tasks.as_of_date, tasks.owner, tasks.company_id, tasks.task_kind, tasks.priority_score,
                tasks.due_on, coalesce(tasks.customer_id, ''), coalesce(customers.name, ''),
                coalesce(customers.phone, ''), coalesce(customers.email, ''),
                coalesce(balances.invoice_number, ''), tasks.amount, coalesce(tasks.currency, ''), tasks.reason,
                tasks.next_step, coalesce(nullif(lower(trim(companies.language)), ''), 'en')
            from tasks.tasks as tasks
            left join staging.stg_billing__customers as customers
                on tasks.company_id = customers.company_id and tasks.customer_id = customers.customer_id
            left join staging.stg_billing__companies as companies on tasks.company_id = companies.company_id
            left join receivables.invoice_balances as balances
                on tasks.company_id = balances.company_id and tasks.invoice_id = balances.invoice_id
            where tasks.as_of_date = ? and tasks.status = 'open'
            order by tasks.owner, tasks.priority_score desc, tasks.due_on, tasks.task_id
            """,
            [as_of],
        ).fetchall()
    return [Listed(*row) for row in rows]


def call_sheets(warehouse: Path, as_of: date) -> Iterator[Row]:
    """The rows of tasks.call_sheets of a day, each section as a list of objects."""
    with reading(warehouse) as connection:
        result = connection.execute("select * from tasks.call_sheets where as_of_date = ? order by task_id", [as_of])
        names = [column[0] for column in result.description]
        while rows := result.fetchmany(1000):
            for values in rows:
                row = dict(zip(names, values, strict=True))
                yield row | {section: json.loads(row[section]) for section in SECTIONS}
