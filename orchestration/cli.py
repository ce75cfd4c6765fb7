"""The `tijdig` command (contracts, section 4). Heavy libraries are imported by the commands that need them."""

import contextlib
import functools
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from assets.operations.refusal import Refusal
from assets.problem import DataProblem, UsageProblem
from orchestration.home import DEFAULT_HOME, create_home, find_home, locked

if TYPE_CHECKING:
    import duckdb

    from orchestration.installation import Installation

EXIT_DONE = 0
EXIT_USAGE = 2
EXIT_DATA = 3
EXIT_HELD = 4

Command = Callable[..., Any]


class Options:
    """What every command may be given: which home, and how to answer."""

    def __init__(self, home: str, *, as_json: bool, quiet: bool) -> None:
        self.root = Path(home).expanduser()
        self.as_json = as_json
        self.quiet = quiet

    def answer(self, document: dict[str, Any], text: str) -> None:
        """Prints the answer: one JSON document with --json, else words for a person."""
        if self.as_json:
            click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
        elif text:
            click.echo(text)

    def say(self, text: str) -> None:
        """Prints something said along the way, on the standard error."""
        if not self.quiet:
            click.echo(text, err=True)


def common_options(command: Command) -> Command:
    """Adds --home, --json and --quiet, and turns refusals into messages and exit codes."""

    @click.option(
        "--home",
        "home",
        envvar="TIJDIG_HOME",
        default=DEFAULT_HOME,
        show_default=True,
        help="The home folder of this installation.",
    )
    @click.option(
        "--json", "as_json", is_flag=True, help="Answer with one JSON document; logs go to the standard error."
    )
    @click.option("--quiet", is_flag=True, help="Say nothing but the answer.")
    @functools.wraps(command)
    def wrapped(home: str, as_json: bool, quiet: bool, **arguments: Any) -> None:
        context = click.get_current_context()
        early: EarlyOptions = context.find_object(EarlyOptions) or EarlyOptions()
        if early.home and context.get_parameter_source("home") is not ParameterSource.COMMANDLINE:
            home = early.home
        options = Options(home, as_json=as_json or early.as_json, quiet=quiet or early.quiet)
        try:
            code = command(options, **arguments)
        except Refusal as refusal:
            code = EXIT_DATA if isinstance(refusal, DataProblem) else EXIT_USAGE
            _refuse(options, refusal, code)
        except Exception as error:
            unusable = _unusable_store(error)
            if unusable is None:
                raise
            code = EXIT_USAGE
            _refuse(options, unusable, code)
        sys.exit(code or EXIT_DONE)

    return wrapped


def _unusable_store(error: Exception) -> Refusal | None:
    """A refusal when the operations store cannot be reached or is none; None for any other accident."""
    errors = sys.modules.get("sqlalchemy.exc")
    # Exactly these: their siblings (a broken constraint, a wrong statement) are accidents of ours.
    if errors is None or type(error) not in (errors.ArgumentError, errors.OperationalError, errors.DatabaseError):
        return None
    return UsageProblem(
        f"the operations store cannot be used: {str(error).splitlines()[0]}",
        where="[operations] url, or operations.db in the home",
        remedy="see `tijdig doctor`; if the file is damaged, restore it from its backup",
    )


def _refuse(options: Options, refusal: Refusal, code: int) -> None:
    if options.as_json:
        click.echo(json.dumps({"error": refusal.as_dict(), "exit_code": code}, ensure_ascii=False, indent=2))
    click.echo(f"Refused: {refusal.what}.", err=True)
    if refusal.where:
        click.echo(f"  Where: {refusal.where}", err=True)
    if refusal.what_to_do:
        click.echo(f"  What to do: {refusal.what_to_do}", err=True)


