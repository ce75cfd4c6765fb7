"""Where the billing extract comes from, and how far it is trusted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from assets.billing.extract import DEFAULT_OVERLAP
from assets.billing.marks import Overlap
from assets.landing.brakes import Brakes

# Under which inbox it is on record where an extract came from: the ERP's database, or CSV files.
ERP, INBOX = "erp", "billing"


@dataclass(frozen=True, slots=True)
class BillingSource:
    """A database when `url` is set, else CSV files in the inbox.

    `is_full`: what is absent is gone. `watermarks`: the column by which a delta asks for what changed, per table.
    `accepted`: extracts that a person has looked at and takes in spite of a brake, each as `<table> <business day>`.
    """

    url: str = ""
    queries: Mapping[str, str] = field(default_factory=dict)
    is_full: bool = False
    brakes: Brakes = field(default_factory=Brakes)
    watermarks: Mapping[str, str] = field(default_factory=dict)
    overlap: Overlap = DEFAULT_OVERLAP
    accepted: frozenset[str] = frozenset()

    def accepts(self, table_name: str, day: date) -> bool:
        """Whether a person takes whatever comes of this table on that day."""
        return acceptance(table_name, day) in self.accepted


def acceptance(table_name: str, day: date) -> str:
    """What a person writes into `[billing] accepted_extracts` to take an extract that a brake refused."""
    return f"{table_name} {day.isoformat()}"
