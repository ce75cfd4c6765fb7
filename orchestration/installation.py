"""One home, opened: its settings, its operations store, and the rooms the slices work in."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from assets.landing.archive import Archive
from assets.landing.context import LandingRoom
from assets.operations.clock import Clock, SystemClock
from assets.operations.store import migrate, open_store
from assets.warehouse.dbt import DbtHome
from assets.warehouse.versions import code_version, policy_version
from orchestration.home import Home
from orchestration.settings import Settings, read_settings


@dataclass(frozen=True, slots=True)
class Installation:
    """A home with its settings and its open operations store."""

    home: Home
    settings: Settings
    store: Engine
    clock: Clock

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.home.timezone)

    @property
    def archive(self) -> Archive:
        return Archive(self.home.archive)

    @property
    def dbt(self) -> DbtHome:
        return DbtHome(self.home.warehouse, self.home.target)

    def landing_room(self) -> LandingRoom:
        """Where things arrive in this home."""
        return LandingRoom(
            store=self.store,
            clock=self.clock,
            warehouse=self.home.warehouse,
            archive=self.archive,
            quarantine=self.home.quarantine,
            bank_inbox=self.home.bank_inbox,
            billing_inbox=self.home.billing_inbox,
            invoices_inbox=self.home.invoices_inbox,
            register_inbox=self.home.register_inbox,
            accepted_batches=frozenset(self.settings.landing.accepted_batches),
            timezone=self.timezone,
            policy_version=policy_version(),
            code_version=code_version(),
        )


def open_installation(home: Home, clock: Clock | None = None) -> Installation:
    """Opens a home: reads its settings and brings its operations store up to date."""
    settings = read_settings(home.root)
    clock = clock or SystemClock()
    store = open_store(settings.operations.url or f"sqlite:///{home.operations_file}")
    migrate(store, clock)
    return Installation(home, settings, store, clock)