DATE_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class IsoDate(click.ParamType[date]):
    """A date written as YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            if not DATE_TEXT.fullmatch(value):
                raise ValueError
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date: write it as YYYY-MM-DD, and choose a day that exists", param, ctx)


ISO_DATE = IsoDate()


@dataclass(frozen=True, slots=True)
class EarlyOptions:
    """Common options given before the command instead of after it."""

    home: str | None = None
    as_json: bool = False
    quiet: bool = False


class Commands(click.Group):
    """The commands; what is wrong on the command line is said as JSON too, when JSON was asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["tijdig.as_json"] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if ctx.meta["tijdig.as_json"]:
                command = error.ctx.command_path if error.ctx else ctx.command_path
                said = {
                    "what": error.format_message(),
                    "where": "the command line",
                    "what_to_do": f"See {command} --help",
                }
                click.echo(json.dumps({"error": said, "exit_code": EXIT_USAGE}, ensure_ascii=False, indent=2))
            raise


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", help="The home folder; may also be given after the command.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON document; may also follow the command.")
@click.option("--quiet", is_flag=True, help="Say nothing but the answer; may also follow the command.")
@click.version_option(package_name="tijdig")
@click.pass_context
def cli(ctx: click.Context, home: str | None, as_json: bool, quiet: bool) -> None:
    """The daily batch that gets B2B invoices paid, and keeps the customer."""
    ctx.obj = EarlyOptions(home, as_json, quiet)


@cli.command()
@common_options
def init(options: Options) -> int:
    """Make a home: its folders, a settings file, an operations store. It begins in rehearsal."""
    home = create_home(options.root)
    with _installation(options):
        pass  # opening it makes the operations store
    options.answer(
        {"home": str(home.root), "mode": "rehearsal"},
        f"A home in rehearsal was made in {home.root}.\nNext: put files into {home.root / 'inbox'}, or set [billing] url in {home.settings_file}; then `tijdig run`.",
    )
    return EXIT_DONE


@cli.command()
@click.option("--until", type=ISO_DATE, help="The last day of the simulated company; the last bank day by default.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another company.")
@common_options
def demo(options: Options, until: date | None, seed: int) -> int:
    """Make a demonstration home with a simulated company, and run its last bank days."""
    from orchestration.demonstration import demonstrate
    from orchestration.report import day_table, where_to_look

    home, summaries = demonstrate(
        options.root, until=until, seed=seed, shows_progress=not options.quiet, say=options.say
    )
    text = day_table(summaries) + "\n\n" + where_to_look(home, summaries[-1])
    options.answer({"home": str(home.root), "days": [summary.as_json() for summary in summaries]}, text)
    return EXIT_HELD if summaries[-1].holds_something else EXIT_DONE


