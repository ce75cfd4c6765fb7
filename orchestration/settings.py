"""Settings of one home: `tijdig.toml`, overridden by `TIJDIG_*` environment variables.

Every key is declared below; an unknown key or a wrong type is refused, since a setting that is silently ignored is a
letter that is silently wrong. Secrets come from the environment only.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assets.problem import UsageProblem

SETTINGS_FILE = "tijdig.toml"

SECRETS = ("TIJDIG_SMTP_PASSWORD", "TIJDIG_LIVE", "TIJDIG_HOME")


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """`timezone` is where the company's business date is read off the clock."""

    timezone: str = "Europe/Amsterdam"


@dataclass(frozen=True, slots=True)
class BillingSettings:
    """Where invoices come from. Without a `url` the CSV files of `inbox/billing/` are read.

    `mode`: `full` means each extract is complete and an absent key was deleted; `delta` brings only new and changed
    rows. Brakes on one extract: `max_shrink_percent` of the known rows may go, at most `max_growth_factor` times as many
    may come, and the total of the known documents of a company, currency and kind may change by `max_sum_change_percent`.
    `accepted_extracts`: tables and days, as "invoices 2026-11-22", that are taken in spite of a brake.

    `documents`: the folder in which each invoice's `document_path` lies, to be sent again when it did not arrive.

    `watermarks`: per table the column by which a delta asks for what changed. The next one asks from
    `watermark_overlap_minutes` before the last moment seen on, or `watermark_overlap_numbers` before the last number.
    """

    url: str = ""
    mode: Literal["full", "delta"] = "delta"
    max_shrink_percent: int = 20
    max_growth_factor: int = 10
    max_sum_change_percent: int = 50
    accepted_extracts: tuple[str, ...] = ()
    documents: str = ""
    watermark_overlap_minutes: int = 60
    watermark_overlap_numbers: int = 10_000
    watermarks: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OperationsSettings:
    """The operations store; empty means SQLite in the home."""

    url: str = ""


@dataclass(frozen=True, slots=True)
class DispatchSettings:
    """`mode = "live"` is one of the three things going live takes; `allow_list` limits recipients by address or domain.

    `send_from` and `send_until`, such as "07:30" and "19:00" in the home's time zone: outside these hours no e-mail leaves a live
    home. What waits leaves at the next `tijdig dispatch` of that day, or is decided again the day after.
    """

    mode: Literal["rehearsal", "live"] = "rehearsal"
    allow_list: tuple[str, ...] = ()
    send_from: str = ""
    send_until: str = ""


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The submission relay; without a `host` e-mails become files in `outbox/`. The password is TIJDIG_SMTP_PASSWORD.

    `relay_logs`: log files of that relay (Postfix) that may be read here. A message cut short is looked up in them.
    """

    host: str = ""
    port: int = 25
    user: str = ""
    starttls: bool = False
    relay_logs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LandingSettings:
    """`accepted_batches`: batches whose failed expectations a person has looked at and accepts."""

    accepted_batches: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HandoverSettings:
    """`documents`: the folder in which the `document_path` of an invoice is looked up for a dossier; nothing outside it is
    read. Without it documents are named in the dossier and not enclosed.
    """

    documents: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    home: HomeSettings
    billing: BillingSettings
    operations: OperationsSettings
    dispatch: DispatchSettings
    smtp: SmtpSettings
    landing: LandingSettings
    handover: HandoverSettings


SECTIONS: dict[str, type] = {
    "home": HomeSettings,
    "billing": BillingSettings,
    "operations": OperationsSettings,
    "dispatch": DispatchSettings,
    "smtp": SmtpSettings,
    "landing": LandingSettings,
    "handover": HandoverSettings,
}

CHOICES = {("billing", "mode"): ("full", "delta"), ("dispatch", "mode"): ("rehearsal", "live")}

# Smallest and largest value of each number.
RANGES = {
    ("billing", "max_shrink_percent"): (0, 100),
    ("billing", "max_growth_factor"): (2, 1_000_000),
    ("billing", "max_sum_change_percent"): (1, 1_000_000),
    ("billing", "watermark_overlap_minutes"): (0, 525_600),
    ("billing", "watermark_overlap_numbers"): (0, 1_000_000_000),
    ("smtp", "port"): (1, 65_535),
}

# What a list holds, where that is not texts.
LISTS_OF_NUMBERS = (("landing", "accepted_batches"),)


def read_settings(home: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads and checks the settings of `home`. Raises UsageProblem for anything it does not understand."""
    path = home / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageProblem(
            f"the settings cannot be read: {error.strerror}",
            where=str(path),
            remedy="let the user this runs as read the file",
        ) from error
    except UnicodeDecodeError as error:
        raise UsageProblem(
            f"the settings are not UTF-8 text ({error.reason})", where=str(path), remedy="save the file as UTF-8"
        ) from error
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageProblem(
            f"the settings are not valid TOML: {error}",
            where=str(path),
            remedy="mend that line; `tijdig doctor` reads the file again",
        ) from error
    return settings_from(document, environment, where=str(path))


