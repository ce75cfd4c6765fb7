"""The command on bad input: every refusal says what, where and what to do, and ends with its exit code."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from assets.landing.warehouse import writing
from orchestration.cli import cli
from orchestration.home import Home, find_home, locked
from orchestration.installation import open_installation
from tests.orchestration.homes import DAY, landing

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for variable in [name for name in os.environ if name.startswith("TIJDIG_")]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


def tijdig(*words: str, **environment: str) -> Result:
    """The command as typed. Only SystemExit may leave it: anything else would be a traceback on somebody's screen."""
    result = CliRunner().invoke(cli, list(words), env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def home(tmp_path: Path) -> Home:
    assert tijdig("init", "--home", str(tmp_path / "thuis")).exit_code == 0
    return find_home(tmp_path / "thuis")


@pytest.fixture
def run(home: Home) -> Run:
    def run(*words: str) -> Result:
        return tijdig(*words, "--home", str(home.root))

    return run


def answer(result: Result) -> Any:
    """The one JSON document on the standard output."""
    return json.loads(result.stdout)


def refused(result: Result, code: int, says: str) -> None:
    assert result.exit_code == code, result.output
    assert says in result.stderr
    if "Usage:" not in result.stderr:
        assert result.stderr.startswith("Refused: ")
        assert "Where: " in result.stderr
        assert "What to do: " in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


NEEDS_A_HOME = [
    ("run",),
    ("run", "--date", "2026-03-02"),
    ("record", "hold_placed", "--company", "C1", "--by", "An", "--customer", "K1", "--reason", "x"),
    ("explain", "2026-1"),
    ("release", "X", "--by", "An", "--reason", "x"),
    ("refuse", "X", "--by", "An", "--reason", "x"),
    ("dispatch",),
    ("settle", "X", "--finding", "left", "--by", "An", "--reason", "x"),
    ("stop", "--by", "An", "--reason", "x"),
    ("resume", "--by", "An", "--reason", "x"),
    ("live", "--by", "An"),
    ("verify",),
    ("replay", "--date", "2026-03-02"),
    ("tasks",),
    ("dev",),
    ("doctor",),
]


@pytest.mark.parametrize("words", NEEDS_A_HOME, ids=[" ".join(words[:2]) for words in NEEDS_A_HOME])
def test_without_a_home_every_command_says_how_to_make_one(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = tijdig(*words, "--home", str(tmp_path / "nergens"))
    refused(result, 2, "there is no home here")
    assert "tijdig init" in result.stderr
    assert not (tmp_path / "nergens").exists(), "asking makes nothing"


def test_every_command_is_in_that_list() -> None:
    # Policy is looked at before there is a home.
    assert set(cli.commands) - {"init", "demo", "policy"} == {words[0] for words in NEEDS_A_HOME}


@pytest.mark.parametrize("words", NEEDS_A_HOME, ids=[" ".join(words[:2]) for words in NEEDS_A_HOME])
def test_with_wrong_settings_every_command_says_where(home: Home, run: Run, words: tuple[str, ...]) -> None:
    home.settings_file.write_text("[home]\ntimezone = Europe/Amsterdam\n", encoding="utf-8")
    result = run(*words)
    if words[0] == "doctor":
        assert result.exit_code == 2
        assert "MEND settings" in result.stdout
        assert "line 2" in result.stdout
    else:
        refused(result, 2, "not valid TOML")
        assert "tijdig.toml" in result.stderr


def test_init_makes_a_home_in_rehearsal_and_only_once(tmp_path: Path) -> None:
    first = tijdig("init", "--home", "nieuw", "--json")
    assert first.exit_code == 0
    assert answer(first) == {"home": str(tmp_path / "nieuw"), "mode": "rehearsal"}
    assert (tmp_path / "nieuw" / "operations.db").exists()
    refused(tijdig("init", "--home", "nieuw"), 2, "there is a home here already")


def test_init_where_nothing_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bestand").write_text("x", encoding="utf-8")
    refused(tijdig("init", "--home", "bestand/thuis"), 2, "the home cannot be made")


def test_the_home_comes_from_the_option_before_or_after_else_the_environment_else_data(tmp_path: Path) -> None:
    for name in ("data", "a", "b"):
        assert tijdig("init", "--home", name).exit_code == 0

    def used(*words: str, **environment: str) -> str:
        return Path(answer(tijdig(*words, **environment))["findings"][3]["words"]).parent.name

    assert used("doctor", "--json") == "data"
    assert used("doctor", "--json", TIJDIG_HOME="a") == "a"
    assert used("doctor", "--json", "--home", "b", TIJDIG_HOME="a") == "b"
    assert used("--home", "b", "--json", "doctor", TIJDIG_HOME="a") == "b"
    assert used("--home", "a", "doctor", "--home", "b", "--json") == "b"


@pytest.mark.parametrize(
    "text", ["morgen", "02-03-2026", "2026-02-30", "20260302", "2026-W10-1", "2026-3-2", "", "２０２６-03-02"]
)
def test_a_date_that_is_none_is_refused(run: Run, text: str) -> None:
    result = run("run", "--date", text)
    refused(result, 2, "write it as YYYY-MM-DD")


def test_a_day_to_come_and_a_day_gone_by_are_refused(home: Home, run: Run) -> None:
    refused(run("run", "--date", "2999-01-01"), 2, "has not come yet")
    installation = open_installation(home)
    landing(installation, "monday", DAY)
    installation.store.dispose()
    result = run("run", "--date", (DAY - timedelta(days=1)).isoformat())
    refused(result, 2, f"lies before the last day run, {DAY}")
    assert f"tijdig replay --date {DAY - timedelta(days=1)}" in result.stderr


def test_a_day_never_run_cannot_be_replayed(run: Run) -> None:
    refused(run("replay", "--date", "2026-03-02"), 2, "was never run to its end")


RECORDED = ("record", "hold_placed", "--company", "C1", "--by", "An")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("record", "pauze", "--company", "C1", "--by", "An"), "There is no event kind 'pauze'"),
        ((*RECORDED, "--customer", "K1", "--reason", "x", "--kleur", "rood"), "has no field 'kleur'"),
        ((*RECORDED, "--customer", "K1"), "reason"),
        ((*RECORDED, "--customer"), "--customer has no value"),
        ((*RECORDED, "K1"), "'K1' stands alone"),
        ((*RECORDED, "--customer", "K1", "--reason", "x", "--until", "31-12-2026"), "31-12-2026"),
        (("record", "hold_placed", "--by", "An"), "Missing option '--company'"),
        (("record", "hold_placed", "--company", "C1"), "Missing option '--by'"),
        (("record",), "Missing"),
        ((*RECORDED, "--effective-on", "gisteren", "--customer", "K1", "--reason", "x"), "write it as YYYY-MM-DD"),
        (
            ("record", "promise_made", "--company", "C1", "--by", "An", "--invoices", "I1", "--promised-on", "2026-04-01", "--amount", "1.000,00"),
            "1.000,00",
        ),
    ],
)  # fmt: skip
def test_an_event_that_is_not_understood_is_not_recorded(
    home: Home, run: Run, words: tuple[str, ...], says: str
) -> None:
    refused(run(*words), 2, says)
    with sqlite3.connect(home.operations_file) as connection:
        assert connection.execute("select count(*) from register_event").fetchall() == [(0,)]
    connection.close()