@cli.command()
@click.option("--date", "requested", type=ISO_DATE, help="The business day; the calendar date by default.")
@common_options
def run(options: Options, requested: date | None) -> int:
    """Run the day: pull, load, check, build, render, dispatch."""
    home = find_home(options.root)
    from orchestration.day import run_day
    from orchestration.report import day_table, where_to_look

    summary = run_day(home, requested, shows_progress=not options.quiet)
    options.answer(summary.as_json(), day_table([summary]) + "\n\n" + where_to_look(home, summary))
    return EXIT_HELD if summary.holds_something else EXIT_DONE


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("kind")
@click.option("--company", required=True, help="The company it concerns.")
@click.option("--by", "by", required=True, help="Who decides or observed it.")
@click.option("--effective-on", type=ISO_DATE, help="The day it holds from; the home's today by default.")
@click.option("--external-id", help="A name of your own for this event: given twice, it is recorded once.")
@click.argument("fields", nargs=-1, type=click.UNPROCESSED)
@common_options
def record(
    options: Options,
    kind: str,
    company: str,
    by: str,
    effective_on: date | None,
    external_id: str | None,
    fields: tuple[str, ...],
) -> int:
    """Record what a person decided or observed.

    \b
    tijdig record dispute_opened --company C --by NAME --invoice 2026-0001 --reason "one line is wrong"
    tijdig record arrangement_agreed --company C --by NAME --customer K --invoices "A;B" \\
        --instalments "2026-12-01=250.00;2027-01-01=250.00" --method manual --reason temporarily_tight
    """
    from assets.operations.control import business_today
    from assets.operations.store import reading
    from assets.register.events import payload_from_text, validate
    from assets.register.events import record as record_event
    from orchestration.known import completed, refuse_more_than_there_is, refuse_unknown, with_whole_entry_key

    payload = payload_from_text(kind, _field_values(list(fields)))
    with _installation(options) as installation:
        with reading(installation.store) as connection:
            today = business_today(connection, installation.clock, installation.timezone)
        payload = completed(installation.home.warehouse, kind, company, payload)
        refuse_unknown(installation.home.warehouse, company, validate(kind, payload))
        payload = with_whole_entry_key(installation.home.warehouse, company, payload)
        refuse_more_than_there_is(installation.home.warehouse, kind, company, validate(kind, payload))
        event = record_event(
            installation.store,
            installation.clock,
            kind=kind,
            company_id=company,
            effective_on=effective_on or today,
            recorded_by=by,
            payload=payload,
            external_id=external_id,
        )
    words = f"Recorded as event {event.event_id}" if event.is_new else f"Was recorded before as event {event.event_id}"
    options.answer(vars(event), f"{words}: {kind}, effective {effective_on or today}. The next run acts on it.")
    return EXIT_DONE


@cli.command()
@click.argument("subject")
@click.option("--company", help="The company, when two use the same invoice number.")
@common_options
def explain(options: Options, subject: str, company: str | None) -> int:
    """Say why a message was sent, how an invoice stands, why there is a task, or where a bank entry (its key) went."""
    from assets.audit.explain import explain as explain_subject
    from assets.operations.store import reading
    from orchestration.report import explained

    with (
        _installation(options) as installation,
        _computed_warehouse(installation) as warehouse,
        reading(installation.store) as store,
    ):
        explanation = explain_subject(warehouse, store, installation.archive, subject, company)
    options.answer(explanation.document, explained(explanation.document))
    return EXIT_DONE


@cli.command()
@click.option("--owner", help="Whose day; everybody's by default.")
@click.option("--date", "day", type=ISO_DATE, help="The business day; the newest one by default.")
@common_options
def tasks(options: Options, owner: str | None, day: date | None) -> int:
    """List what there is to do on a day, the most pressing first. The worklists are in published/worklists/."""
    from assets.audit.explain_task import owners_of_day, tasks_of_day
    from orchestration.report import task_table

    with _installation(options) as installation, _computed_warehouse(installation) as warehouse:
        listed = tasks_of_day(warehouse, day, owner)
        owners = owners_of_day(warehouse, day)
    if owner is not None and owner not in owners:
        raise UsageProblem(
            f"{owner!r} has no task on that day",
            where="--owner",
            remedy=f"these have: {', '.join(owners)}" if owners else "choose a day that was run",
        )
    options.answer({"tasks": listed}, task_table(listed) if listed else "Nothing to do.")
    return EXIT_DONE


@contextlib.contextmanager
def _computed_warehouse(installation: "Installation") -> Iterator["duckdb.DuckDBPyConnection"]:
    """The warehouse to read from. Raises DataProblem while no day was computed to its end."""
    import duckdb

    from assets.landing.warehouse import reading

    with reading(installation.home.warehouse) as warehouse:
        try:
            yield warehouse
        except duckdb.CatalogException as error:
            # A first day that stopped, or a warehouse just rebuilt, has the raw log and not yet the chapters.
            raise DataProblem(
                f"no day was computed to its end yet: {str(error).splitlines()[0]}",
                where=str(installation.home.warehouse),
                remedy="run the day first: `tijdig run`",
            ) from error


