"""The Dagster UI on one home. Dagster's own server has no login: it listens on this machine only."""

import contextlib
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

    def stop(*_: object) -> None:
        os.killpg(process.pid, signal.SIGTERM)

    # Ctrl-C, a closed terminal and a service manager all mean the same: nothing of it may be left running.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _end(process.pid)
    return 0


def _end(group: int) -> None:
    """Ends what is left of a process group that was told to stop and did not."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
