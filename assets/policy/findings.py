"""What a check of policy found, in the shape of every 'no': what, where, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from assets.policy.seeds import Row, Seed


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (`error`: do not run with it) or worth a second look (`warning`)."""

    severity: str
    seed: str
    line: int | None
    what: str
    what_to_do: str

    @property
    def where(self) -> str:
        return f"{self.seed}.csv" + (f", line {self.line}" if self.line else "")

    def as_json(self) -> dict[str, object]:
        return {"severity": self.severity, "where": self.where, "what": self.what, "what_to_do": self.what_to_do}


def error(seed: Seed, row: Row | None, what: str, what_to_do: str) -> Finding:
    """Something the day must not run with."""
    return Finding("error", seed.name, row.line if row else None, what, what_to_do)


def warning(seed: Seed, row: Row | None, what: str, what_to_do: str) -> Finding:
    """Something a reviewer should look at twice."""
    return Finding("warning", seed.name, row.line if row else None, what, what_to_do)
