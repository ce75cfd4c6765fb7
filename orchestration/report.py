"""Answers in words: what a day did, and why something is as it is."""

import io
import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.home import Home
from orchestration.summary import Summary


def day_table(summaries: Sequence[Summary]) -> str:
    """The figures of one or more days, a column a day."""
    table = Table(
        title="What the day did" if len(summaries) == 1 else "What the days did", title_justify="left", show_lines=False
    )
    table.add_column("")
    for summary in summaries:
        table.add_column(summary.as_of_date.isoformat(), justify="right")
    for label, values in _lines(summaries):
        table.add_row(label, *values)
    return _printed(table)


def _lines(summaries: Sequence[Summary]) -> list[tuple[str, list[str]]]:
    def line(label: str, *values: object) -> tuple[str, list[str]]:
        return label, [str(value) for value in values]

    lines = [
        line(
            "files taken / duplicate / quarantined",
            *(f"{s.files['taken']} / {s.files['duplicate']} / {s.files['quarantined']}" for s in summaries),
        ),
        line("statements, entries", *(f"{s.statements}, {s.entries}" for s in summaries)),
        line("allocated", *(_money(s.allocated_amount) for s in summaries)),
        line("unapplied, proposals", *(f"{_money(s.unapplied_amount)}, {s.proposed}" for s in summaries)),
        line("decisions", *(sum(s.decisions.values()) for s in summaries)),
    ]
    for action in sorted({action for s in summaries for action in s.decisions}):
        lines.append(line(f"  {action}", *(s.decisions.get(action, 0) for s in summaries)))
    for stage in sorted({stage for s in summaries for stage in s.stages}):
        lines.append(line(f"  acted on at stage {stage}", *(s.stages.get(stage, 0) for s in summaries)))
    lines.append(line("open tasks", *(sum(s.tasks.values()) for s in summaries)))
    for state in ("planned", "held", "sent", "failed", "in_doubt"):
        lines.append(line(f"messages {state.replace('_', ' ')}", *(s.communications[state] for s in summaries)))
    lines.append(line("statement gaps", *(len(s.gaps) for s in summaries)))
    lines.append(line("seconds", *(f"{s.seconds:.1f}" for s in summaries)))
    return lines


def _money(amounts: dict[str, str]) -> str:
    return " + ".join(f"{currency} {amount}" for currency, amount in amounts.items()) or "none"


def where_to_look(home: Home, summary: Summary) -> str:
    """What is held and why, and which files to open next."""
    lines = []
    for refused in summary.quarantined:
        lines.append(f"Quarantined: {refused}")
    for refused in summary.refused_messages:
        lines.append(f"Message not made: {refused}")
    for gap in summary.gaps:
        lines.append(f"Statement gap: {gap}")
    for brake in summary.brakes:
        lines.append(f"Brake: {brake}")
    for warning in summary.warnings:
        lines.append(f"Unusual: {warning}")
    outbox = home.outbox / summary.as_of_date.isoformat()
    first = (
        {extension: sorted(outbox.glob(f"*.{extension}"))[:1] for extension in ("eml", "pdf")}
        if outbox.is_dir()
        else {}
    )
    lines.append("Open next:")
    for extension, name in (("eml", "an e-mail"), ("pdf", "a letter")):
        for path in first.get(extension, []):
            lines.append(f"  {name:<12} {path}")
    lines.append(f"  {'all messages':<12} {outbox}")
    lines.append(f"  {'the tables':<12} {home.published / 'parquet'}")
    lines.append(f"  {'data docs':<12} {home.data_docs / 'index.html'}")
    lines.append(f"  {'worklists':<12} {home.published / 'worklists' / summary.as_of_date.isoformat()}")
    lines.append(f"  {'for BI':<12} {home.published / 'current.json'} names the newest DuckDB file")
    if summary.communications["held"]:
        lines.append("  held         `tijdig release ID --by NAME --reason TEXT`; the tasks release_needed say which")
    lines.append(
        f"Why a message was sent: `tijdig explain COMMUNICATION_ID --home {home.root}`; the file name in the outbox is the id."
    )
    lines.append(f"The whole river, in the browser: `tijdig dev --home {home.root}`.")
    return "\n".join(lines)


def explained(document: dict[str, Any]) -> str:
    """An explanation as a person reads it."""
    if "communication_id" in document:
        return "\n".join(_message_lines(document))
    if "task_id" in document:
        return "\n".join(_task_lines(document))
    return "\n".join(_entry_lines(document) if "entry_key" in document else _invoice_lines(document))


SCORE_PARTS = ("kind", "amount", "age", "segment", "risk", "broken_promise")


