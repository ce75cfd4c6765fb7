"""The day the warehouse computes: one row that every model reads, and the facts of the operations store up to it."""

import duckdb
from sqlalchemy import Connection

from assets.landing.change_log import replace_rows
from assets.landing.raw_tables import CONTROL_TABLES, OTHER_TABLES
from assets.landing.warehouse import transaction
from assets.operations.facts import dispatch_facts, register_facts, sent_messages
from assets.operations.runs import RunRef


def write_business_day(connection: duckdb.DuckDBPyConnection, store: Connection, run: RunRef) -> dict[str, int]:
    """Makes `run` the day of the warehouse; returns how many facts of each kind it sees.

    The facts are copied whole: after going live the rehearsal's messages are no facts any more, and must go.
    """
    facts = {
        "register_events": register_facts(store, run.register_seq),
        "dispatch_events": dispatch_facts(store, run.dispatch_seq),
        "sent_messages": sent_messages(store, run.dispatch_seq),
    }
    with transaction(connection):
        counts = {
            table: replace_rows(connection, f"raw.{table}", OTHER_TABLES[table], rows) for table, rows in facts.items()
        }
        day = (run.as_of_date, run.run_id, run.batch_watermark, run.register_seq, run.dispatch_seq, run.policy_version)
        replace_rows(connection, "control.business_day", CONTROL_TABLES["business_day"], [day])
    return counts
