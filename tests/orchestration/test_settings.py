"""Settings: everything that is understood, and everything that is refused with its place and its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.problem import UsageProblem
from orchestration.home import SETTINGS_TEMPLATE
from orchestration.settings import Settings, read_settings


def read(tmp_path: Path, text: str | bytes, environment: dict[str, str] | None = None) -> Settings:
    (tmp_path / "tijdig.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    return read_settings(tmp_path, environment or {})


def refused(tmp_path: Path, text: str | bytes, environment: dict[str, str] | None = None) -> UsageProblem:
    with pytest.raises(UsageProblem) as refusal:
        read(tmp_path, text, environment)
    assert refusal.value.what
    assert refusal.value.where
    assert refusal.value.what_to_do
    return refusal.value


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    assert settings.home.timezone == "Europe/Amsterdam"
    assert (settings.billing.url, settings.billing.mode, settings.billing.max_shrink_percent) == ("", "delta", 20)
    assert settings.dispatch.mode == "rehearsal"
    assert settings.landing.accepted_batches == ()


def test_the_settings_of_a_new_home_are_understood_and_rehearse(tmp_path: Path) -> None:
    assert read(tmp_path, SETTINGS_TEMPLATE) == read(tmp_path, "")


def test_every_setting_of_the_template_can_be_uncommented(tmp_path: Path) -> None:
    lines = SETTINGS_TEMPLATE.splitlines()
    setting = [
        line.removeprefix("# ")
        if line.startswith(("# [", "# url", "# mode", "# host", "# port", "# send_", "# invoices"))
        else line
        for line in lines
    ]
    settings = read(tmp_path, "\n".join(setting))
    assert settings.billing.mode == "full"
    assert list(settings.billing.queries) == ["invoices"]
    assert settings.smtp.host == "localhost"


def test_every_setting_is_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
        [home]
        timezone = "Europe/Brussels"
        [billing]
        url = "sqlite:///erp.db"
        mode = "full"
        max_shrink_percent = 5
        queries = { invoices = "select 1" }
        [operations]
        url = "sqlite:///operations.db"
        [dispatch]
        mode = "live"
        allow_list = ["an@voorbeeld.example", "voorbeeld.example"]
        [smtp]
        host = "relay"
        port = 587
        user = "tijdig"
        starttls = true
        [landing]
        accepted_batches = [3, 4]
        """,
    )
    assert settings.home.timezone == "Europe/Brussels"
    assert (settings.billing.max_shrink_percent, settings.billing.queries) == (5, {"invoices": "select 1"})
    assert settings.dispatch.allow_list == ("an@voorbeeld.example", "voorbeeld.example")
    assert (settings.smtp.port, settings.smtp.starttls) == (587, True)
    assert settings.landing.accepted_batches == (3, 4)