def test_an_event_is_recorded_once_under_its_external_id(run: Run) -> None:
    words = (*RECORDED, "--external-id", "E1", "--customer=K1", "--reason", "verhuizing")
    first, again = run(*words, "--json"), run(*words, "--json")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert answer(first)["is_new"]
    assert answer(again) == answer(first) | {"is_new": False}
    refused(run(*words[:-1], "iets anders"), 2, "E1")


def test_a_value_may_begin_with_a_dash(run: Run) -> None:
    assert run(*RECORDED, "--customer", "K1", "--reason", "-5 % gevraagd").exit_code == 0


def test_explain_before_the_first_day_and_of_an_unknown_thing(home: Home, run: Run) -> None:
    refused(run("explain", "2026-1"), 3, "there is no warehouse yet")
    with writing(home.warehouse):
        pass  # a first day that stopped leaves the raw log and no chapter
    refused(run("explain", "2026-1"), 3, "no day was computed to its end yet")


def test_only_a_message_in_doubt_can_be_settled(run: Run) -> None:
    refused(run("settle", "nothing", "--finding", "left", "--by", "An", "--reason", "x"), 2, "no message nothing")
    assert run("settle", "nothing", "--finding", "perhaps", "--by", "An", "--reason", "x").exit_code == 2


@pytest.mark.parametrize("verb", ["release", "refuse"])
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ONBEKEND", "--by", "An", "--reason", "x"), "There is no message ONBEKEND"),
        (("--by", "An", "--reason", "x"), ""),
        (("X", "--by", " ", "--reason", "x"), ""),
        (("X", "--by", "An", "--reason", ""), ""),
        (("X", "--reason", "x"), "Missing option '--by'"),
        (("X", "--by", "An"), "Missing option '--reason'"),
        (("--batch", "nergens", "--by", "An", "--reason", "x"), ""),
    ],
)
def test_a_decision_about_nothing_or_by_nobody_is_refused(
    run: Run, verb: str, words: tuple[str, ...], says: str
) -> None:
    refused(run(verb, *words), 2, says)