def settings_from(document: Mapping[str, Any], environment: Mapping[str, str], where: str) -> Settings:
    """Settings of a parsed document, with the environment laid over it."""
    unknown = sorted(set(document) - set(SECTIONS))
    if unknown:
        raise UsageProblem(
            f"unknown section [{unknown[0]}]",
            where=where,
            remedy=f"use one of {', '.join(f'[{name}]' for name in SECTIONS)}",
        )
    _refuse_unknown_variables(environment)
    sections = {name: _section(name, document.get(name, {}), environment, where) for name in SECTIONS}
    settings = Settings(**sections)
    try:
        ZoneInfo(settings.home.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageProblem(
            f"unknown time zone {settings.home.timezone!r}",
            where=f"{where} [home] timezone",
            remedy="use a name such as Europe/Amsterdam",
        ) from error
    _check_hours(settings.dispatch, where)
    return settings


def _check_hours(dispatch: DispatchSettings, where: str) -> None:
    stated = (dispatch.send_from, dispatch.send_until)
    if stated == ("", ""):
        return
    is_clear = all(re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", hour) for hour in stated)
    if not is_clear or dispatch.send_from >= dispatch.send_until:
        raise UsageProblem(
            f"messages cannot be sent from {dispatch.send_from!r} until {dispatch.send_until!r}",
            where=f"{where} [dispatch] send_from, send_until",
            remedy='give both as hours and minutes, the earlier first: send_from = "07:30", send_until = "19:00"; or neither',
        )


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    """A misspelt variable would be ignored in silence; sections and tables of texts are for the file only."""
    for name, kind in SECTIONS.items():
        defaults = kind()
        known = {
            f"TIJDIG_{name}_{each.name}".upper()
            for each in fields(kind)
            if not isinstance(getattr(defaults, each.name), Mapping)
        }
        unknown = sorted(
            variable
            for variable in environment
            if variable.startswith(f"TIJDIG_{name.upper()}_") and variable not in known and variable not in SECRETS
        )
        if unknown:
            raise UsageProblem(
                f"no setting is called {unknown[0]}",
                where="the environment",
                remedy=f"unset it, or use one of {', '.join(sorted(known))}",
            )


def _section(name: str, given: Any, environment: Mapping[str, str], where: str) -> Any:
    kind = SECTIONS[name]
    if not isinstance(given, Mapping):
        raise UsageProblem(
            f"[{name}] must be a section, not a value", where=where, remedy=f"write [{name}] on a line of its own"
        )
    defaults = kind()
    known = {each.name for each in fields(kind)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise UsageProblem(
            f"unknown setting {unknown[0]!r} in [{name}]", where=where, remedy=f"use one of {', '.join(sorted(known))}"
        )
    values: dict[str, Any] = {}
    for key in known:
        default = getattr(defaults, key)
        variable = f"TIJDIG_{name}_{key}".upper()
        source = f"{where} [{name}] {key}"
        if variable in environment and not isinstance(default, Mapping):
            source = variable
            values[key] = _from_text(environment[variable], default, source)
        elif key in given:
            values[key] = _checked(given[key], default, source)
        if key in values and isinstance(default, tuple):
            values[key] = _elements(values[key], int if (name, key) in LISTS_OF_NUMBERS else str, source)
        smallest, largest = RANGES.get((name, key), (None, None))
        if key in values and smallest is not None and not smallest <= values[key] <= largest:
            raise UsageProblem(
                f"{values[key]} is out of range", where=source, remedy=f"use a number from {smallest} to {largest}"
            )
        choices = CHOICES.get((name, key))
        if choices and key in values and values[key] not in choices:
            raise UsageProblem(
                f"{values[key]!r} is not a value of [{name}] {key}",
                where=source,
                remedy=f"use one of {', '.join(choices)}",
            )
    return kind(**values)


def _from_text(text: str, default: Any, where: str) -> Any:
    if isinstance(default, bool):
        if text.lower() not in ("true", "false", "1", "0"):
            raise UsageProblem(f"{text!r} is neither true nor false", where=where, remedy="use true or false")
        return text.lower() in ("true", "1")
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError as error:
            raise UsageProblem(f"{text!r} is not a whole number", where=where, remedy="use digits only") from error
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _elements(values: tuple[Any, ...], kind: type, where: str) -> tuple[Any, ...]:
    """The elements of a list, each of its kind; numbers may come as digits, since the environment holds only texts."""
    if kind is int:
        digits = [value for value in values if type(value) is int or (isinstance(value, str) and value.isdecimal())]
        if len(digits) == len(values):
            return tuple(int(value) for value in values)
    elif all(isinstance(value, str) for value in values):
        return values
    wanted = "whole numbers" if kind is int else "texts in quotes"
    raise UsageProblem(f"{list(values)!r} has the wrong type", where=where, remedy=f"write a list of {wanted}")


def _checked(value: Any, default: Any, where: str) -> Any:
    if isinstance(default, bool):
        matches = isinstance(value, bool)
    elif isinstance(default, int):
        matches = isinstance(value, int) and not isinstance(value, bool)
    elif isinstance(default, tuple):
        if isinstance(value, list):
            return tuple(value)
        matches = False
    elif isinstance(default, Mapping):
        matches = isinstance(value, Mapping) and all(isinstance(text, str) for text in value.values())
    else:
        matches = isinstance(value, str)
    if not matches:
        wanted = {bool: "true or false", int: "a whole number", tuple: "a list", str: "a text in quotes"}.get(
            type(default), "a section of texts"
        )
        raise UsageProblem(f"{value!r} has the wrong type", where=where, remedy=f"write {wanted}")
    return value