def _task_lines(document: dict[str, Any]) -> list[str]:
    task = document["task"]
    money = f", {task['currency']} {task['amount']}" if task["amount"] is not None else ""
    about = " ".join(f"{name} {task[f'{name}_id']}" for name in ("customer", "invoice") if task[f"{name}_id"])
    points = ", ".join(f"{part.replace('_', ' ')} {task[f'{part}_points']}" for part in SCORE_PARTS)
    lines = [
        f"Task {document['task_id']}: {task['task_kind']} for {task['owner']}, {task['company_id']} {about}{money}.",
        f"  {task['reason']}.",
        f"  What to do: {task['next_step']}.",
        f"  {task['status']} on {task['as_of_date']}"
        + (f", {task['outcome']}" if task["outcome"] else "")
        + f"; opened {task['opened_on']}, due {task['due_on']}"
        + (f", runs out {task['expires_on']}" if task["expires_on"] else ""),
        f"  Score {task['priority_score']}: {points}.",
        f"  {task['age_days']} days old, segment {task['segment'] or '-'}, risk {task['risk_class'] or '-'}, "
        f"{task['broken_promise_count']} broken promises; policy {task['policy_id']}.",
    ]
    if task["as_of_date"] != document["newest_day"]:
        lines.append(f"  The facts that raised it were gone by {document['newest_day']}.")
    lines += [f"  before, {row['as_of_date']}: {row['status']}, {row['owner']}" for row in document["days_before"]]
    return lines + _register_lines(document)


def task_table(tasks: Sequence[dict[str, Any]]) -> str:
    """A day's tasks, a line each."""
    table = Table(show_lines=False)
    for heading in ("score", "due", "owner", "task", "about", "amount", "why", "id"):
        table.add_column(heading, justify="right" if heading in ("score", "amount") else "left")
    for task in tasks:
        table.add_row(
            str(task["priority_score"]),
            str(task["due_on"]),
            escape(task["owner"]),
            task["task_kind"],
            escape(" ".join(filter(None, (task["customer_id"], task["invoice_number"])))),
            "" if task["amount"] is None else f"{task['currency']} {task['amount']}",
            escape(task["reason"]),
            task["task_id"][:10],
        )
    return _printed(table)


def _entry_lines(document: dict[str, Any]) -> list[str]:
    entry = document["entry"]
    lines = [
        f"Bank entry {document['entry_key']}: {entry['amount']} {entry['currency']}, booked {entry['booked_on']}, "
        f"{entry['counterparty_name'] or 'payer unknown'} ({entry['counterparty_iban'] or 'no account'}).",
        f"  text: {entry['remittance'] or entry['structured_reference'] or '(none)'}",
        f"  file {entry['file'] or '-'} sha256 {entry['file_sha256']} entry {entry['ordinal']}"
        + ("" if entry["file_archived"] else " (NOT in the archive)"),
        "",
        f"Outcome: {document['outcome']}.",
    ]
    for row in document["allocations"]:
        lines.append(f"  {row['sentence']}")
        lines += [f'    "{span["text"]}" at {span["start"]}-{span["end"]} of the text' for span in row["spans"]]
    lines += [f"  {row['sentence']}" for row in document["not_placed"]]
    lines += [f"  {row['amount']} {row['currency']}: entry {row['entry_key']}" for row in document.get("details", [])]
    for title, name in (("It may pay:", "proposals"), ("Named, and not paid by it:", "passed_over")):
        if document[name]:
            lines += ["", title, *(f"  {row['sentence']}" for row in document[name])]
    if document["undone"]:
        lines += ["", "What was undone:"]
        lines += [
            f"  {row['amount']} {row['currency']} on {row['invoice_id']}: {row['evidence']}"
            for row in document["undone"]
        ]
    return lines + _register_lines(document) + _run_lines(document["run"])


def _register_lines(document: dict[str, Any]) -> list[str]:
    if not document["register"]:
        return []
    return ["", "What people recorded:"] + [
        f"  {e['effective_on']} {e['kind']} by {e['recorded_by']}: {json.dumps(e['payload'], ensure_ascii=False)}"
        for e in document["register"]
    ]


def _message_lines(document: dict[str, Any]) -> list[str]:
    message = document["message"]
    lines = [
        f"Message {document['communication_id']}: {message['message_kind']} by {message['channel']} to customer {message['customer_id']} "
        f"of {message['company_id']}, {message['as_of_date']}.",
        f"It asks {message['currency']} {message['total_amount']} by {message['pay_by_on']} (items {message['items_amount']} less credit {message['credit_amount']}).",
        f"State: {document['state']}" + (f" ({document['held_reason']})" if document["held_reason"] else ""),
        f"Policy {message['policy_id']}, scenario {message['scenario_id']}, template {message['template_id']} ({str(message['template_hash'])[:12]}).",
        "",
        "Invoices in it:",
    ]
    for item in document["items"]:
        lines.append(
            f"  {item['invoice_number']}: open {item['open_amount']} {item['currency']}, due {item['due_on']}, stage {item['stage_no']}"
            + (" (this step)" if item["is_acted"] else " (listed)")
        )
        lines += _decision_lines(item["decision"], "    ")
    lines += ["", "Money that was weighed:"] + (
        _money_lines(document["money_weighed"]) or ["  nothing came in for these invoices"]
    )
    registered = document["registered"]
    if registered:
        receipt = f"received on {registered['received_on']}" if registered.get("received_on") else "no receipt yet"
        lines += ["", f"Registered: {registered['tracking_number']}, posted {registered['posted_on']}, {receipt}."]
    if document["agreed_by"]:
        lines += ["", "Who agreed to it:"]
        lines += [
            f"  {approval['approved_at']} {approval['approved_by']}: {approval['reason']}"
            for approval in document["agreed_by"]
        ]
    lines += ["", "What became of it:"]
    lines += [
        f"  {event['occurred_at']} {event['from_state'] or '-'} -> {event['to_state']} by {event['actor']}"
        + (f": {event['reason']}" if event["reason"] else "")
        for event in document["history"]
    ]
    return lines + _run_lines(document["run"])