@pytest.mark.parametrize(
    ("text", "says", "where"),
    [
        ("[home\n", "not valid TOML", "tijdig.toml"),
        ('[home]\ntimezone = "Europe/Amsterdam\n', "not valid TOML", "tijdig.toml"),
        ('[home]\ntimezone = "UTC"\ntimezone = "UTC"\n', "not valid TOML", "tijdig.toml"),
        ("[home]\ntimezone = 'Café'\n".encode("latin-1"), "not UTF-8", "tijdig.toml"),
        ("[facturen]\n", "unknown section [facturen]", "tijdig.toml"),
        ('timezone = "UTC"\n', "unknown section [timezone]", "tijdig.toml"),
        ('home = "hier"\n', "[home] must be a section", "tijdig.toml"),
        ("[[home]]\n", "[home] must be a section", "tijdig.toml"),
        ('[home]\ntime_zone = "UTC"\n', "unknown setting 'time_zone' in [home]", "tijdig.toml"),
        ('[smtp]\npassword = "geheim"\n', "unknown setting 'password'", "tijdig.toml"),
        ('[home]\ntimezone = "Europe/Amersfoort"\n', "unknown time zone", "[home] timezone"),
        ('[home]\ntimezone = "Europe"\n', "unknown time zone", "[home] timezone"),
        ('[home]\ntimezone = ""\n', "unknown time zone", "[home] timezone"),
        ('[home]\ntimezone = "../../etc/passwd"\n', "unknown time zone", "[home] timezone"),
        ("[home]\ntimezone = 1\n", "1 has the wrong type", "[home] timezone"),
        ("[billing]\nurl = false\n", "wrong type", "[billing] url"),
        ('[billing]\nmode = "half"\n', "'half' is not a value of [billing] mode", "[billing] mode"),
        ('[billing]\nmax_shrink_percent = "20"\n', "wrong type", "[billing] max_shrink_percent"),
        ("[billing]\nmax_shrink_percent = 20.5\n", "wrong type", "[billing] max_shrink_percent"),
        ("[billing]\nmax_shrink_percent = true\n", "wrong type", "[billing] max_shrink_percent"),
        ("[billing]\nmax_shrink_percent = -1\n", "-1 is out of range", "[billing] max_shrink_percent"),
        ("[billing]\nmax_shrink_percent = 101\n", "101 is out of range", "[billing] max_shrink_percent"),
        ("[billing]\nqueries = 'select'\n", "wrong type", "[billing] queries"),
        ("[billing.queries]\ninvoices = 1\n", "wrong type", "[billing] queries"),
        ('[dispatch]\nmode = "LIVE"\n', "'LIVE' is not a value of [dispatch] mode", "[dispatch] mode"),
        ('[dispatch]\nallow_list = "an@voorbeeld.example"\n', "wrong type", "[dispatch] allow_list"),
        ("[dispatch]\nallow_list = [1]\n", "wrong type", "[dispatch] allow_list"),
        ('[smtp]\nport = "25"\n', "wrong type", "[smtp] port"),
        ("[smtp]\nport = 0\n", "0 is out of range", "[smtp] port"),
        ("[smtp]\nport = 65536\n", "out of range", "[smtp] port"),
        ("[smtp]\nstarttls = 1\n", "wrong type", "[smtp] starttls"),
        ("[landing]\naccepted_batches = 3\n", "wrong type", "[landing] accepted_batches"),
        ('[landing]\naccepted_batches = ["drie"]\n', "wrong type", "[landing] accepted_batches"),
        ("[landing]\naccepted_batches = [true]\n", "wrong type", "[landing] accepted_batches"),
        ("[landing]\naccepted_batches = [1.5]\n", "wrong type", "[landing] accepted_batches"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_where_it_stands(
    tmp_path: Path, text: str | bytes, says: str, where: str
) -> None:
    refusal = refused(tmp_path, text)
    assert says in refusal.what
    assert where in refusal.where


def test_a_toml_error_says_its_line(tmp_path: Path) -> None:
    assert "line 3" in refused(tmp_path, "[home]\n\ntimezone = Europe/Amsterdam\n").what


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        '[billing]\nurl = "sqlite:///a.db"\nmode = "full"\n[smtp]\nport = 25\n',
        {
            "TIJDIG_BILLING_URL": "sqlite:///b.db",
            "TIJDIG_BILLING_MODE": "delta",
            "TIJDIG_SMTP_PORT": "587",
            "TIJDIG_SMTP_STARTTLS": "True",
            "TIJDIG_DISPATCH_ALLOW_LIST": "an@voorbeeld.example, voorbeeld.example,",
            "TIJDIG_LANDING_ACCEPTED_BATCHES": "3,4",
        },
    )
    assert (settings.billing.url, settings.billing.mode) == ("sqlite:///b.db", "delta")
    assert (settings.smtp.port, settings.smtp.starttls) == (587, True)
    assert settings.dispatch.allow_list == ("an@voorbeeld.example", "voorbeeld.example")
    assert settings.landing.accepted_batches == (3, 4)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("TIJDIG_SMTP_PORT", "vijfentwintig", "not a whole number"),
        ("TIJDIG_SMTP_PORT", "", "not a whole number"),
        ("TIJDIG_SMTP_PORT", "0", "out of range"),
        ("TIJDIG_SMTP_STARTTLS", "ja", "neither true nor false"),
        ("TIJDIG_DISPATCH_MODE", "echt", "not a value of [dispatch] mode"),
        ("TIJDIG_LANDING_ACCEPTED_BATCHES", "3,vier", "wrong type"),
        ("TIJDIG_HOME_TIMEZONE", "Mars/Olympus", "unknown time zone"),
        ("TIJDIG_DISPATCH_MODUS", "live", "no setting is called TIJDIG_DISPATCH_MODUS"),
        ("TIJDIG_BILLING_QUERIES", "x", "no setting is called TIJDIG_BILLING_QUERIES"),
    ],
)
def test_a_variable_that_is_not_understood_is_refused_by_its_name(
    tmp_path: Path, variable: str, value: str, says: str
) -> None:
    refusal = refused(tmp_path, "", {variable: value})
    assert says in refusal.what
    assert variable in f"{refusal.what} {refusal.where}" or "timezone" in refusal.where


def test_secrets_and_strangers_in_the_environment_are_no_settings(tmp_path: Path) -> None:
    environment = {
        "TIJDIG_SMTP_PASSWORD": "geheim",
        "TIJDIG_LIVE": "1",
        "TIJDIG_HOME": "/elders",
        "TIJDIG_TEST_POSTGRES_URL": "x",
        "SMTP_PORT": "x",
    }
    settings = read(tmp_path, "", environment)
    assert settings == read(tmp_path, "")
    assert "geheim" not in repr(settings)


def test_settings_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "tijdig.toml").mkdir()
    with pytest.raises(UsageProblem, match="cannot be read") as refusal:
        read_settings(tmp_path, {})
    assert "tijdig.toml" in refusal.value.where


def test_hours_of_sending_come_as_a_pair_in_order(tmp_path: Path) -> None:
    settings = read(tmp_path, '[dispatch]\nsend_from = "07:30"\nsend_until = "19:00"\n')
    assert (settings.dispatch.send_from, settings.dispatch.send_until) == ("07:30", "19:00")
    for stated in (
        'send_from = "07:30"',
        'send_from = "7:30"\nsend_until = "19:00"',
        'send_from = "19:00"\nsend_until = "19:00"',
        'send_from = "07:30"\nsend_until = "24:00"',
    ):
        assert "send_from" in refused(tmp_path, f"[dispatch]\n{stated}\n").where