def _decide(options: Options, verb: str, ids: tuple[str, ...], batch: str | None, by: str, reason: str) -> int:
    from assets.communications import release as decisions

    with _installation(options) as installation:
        result = getattr(decisions, verb)(
            installation.store, installation.clock, by=by, reason=reason, communication_ids=ids, batch=batch
        )
    lines = [f"{verb.capitalize()}d: {communication_id}" for communication_id in result.changed]
    lines += [f"Left as it is: {each.communication_id} {each.what}. {each.what_to_do}." for each in result.untouched]
    for each in result.awaiting:
        missing = each.approvals_needed - len(each.approved_by)
        lines.append(
            f"Agreed to, still held: {each.communication_id} by {', '.join(each.approved_by)} "
            f"({len(each.approved_by)} of {each.approvals_needed}). It leaves when "
            f"{missing} more {'person releases' if missing == 1 else 'people release'} it."
        )
    if verb == "release" and result.changed:
        lines.append("They leave with `tijdig dispatch`.")
    options.answer(
        {
            verb + "d": list(result.changed),
            "awaiting": [vars(each) for each in result.awaiting],
            "untouched": [vars(each) for each in result.untouched],
        },
        "\n".join(lines),
    )
    return EXIT_USAGE if result.untouched and not result.changed and not result.awaiting else EXIT_DONE


def decision_options(command: Command) -> Command:
    """The options `release` and `refuse` share: what, who and why."""
    for option in (
        click.option("--reason", required=True, help="Why; it goes into the audit journal."),
        click.option("--by", "by", required=True, help="Who decides."),
        click.option("--batch", help="A run id or a date: everything it holds."),
        click.argument("ids", nargs=-1),
    ):
        command = option(command)
    return command


@cli.command()
@decision_options
@common_options
def release(options: Options, ids: tuple[str, ...], batch: str | None, by: str, reason: str) -> int:
    """Let held messages leave: formal notices, and what a brake holds."""
    return _decide(options, "release", ids, batch, by, reason)


@cli.command()
@decision_options
@common_options
def refuse(options: Options, ids: tuple[str, ...], batch: str | None, by: str, reason: str) -> int:
    """Cancel messages that have not left yet."""
    return _decide(options, "refuse", ids, batch, by, reason)


@cli.command()
@common_options
def dispatch(options: Options) -> int:
    """Send what has been released for today."""
    home = find_home(options.root)
    from assets.communications.assets import dispatch_counts
    from orchestration.mailroom import dispatch_today

    with locked(home), _installation(options) as installation:
        result = dispatch_today(installation)
    counts = dispatch_counts(result)
    text = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
    options.answer(
        {**counts, "is_stopped": result.is_stopped}, text + ("; the kill switch is pulled" if result.is_stopped else "")
    )
    return EXIT_HELD if result.is_stopped or result.held else EXIT_DONE


@cli.command()
@click.argument("communication_id")
@click.option("--finding", required=True, type=click.Choice(["left", "did_not_leave", "cannot_tell"]))
@click.option("--by", "by", required=True, help="Who found out.")
@click.option("--reason", required=True, help="How; it goes into the audit journal.")
@common_options
def settle(options: Options, communication_id: str, finding: str, by: str, reason: str) -> int:
    """Settle a message in doubt: whether it left, as a person found out."""
    from assets.communications.observations import settle_doubt

    with _installation(options) as installation:
        state = settle_doubt(
            installation.store,
            installation.clock,
            communication_id,
            finding=finding,  # type: ignore[arg-type]  # click admits only these three
            by=by,
            reason=reason,
        )
    options.answer({"communication_id": communication_id, "state": state}, f"{communication_id} is now {state}.")
    return EXIT_DONE


