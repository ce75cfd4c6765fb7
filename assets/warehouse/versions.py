"""Which rules and which program: short hashes that every decision and message carries."""

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "dbt_project"


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def policy_version() -> str:
    """Hash of every seed: what finance decides. It changes with any row of any seed."""
    return "policy-" + _digest((PROJECT / "seeds").rglob("*.csv"))[:12]


def code_version() -> str:
    """Release and hash of the rules and the program, so that two runs of different code can be told apart."""
    rules = [
        path
        for folder in ("models", "macros")
        for path in (PROJECT / folder).rglob("*")
        if path.suffix in (".sql", ".yml", ".py")
    ]
    program = [path for folder in ("assets", "orchestration") for path in (ROOT / folder).rglob("*.py")]
    return f"{version('tijdig')}+{_digest([*rules, *program])[:12]}"


def project_hash() -> str:
    """Hash of everything dbt parses: a manifest made from other files is stale."""
    return _digest(
        path
        for path in PROJECT.rglob("*")
        if path.is_file() and path.suffix in (".sql", ".yml", ".csv", ".md", ".py") and "target" not in path.parts
    )
