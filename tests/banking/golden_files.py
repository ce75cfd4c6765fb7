"""The golden files: statements of our own making in the manner of each bank, with what the reader must make of them.

After a wanted change of the readers: `python -m tests.banking.regenerate`, then read the difference before committing it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path

from assets.banking.keys import entry_keys
from assets.banking.read import read_statement_file
from assets.banking.references import candidate_references

FOLDER = Path(__file__).parent / "golden"
STATEMENT_FILES = tuple(sorted(path for path in FOLDER.glob("*/*") if path.suffix != ".json"))


def expected_path(path: Path) -> Path:
    """Where the expectation of a statement file stands."""
    return path.with_name(f"{path.name}.json")


def described(content: bytes) -> str:
    """Everything the reader says about a file, as JSON; what is absent, false or empty is left out."""
    read = read_statement_file(content)
    statements = []
    for statement in read.statements:
        facts = asdict(statement)
        facts["entries"] = [
            {
                **entry._asdict(),
                "entry_key": key,
                "references": [found._asdict() for found in candidate_references(entry)],
            }
            for entry, key in zip(statement.entries, entry_keys(statement.entries), strict=True)
        ]
        for entry_facts in facts["entries"]:
            for repeated in ("statement_key", "account_iban", "parser_version"):
                del entry_facts[repeated]
        statements.append(_told(facts))
    return json.dumps({"format": read.format, "statements": statements}, indent=1, ensure_ascii=False) + "\n"


def _told(value: object) -> object:
    match value:
        case dict():
            return {key: _told(item) for key, item in value.items() if item not in (None, (), [], "")}
        case list() | tuple():
            return [_told(item) for item in value]
        case Decimal() | date():
            return str(value)
        case _:
            return value