def _switch(options: Options, verb: str, by: str, reason: str) -> int:
    from assets.operations import control

    with _installation(options) as installation:
        getattr(control, verb)(installation.store, installation.clock, by, reason)
    done = "Stopped: no message leaves" if verb == "stop" else "Resumed: released messages may leave"
    options.answer({"is_stopped": verb == "stop", "by": by, "reason": reason}, f"{done}.")
    return EXIT_DONE


@cli.command()
@click.option("--by", "by", required=True, help="Who decides.")
@click.option("--reason", required=True, help="Why; it goes into the audit journal.")
@common_options
def stop(options: Options, by: str, reason: str) -> int:
    """Pull the kill switch: from now on nothing leaves, not even in a run that is under way."""
    return _switch(options, "stop", by, reason)


@cli.command()
@click.option("--by", "by", required=True, help="Who decides.")
@click.option("--reason", required=True, help="Why; it goes into the audit journal.")
@common_options
def resume(options: Options, by: str, reason: str) -> int:
    """Release the kill switch."""
    return _switch(options, "resume", by, reason)


@cli.command()
@click.option("--by", "by", required=True, help="Who decides.")
@common_options
def live(options: Options, by: str) -> int:
    """Go live, for good: after this, messages reach real customers. All rehearsal messages are cancelled."""
    from assets.communications.golive import CONFIRMATION, go_live

    with _installation(options) as installation:
        try:
            typed = click.prompt(f"Type {CONFIRMATION!r} to go live", err=True)
        except click.Abort as abort:
            raise UsageProblem(
                "nothing was typed", where="the confirmation", remedy="go live from a terminal, and type the sentence"
            ) from abort
        cancelled = go_live(
            installation.store,
            installation.clock,
            by=by,
            configured_mode=installation.settings.dispatch.mode,
            environ=os.environ,
            confirmation=typed,
            timezone=installation.timezone,
        )
    options.answer(
        {"mode": "live", "cancelled": cancelled}, f"This home is live. {cancelled} rehearsal messages were cancelled."
    )
    return EXIT_DONE


@cli.command()
@common_options
def verify(options: Options) -> int:
    """Walk the audit chain: nothing in it was changed, taken out or put in."""
    from assets.audit.verify import verify as verify_chain

    with _installation(options) as installation:
        result = verify_chain(installation.store)
    options.answer(vars(result), result.message)
    return EXIT_DONE if result.exit_code == 0 else EXIT_DATA


@cli.command()
@click.option("--date", "day", type=ISO_DATE, required=True, help="The past day to compute again.")
@click.option(
    "--verify", "verifies", is_flag=True, help="Fail (exit code 3) unless every decision comes out as it was."
)
@common_options
def replay(options: Options, day: date, verifies: bool) -> int:
    """Compute a past day again in a scratch warehouse, and compare it with what was decided then. Cannot send."""
    home = find_home(options.root)
    from orchestration.replay import replay_day

    with locked(home), _installation(options) as installation:
        replayed = replay_day(installation, day)
    if replayed.is_identical:
        text = f"{day}: all {replayed.recorded} decisions come out as they were."
    else:
        text = (
            f"{day}: {replayed.only_recorded} of {replayed.recorded} decisions are not reproduced, {replayed.only_computed} are new.\n"
            f"Policy then {replayed.policy_then}, now {replayed.policy_now}; code then {replayed.code_then}, now {replayed.code_now}."
        )
        text = "\n".join([text, *(f"  {each}" for each in replayed.differences)])
        text += "\n  and others" if replayed.has_more_differences else ""
    options.answer(replayed.as_json(), text)
    return EXIT_DATA if verifies and not replayed.is_identical else EXIT_DONE


@cli.command()
@click.option("--port", type=int, default=3000, show_default=True)
@common_options
def dev(options: Options, port: int) -> int:
    """Open the Dagster UI on this home: the whole lineage from file to message. Listens on this machine only."""
    home = find_home(options.root)
    from orchestration.settings import read_settings
    from orchestration.webserver import serve

    read_settings(home.root)  # said here, not by the first run hours later
    options.say(f"Dagster is on http://127.0.0.1:{port} for {home.root}; stop it with Ctrl-C.")
    return serve(home, port)


