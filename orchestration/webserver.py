"""The Dagster UI on one home. Dagster's own server has no login: it listens on this machine only."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from assets.problem import UsageProblem
from orchestration.home import Home
from orchestration.resources import quiet

WORKSPACE = Path(__file__).resolve().parents[1] / "workspace.yaml"


def serve(home: Home, port: int) -> int:
    """Runs the UI and the daemon until they are stopped; stops both by their process group."""
    environment = dict(os.environ) | {
        "TIJDIG_HOME": str(home.root),
        "DAGSTER_HOME": os.environ.get("DAGSTER_HOME", str(home.dagster)),
    }
    quiet(environment)
    command = [
        str(Path(sys.executable).with_name("dagster")),
        "dev",
        "--workspace",
        str(WORKSPACE),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    try:
        process = subprocess.Popen(command, env=environment, cwd=WORKSPACE.parent, start_new_session=True)
    except FileNotFoundError as error:
        raise UsageProblem(
            "Dagster is not installed beside this program", where=command[0], remedy="set up again: make setup"
        ) from error
    try:
        return process.wait()
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGINT)
        process.wait()
        return 0