def test_dispatch_says_what_it_did_and_that_it_was_stopped(run: Run) -> None:
    done = run("dispatch", "--json")
    assert done.exit_code == 0
    assert answer(done)["is_stopped"] is False
    assert answer(run("stop", "--by", "An", "--reason", "storing", "--json")) == {
        "is_stopped": True,
        "by": "An",
        "reason": "storing",
    }
    stopped = run("dispatch", "--json")
    assert (stopped.exit_code, answer(stopped)["is_stopped"]) == (4, True)
    well = run("doctor")
    assert well.exit_code == 2
    assert "STOPPED by An: storing" in well.stdout
    assert run("resume", "--by", "An", "--reason", "over").exit_code == 0
    assert run("dispatch").exit_code == 0


@pytest.mark.parametrize("verb", ["stop", "resume"])
@pytest.mark.parametrize("words", [("--by", "", "--reason", "x"), ("--by", "An", "--reason", " ")])
def test_nobody_stops_without_a_name_and_a_reason(run: Run, verb: str, words: tuple[str, ...]) -> None:
    refused(run(verb, *words), 2, "")


def test_two_commands_do_not_write_at_once_but_the_kill_switch_always_works(home: Home, run: Run) -> None:
    with locked(home):
        refused(run("dispatch"), 2, "another command is writing to this home")
        # Before its log is written over: it may be read while the first run is under way.
        (home.target / "run.log").write_text("the run under way", encoding="utf-8")
        refused(run("run"), 2, "another command is writing to this home")
        assert (home.target / "run.log").read_text(encoding="utf-8") == "the run under way"
        assert run("stop", "--by", "An", "--reason", "nu").exit_code == 0


def test_going_live_takes_more_than_a_command(run: Run, home: Home) -> None:
    result = CliRunner().invoke(cli, ["live", "--by", "An", "--home", str(home.root)], input="ja hoor\n")
    assert result.exit_code == 2
    assert "Refused: " in result.stderr


def test_the_journal_of_a_used_home_is_unbroken(run: Run) -> None:
    run("stop", "--by", "An", "--reason", "x")
    result = run("verify", "--json")
    assert result.exit_code == 0
    assert answer(result)["entries"] == 1


def test_a_journal_that_was_changed_is_a_data_problem(home: Home, run: Run) -> None:
    run("stop", "--by", "An", "--reason", "x")
    with sqlite3.connect(home.operations_file) as connection:
        triggers = connection.execute("select name from sqlite_master where type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f'drop trigger "{name}"')
        connection.execute("update audit_event set actor = 'Bea'")
    connection.close()
    assert run("verify").exit_code == 3


@pytest.mark.parametrize(
    "settings",
    [
        '[operations]\nurl = "onzin"\n',
        '[operations]\nurl = "postgresql+psycopg://u:geheim@127.0.0.1:1/x"\n',
        '[operations]\nurl = "mysql://u:geheim@127.0.0.1/x"\n',
        '[operations]\nurl = "sqlite://"\n',
        '[operations]\nurl = "sqlite:////nergens/op.db"\n',
    ],
)
def test_an_operations_store_that_cannot_be_used_is_refused_without_its_password(
    home: Home, run: Run, settings: str
) -> None:
    home.settings_file.write_text(settings, encoding="utf-8")
    for words in (("verify",), ("dispatch",)):
        result = run(*words)
        refused(result, 2, "")
        assert "geheim" not in result.output
    assert "MEND operations store" in run("doctor").stdout


def test_an_operations_store_that_is_none_is_named(home: Home, run: Run) -> None:
    for path in home.root.glob("operations.db*"):
        path.unlink()
    home.operations_file.write_bytes(b"geen database, maar wel lang genoeg" * 500)
    refused(run("verify"), 2, "file is not a database")
    assert "MEND operations store" in run("doctor").stdout


def well(result: Result) -> dict[str, bool]:
    return {finding["subject"]: finding["is_well"] for finding in answer(result)["findings"]}


def test_the_doctor_finds_a_new_home_well(run: Run) -> None:
    result = run("doctor", "--json")
    assert result.exit_code == 0
    assert set(well(result).values()) == {True}


def test_the_doctor_names_what_is_wrong_and_looks_on(home: Home, run: Run) -> None:
    home.settings_file.write_text(
        '[billing]\nurl = "postgresql+psycopg://lezer:geheim@127.0.0.1:1/erp"\n[billing.queries]\n'
        'companies = "a"\ncustomers = "b"\ninvoices = "c"\n',
        encoding="utf-8",
    )
    home.settings_file.chmod(0o644)
    home.warehouse.write_bytes(b"geen warehouse" * 1000)
    home.warehouse.chmod(0o600)
    result = run("doctor", "--json")
    assert result.exit_code == 2
    assert {subject for subject, is_well in well(result).items() if not is_well} == {"folders", "billing", "warehouse"}
    assert "geheim" not in result.output


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ('[billing]\nurl = "sqlite:///nergens.db"\n[billing.queries]\ncompanies = "a"\ncustomers = "b"\ninvoices = "c"\n', "not there"),
        ('[billing]\nurl = "sqlite:///x.db"\n', "no query for companies"),
        ('[billing]\nurl = "sqlite:///x.db"\n[billing.queries]\nfacturen = "a"\n', "no table of the billing extract"),
    ],
)  # fmt: skip
def test_the_doctor_reads_the_billing_settings(home: Home, run: Run, settings: str, says: str) -> None:
    home.settings_file.write_text(settings, encoding="utf-8")
    result = run("doctor")
    assert result.exit_code == 2
    assert says in result.stdout