@cli.command()
@common_options
def doctor(options: Options) -> int:
    """Check configuration, connections, files and versions, and say what to mend."""
    home = find_home(options.root)
    from orchestration.doctor import examine

    findings = examine(home)
    width = max(len(finding.subject) for finding in findings)
    text = "\n".join(
        f"{'ok  ' if finding.is_well else 'MEND'} {finding.subject:<{width}}  {finding.words}" for finding in findings
    )
    options.answer({"findings": [finding.as_json() for finding in findings]}, text)
    return EXIT_DONE if all(finding.is_well for finding in findings) else EXIT_USAGE


@cli.group()
def policy() -> None:
    """What finance has decided: judge a change of the seeds, draw a scenario."""


SEEDS_OPTION = click.option(
    "--seeds",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of seeds other than the project's own, to look at before it is put in place.",
)


@policy.command("check")
@SEEDS_OPTION
@click.option(
    "--date", "day", type=ISO_DATE, help="The day on which rates must be known; the calendar date by default."
)
@common_options
def policy_check(options: Options, seeds: Path | None, day: date | None) -> int:
    """Find gaps, overlaps, steps that are never reached, missing templates, and what the law forbids."""
    from orchestration.policy import findings, findings_text

    found = findings(seeds, day or _calendar_date(options))
    options.answer({"findings": [finding.as_json() for finding in found]}, findings_text(found))
    return EXIT_USAGE if any(finding.severity == "error" for finding in found) else EXIT_DONE


@policy.command("show")
@click.argument("scenario_id")
@SEEDS_OPTION
@click.option("--date", "day", type=ISO_DATE, help="The day the policy counts on; the calendar date by default.")
@click.option("--due", "due_on", type=ISO_DATE, help="The due date of the example invoice; the day itself by default.")
@common_options
def policy_show(options: Options, scenario_id: str, seeds: Path | None, day: date | None, due_on: date | None) -> int:
    """Draw a scenario: what happens on which day, counted from the due date."""
    from orchestration.policy import scenario, scenario_text

    counts_on = day or _calendar_date(options)
    drawn = scenario(seeds, scenario_id, counts_on, due_on or counts_on)
    options.answer(drawn.as_json(), scenario_text(drawn))
    return EXIT_DONE


def _calendar_date(options: Options) -> date:
    """Today in the home's time zone; policy can be looked at before there is a home, then in the usual one."""
    from zoneinfo import ZoneInfo

    from assets.operations.clock import SystemClock, calendar_date
    from orchestration.settings import HomeSettings, read_settings

    has_home = (options.root / "tijdig.toml").is_file()
    home = read_settings(options.root).home if has_home else HomeSettings()
    return calendar_date(SystemClock(), ZoneInfo(home.timezone))


def _field_values(arguments: list[str]) -> dict[str, str]:
    """The fields of an event as typed: `--name value` or `--name=value`."""
    values: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, given, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name:
            raise UsageProblem(
                f"{word!r} stands alone", where="the command line", remedy="write every field as --name value"
            )
        if not given:
            if not rest:
                raise UsageProblem(
                    f"{word} has no value", where="the command line", remedy="write every field as --name value"
                )
            value = rest.pop(0)
        values[name.replace("-", "_")] = value
    return values


@contextlib.contextmanager
def _installation(options: Options) -> Iterator["Installation"]:
    """The home of this command, opened for as long as it takes."""
    from orchestration.installation import open_installation

    installation = open_installation(find_home(options.root))
    try:
        yield installation
    finally:
        installation.store.dispose()


def main() -> None:
    """Entry point of the command: everything written is for its owner only, and nothing reports home."""
    os.umask(0o077)
    cli()


if __name__ == "__main__":
    main()
