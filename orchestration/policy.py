"""`tijdig policy`: the seeds judged before a day runs with them, and a scenario drawn."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from assets.communications.formats import LANGUAGES
from assets.communications.templates import template_hashes
from assets.policy.checks import Wording, check_policy
from assets.policy.findings import Finding
from assets.policy.seeds import Seed, read_policy
from assets.policy.timeline import Timeline, timeline
from assets.warehouse.versions import PROJECT, ROOT, policy_version


def _policy(seeds: Path | None) -> dict[str, Seed]:
    return read_policy(seeds or PROJECT / "seeds", PROJECT / "models")


def findings(seeds: Path | None, today: date) -> list[Finding]:
    """What is wrong with the seeds of a folder (the project's own by default), worst first."""
    wording = Wording(template_hashes(ROOT / "templates"), tuple(LANGUAGES))
    return check_policy(_policy(seeds), wording, today)


def findings_text(found: list[Finding]) -> str:
    """The findings for a person, one paragraph each."""
    if not found:
        return f"Nothing is wrong with the policy ({policy_version()})."
    errors = sum(finding.severity == "error" for finding in found)
    lines = [
        f"{finding.severity.upper():<7} {finding.where}: {finding.what}. What to do: {finding.what_to_do}."
        for finding in found
    ]
    return "\n".join([*lines, f"{errors} errors, {len(found) - errors} warnings"])


def scenario(seeds: Path | None, scenario_id: str, day: date, due_on: date) -> Timeline:
    """One scenario as it counts on `day`, on an example invoice due on `due_on`."""
    return timeline(_policy(seeds), scenario_id, day, due_on)


def scenario_text(drawn: Timeline) -> str:
    """The line of days as a person would draw it: days from the due date, a dot for a message, a box for a task."""
    who = "; ".join(drawn.followed_by) or "only customers and invoices that name it"
    lines = [f"{drawn.scenario_id}: {drawn.description}", f"followed by: {who}", ""]
    for moment in drawn.moments:
        days = (moment.on - drawn.due_on).days
        sign = " " if moment.stage_no is None else ("□" if moment.words.startswith("task") else "●")
        stage = "" if moment.stage_no is None else str(moment.stage_no)
        lines.append(f"{days:>+5}  {moment.on:%a %Y-%m-%d}  {sign} {stage:>2}  {moment.words}")
    if all(moment.stage_no is None for moment in drawn.moments):
        lines.append("       no steps: nothing is sent, people work from their tasks")
    return "\n".join([*lines, "", "The earliest days: each step on its first day, every task done at once."])
