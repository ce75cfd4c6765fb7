"""Running dbt on one home: its folders, its environment, its arguments. Nothing here knows Dagster."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

from assets.landing.change_log import replace_rows
from assets.landing.raw_tables import CONTROL_TABLES
from assets.problem import DataProblem
from assets.warehouse.versions import PROJECT, project_hash

# Neither dbt nor what it imports may call home from a finance department.
# Dagster reads dbt's debug events off its output; written to a file as well, they would be ten megabytes a day.
QUIET_ENVIRONMENT = {"DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "False", "DBT_LOG_LEVEL_FILE": "warn"}


@dataclass(frozen=True, slots=True)
class DbtHome:
    """Where dbt works for one home: the warehouse it writes, and the folder it builds in."""

    warehouse: Path
    target: Path

    @property
    def manifest(self) -> Path:
        return self.target / "manifest.json"

    @property
    def stamp(self) -> Path:
        """Says from which project files the manifest was made."""
        return self.target / "manifest.stamp"

    def environment(self) -> dict[str, str]:
        """What the profile and dbt itself read from the environment."""
        return QUIET_ENVIRONMENT | {
            "TIJDIG_WAREHOUSE": str(self.warehouse),
            "DBT_PROJECT_DIR": str(PROJECT),
            "DBT_PROFILES_DIR": str(PROJECT),
            "DBT_TARGET_PATH": str(self.target),
            "DBT_LOG_PATH": str(self.target),
        }


def build_arguments(*, is_unchanged: bool = False) -> list[str]:
    """Arguments of the day's build: seeds, models and data tests in one pass, so that a bad row reaches no child.

    Unit tests say whether the rules are right, not whether the day is; they run with the test suite. When the project
    `is_unchanged` since this warehouse was last built, seeds and the views of staging are as they were: a seed's rows come
    from its file, and a view is only its text. Their tests run all the same. A published view is built every day: what
    waits for it would else be skipped.
    """
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if is_unchanged:
        arguments += [
            "--indirect-selection",
            "empty",
            "--exclude",
            "config.materialized:view,path:models/staging resource_type:seed",
        ]
    return arguments


def built_from(connection: duckdb.DuckDBPyConnection) -> str:
    """The hash of the project files this warehouse was last built from; empty for one that never was."""
    row = connection.execute("select project_hash from control.built_project").fetchone()
    return str(row[0]) if row else ""


def note_built_from(connection: duckdb.DuckDBPyConnection, digest: str) -> None:
    """Remembers from which project files the warehouse was built."""
    replace_rows(connection, "control.built_project", CONTROL_TABLES["built_project"], [(digest,)])


def published_models(manifest: Path) -> list[tuple[str, str]]:
    """(schema, name) of every published table: models outside staging that are no private steps. Seeds are not among
    them, since an unchanged seed is not built, and what waits for it would be skipped."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    return sorted(
        (node["schema"], node["name"])
        for node in nodes
        if node["resource_type"] == "model" and node["schema"] != "staging" and not node["name"].startswith("int_")
    )


def ensure_manifest(home: DbtHome) -> Path:
    """The manifest of the project as it stands, parsed anew only when a project file changed."""
    current = f"{project_hash()} {home.warehouse}"
    if home.manifest.exists() and home.stamp.exists() and home.stamp.read_text(encoding="utf-8") == current:
        return home.manifest
    home.target.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Parsed in part, a description that moved to another file would stand twice: an upgraded home would stop there.
    run_dbt(home, ["parse", "--quiet", "--no-partial-parse"])
    home.stamp.write_text(current, encoding="utf-8")
    return home.manifest


def dbt_executable() -> Path:
    """The dbt beside the Python that runs us, whatever PATH says."""
    return Path(sys.executable).with_name("dbt")


def run_dbt(home: DbtHome, arguments: list[str]) -> None:
    """Runs dbt in a process of its own: in ours it would keep the warehouse open, and no reader could open it after it.

    Raises DataProblem with dbt's own words when it does not succeed.
    """
    done = subprocess.run(
        [str(dbt_executable()), *arguments],
        env=os.environ | home.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise DataProblem(
            f"dbt {arguments[0]} failed: {'; '.join(said[-12:])}",
            where=str(home.target),
            remedy="see dbt.log in that folder",
        )