def test_the_doctor_misses_a_folder(home: Home, run: Run) -> None:
    (home.root / "inbox" / "bank").rmdir()
    assert "missing: inbox/bank" in run("doctor").stdout


def test_the_doctor_reads_every_page_of_the_warehouse(home: Home, run: Run) -> None:
    """A file cut short opens without a word; only reading it through tells."""
    with writing(home.warehouse) as connection:
        connection.execute(
            "create table raw.many as select range as number, md5(cast(range as varchar)) as text from range(300000)"
        )
    home.warehouse.chmod(0o600)
    assert run("doctor").exit_code == 0
    with home.warehouse.open("r+b") as file:
        file.truncate(home.warehouse.stat().st_size // 2)
    assert not well(run("doctor", "--json"))["warehouse"]


def test_the_doctor_never_advises_to_delete_a_warehouse_that_is_in_use(home: Home, run: Run) -> None:
    with writing(home.warehouse):
        pass
    home.warehouse.chmod(0o600)
    program = "import sys, duckdb\nheld = duckdb.connect(sys.argv[1])\nprint('held', flush=True)\nsys.stdin.read()\n"
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(home.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    result = run("doctor")
    explained = run("explain", "2026-1")
    holder.communicate(timeout=20)
    assert result.exit_code == 0, result.stdout
    assert "in use by another program" in result.stdout
    assert "delete" not in result.stdout
    refused(explained, 3, "close the program that holds it")


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--date", "2999-01-01"),
        ("run", "--date", "morgen"),
        ("run", "--datum", "2026-03-02"),
        ("record", "pauze", "--company", "C1", "--by", "An"),
        ("record", "hold_placed"),
        ("release", "ONBEKEND", "--by", "An", "--reason", "x"),
        ("explain", "ONBEKEND"),
        ("stop", "--by", "", "--reason", "x"),
        ("replay", "--date", "2026-03-02"),
        ("bestaat_niet",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_refusal_asked_for_as_json_is_one_document(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words, "--json")
    told = answer(result)
    assert told["exit_code"] == result.exit_code != 0
    assert all(told["error"][part] for part in ("what", "where", "what_to_do"))
    assert told["error"]["what"] in result.stderr


def test_a_demonstration_is_not_made_over_another_home(run: Run, home: Home) -> None:
    refused(run("demo"), 2, "no finished demonstration")


def test_quiet_commands_say_only_their_answer(run: Run) -> None:
    result = run("stop", "--by", "An", "--reason", "x", "--quiet", "--json")
    assert result.stderr == ""
    assert answer(result)["is_stopped"] is True


def test_help_and_version_need_no_home() -> None:
    for words in (("--help",), ("run", "-h"), ("--version",)):
        assert tijdig(*words).exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("hold_placed", "--company", "C1", "--customer", "TYPO"), "no customer 'TYPO'"),
        (("hold_placed", "--company", "ZZ", "--customer", "K1"), "no company 'ZZ'"),
        (("dispute_opened", "--company", "C1", "--invoice", "2026-9"), "no invoice '2026-9'"),
    ],
)
def test_an_event_that_names_nobody_is_refused_once_something_has_landed(
    home: Home, run: Run, words: tuple[str, ...], says: str
) -> None:
    rest = ("--by", "An", "--reason", "x")
    assert run("record", *words, *rest).exit_code == 0, "before the first day there is nothing to compare with"
    with writing(home.warehouse) as connection:
        connection.execute("insert into raw.companies (company_id) values ('C1')")
        connection.execute("insert into raw.customers (company_id, customer_id) values ('C1', 'K1')")
        connection.execute(
            "insert into raw.invoices (company_id, invoice_id, invoice_number) values ('C1', 'I1', '2026-1')"
        )
    refused(run("record", *words, *rest), 2, says)
    assert run("record", "hold_placed", "--company", "C1", "--customer", "K1", *rest).exit_code == 0
    for name in ("I1", "2026-1"):
        assert run("record", "dispute_opened", "--company", "C1", "--invoice", name, *rest).exit_code == 0