def _invoice_lines(document: dict[str, Any]) -> list[str]:
    invoice = document["invoice"]
    lines = [
        f"Invoice {invoice['invoice_number']} ({invoice['kind']}) of customer {invoice['customer_id']}, {invoice['company_id']}: due {invoice['due_on']}, {invoice['days_overdue']} days overdue.",
        f"  total {invoice['total_amount']} - credited {invoice['credited_amount']} - paid {invoice['paid_amount']} - written off {invoice['written_off_amount']} = open {invoice['open_amount']} {invoice['currency']}",
        "",
        "Decision of the day:",
    ]
    lines += _decision_lines(document["decision"], "  ") or ["  none: nothing is open on it"]
    for earlier in document["decisions_before"]:
        lines.append(
            f"  before, {earlier['as_of_date']}: {earlier['action']} ({earlier['reason_code']}), stage {earlier['stage_no']}"
        )
    lines += ["", "Payments on it:"] + (_money_lines(document["payments"]) or ["  none"])
    if document["proposed"]:
        lines += ["", "Payments that may be for it:"]
        for row in document["proposed"]:
            lines.append(f"  entry {row['entry_key']}: {row['sentence']}")
    if document["unapplied_of_customer"]:
        lines += ["", "Money of this customer that is not placed:"] + _money_lines(document["unapplied_of_customer"])
    if document["messages"]:
        lines += ["", "Messages about it:"] + [
            f"  {m['as_of_date']} {m['message_kind']}: {m['state']} ({m['communication_id']})"
            for m in document["messages"]
        ]
    return lines + _register_lines(document) + _run_lines(document["run"])


def _decision_lines(decision: dict[str, Any] | None, indent: str) -> list[str]:
    if decision is None:
        return []
    lines = [
        f"{indent}{decision['as_of_date']}: {decision['action']}, because {decision['reason_code']}: {decision['reason_sentence']}.",
        f"{indent}Segment {decision['segment']}, profile {decision['payer_profile']}, scenario {decision['scenario_id']}, "
        f"stage {_stage(decision['previous_stage_no'])} -> {_stage(decision['stage_no'])}, policy {decision['policy_id']}.",
    ]
    if decision["other_reasons"]:
        lines.append(f"{indent}Also true: {decision['other_reasons']}.")
    if decision["claimable_amount"] != decision["open_amount"]:
        lines.append(f"{indent}Of the {decision['open_amount']} open, {decision['claimable_amount']} may be claimed.")
    if decision["next_step_on"]:
        lines.append(f"{indent}Next step: {decision['next_step_on']}.")
    return lines


def _stage(number: int | None) -> str:
    return "none" if number is None else str(number)


def _money_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for row in rows:
        entry = row.get("entry")
        amount = row.get("amount", row.get("unapplied_amount"))
        weighed = " by ".join(str(row[name]) for name in ("weighed_as", "rule_id") if row.get(name))
        why = row.get("evidence") or row.get("explanation") or row.get("reason") or weighed
        if entry is None:
            if row.get("entry_key"):
                lines.append(f"  {amount}: {why} (entry {row['entry_key']})")
            continue
        lines.append(
            f"  {entry['booked_on']} {amount} of {entry['amount']} {entry['currency']} from {entry['counterparty_name'] or 'unknown'}: {why}"
        )
        if row.get("by_which_rule"):
            lines.append(f"    {row['by_which_rule']}; entry {row['entry_key']}")
        lines.append(f"    text: {entry['remittance'] or entry['structured_reference'] or '(none)'}")
        lines.append(
            f"    file {entry['file']} sha256 {entry['file_sha256']} entry {entry['ordinal']}"
            + ("" if entry["file_archived"] else " (NOT in the archive)")
        )
    return lines


def _run_lines(run: dict[str, Any] | None) -> list[str]:
    if run is None:
        return []
    return [
        "",
        f"Run {run['run_id']} of {run['as_of_date']}: data up to batch {run['batch_watermark']}, register {run['register_seq']}, dispatch {run['dispatch_seq']}; {run['policy_version']}, {run['code_version']}.",
    ]


def _printed(table: Table) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(table)
    return out.getvalue().rstrip()
