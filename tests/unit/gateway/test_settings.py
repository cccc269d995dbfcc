"""Settings: four places, one frozen value, and errors that say where, what and what is allowed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.access.compose import access_desk
from gateway.settings import (
    InfluxSettings,
    Settings,
    SettingsError,
    describe_settings,
    load_settings,
    read_secret,
    unrecognised_variables,
)
from tests.support.sources import REPOSITORY


def file_with(folder: Path, text: str) -> Path:
    path = folder / "vigil.toml"
    path.write_text(text)
    return path


def problems_of(folder: Path, text: str = "", **environ: str) -> list[str]:
    with pytest.raises(SettingsError) as wrong:
        load_settings(config_file=file_with(folder, text), environ=environ)
    return wrong.value.problems


def test_settings_are_the_defaults_when_nothing_is_said() -> None:
    assert load_settings(config_file=None, environ={}) == Settings()


def test_a_setting_comes_from_the_strongest_place(tmp_path: Path) -> None:
    path = file_with(tmp_path, "http_port = 1\njournal_batch_max = 2\nreceive_maximum = 3\n")
    environ = {"VIGIL_HTTP_PORT": "11", "VIGIL_JOURNAL_BATCH_MAX": "12"}

    settings = load_settings(config_file=path, environ=environ, command_line={"http_port": 21, "http_host": None})

    assert (settings.http_port, settings.journal_batch_max, settings.receive_maximum) == (21, 12, 3)
    assert settings.http_host == Settings().http_host


def test_the_settings_file_is_named_by_the_environment_when_the_command_line_is_silent(tmp_path: Path) -> None:
    named = file_with(tmp_path, 'log_level = "debug"')

    assert load_settings(config_file=None, environ={"VIGIL_CONFIG": str(named)}).log_level == "debug"


def test_a_table_is_composed_of_file_and_environment(tmp_path: Path) -> None:
    path = file_with(tmp_path, '[influx]\nurl = "http://series:8428"\nbucket = "icu"\n')

    settings = load_settings(config_file=path, environ={"VIGIL_INFLUX_BUCKET": "ward"})

    assert settings.influx == InfluxSettings(url="http://series:8428", bucket="ward")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().http_port = 1


def test_an_error_names_file_setting_value_and_what_is_allowed(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "http_port = 99999\n")

    assert problem.startswith(f"{tmp_path / 'vigil.toml'}: http_port = 99999: ")
    assert problem.endswith("; allowed: whole number, 0 to 65535")


def test_an_error_names_the_environment_variable(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, VIGIL_LOG_LEVEL="loud")

    assert problem.startswith("environment VIGIL_LOG_LEVEL: log_level = 'loud': ")
    assert problem.endswith("; allowed: `debug`, `info`, `warning`, `error`")


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    found = problems_of(tmp_path, 'http_port = -1\npending_max = "many"\nlog_level = "loud"\n', VIGIL_MQTT_PROTOCOL="4")

    assert [problem.split(": ")[1].split(" ")[0] for problem in found] == [
        "mqtt_protocol",
        "http_port",
        "pending_max",
        "log_level",
    ]


def test_an_unknown_setting_in_the_file_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, 'broker_ulr = "mqtt://b"')

    assert problem.endswith("broker_ulr: no such setting; did you mean broker_url?")


def test_a_table_without_what_it_needs_is_refused_naming_it(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, '[influx]\nbucket = "icu"\n')

    assert "influx.url is missing" in problem
    assert problem.startswith(str(tmp_path / "vigil.toml"))


def test_a_plain_value_where_a_table_belongs_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "influx = 3")

    assert problem.endswith("allowed: a table `[influx]`")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("broker_url", "http://broker"),
        ("broker_url", "mqtt://"),
        ("broker_url", "mqtt://broker:99999"),
        ("mqtt_client_id", "two words"),
        ("mqtt_username", "mon/+"),
        ("records_url", "mysql://somewhere/vigil"),
        ("profile", "../label"),
        ("snapshot_interval_s", "nan"),
        ("series_flush_interval_s", "inf"),
        ("journal_batch_max", "0"),
        ("receive_maximum", "70000"),
        ("http_host", ""),
    ],
)
def test_a_value_out_of_bounds_is_refused(tmp_path: Path, setting: str, value: str) -> None:
    (problem,) = problems_of(tmp_path, **{f"VIGIL_{setting.upper()}": value})

    assert f"VIGIL_{setting.upper()}: {setting} = '{value}'" in problem


@pytest.mark.parametrize("setting", ["broker_url = 'mqtt://u:{}@b'", "records_url = 'postgresql+asyncpg://u:{}@h/d'"])
def test_a_password_in_a_url_is_refused_and_not_shown(tmp_path: Path, setting: str) -> None:
    (problem,) = problems_of(tmp_path, setting.format("hunter2"))

    assert "no password in a URL" in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    "text",
    [
        'mqtt_cert_file = "c.pem"',
        'mqtt_password_file = "p"',
        'records_password_file = "p"',
        'records_url = "postgresql+asyncpg://db/vigil"\nrecords_password_file = "p"',
    ],
)
def test_settings_that_belong_together_are_refused_alone(tmp_path: Path, text: str) -> None:
    (problem,) = problems_of(tmp_path, text)

    assert "both or neither" in problem or "needs" in problem


def test_a_file_that_is_no_toml_is_refused_with_line(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "http_port = = 1")

    assert "not TOML" in problem
    assert "line 1" in problem


def test_a_file_that_is_absent_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml: cannot be read: No such file"):
        load_settings(config_file=tmp_path / "absent.toml", environ={})


def test_an_optional_setting_is_turned_off_by_an_empty_variable(tmp_path: Path) -> None:
    path = file_with(tmp_path, 'mqtt_username = "vigil-gateway"')

    assert load_settings(config_file=path, environ={"VIGIL_MQTT_USERNAME": ""}).mqtt_username is None


def test_variables_that_name_no_setting_are_listed_for_a_warning() -> None:
    environ = {"VIGIL_HTTP_PORT": "1", "VIGIL_HTTPPORT": "1", "VIGIL_CONFIG": "x", "VIGIL_INFLUX_URL": "y", "HOME": "z"}

    assert unrecognised_variables(environ) == ["VIGIL_HTTPPORT"]


def test_the_records_password_is_taken_from_its_file_and_escaped(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("p@ss/word\n")
    settings = Settings(records_url="postgresql+asyncpg://vigil@db:5432/vigil", records_password_file=secret)

    assert settings.records_database_url() == "postgresql+asyncpg://vigil:p%40ss%2Fword@db:5432/vigil"
    assert "p@ss" not in repr(settings)


def test_a_secret_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("one two\nrest\n")

    assert read_secret("mqtt_password_file", path) == "one two"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_secret_that_cannot_be_read_is_refused_naming_setting_and_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)

    with pytest.raises(SettingsError, match=r"mqtt_password_file: .*secret"):
        read_secret("mqtt_password_file", path)


def test_the_page_of_settings_is_current() -> None:
    assert (REPOSITORY / "docs" / "settings.md").read_text() == describe_settings(), "run `make docs`"


def test_every_setting_is_described() -> None:
    undescribed = [name for name, field in Settings.model_fields.items() if not field.description]

    assert undescribed == []


def test_the_example_file_gives_valid_settings_and_shows_every_setting() -> None:
    example = REPOSITORY / "deploy" / "vigil.toml.example"
    shown = example.read_text()

    settings = load_settings(config_file=example, environ={})

    assert settings.influx is not None
    assert [name for name in Settings.model_fields if name not in shown] == []
    assert set(tomllib.loads(shown)) <= set(Settings.model_fields)


# --- receivers and chains ---------------------------------------------------------------------------------------------

RELAY = '[[receiver]]\nid = "relay"\nurl = "https://relay.example/"\nsecret_file = "relay-secret"\n'
CHAIN = '[[chain]]\npriorities = ["high"]\n[[chain.step]]\nreceiver = "relay"\nbetween = "19:00-07:00"\n'


def test_receivers_and_chains_are_tables_of_the_file(tmp_path: Path) -> None:
    settings = load_settings(config_file=file_with(tmp_path, RELAY + CHAIN), environ={})

    assert [(each.id, each.timeout_s) for each in settings.receiver] == [("relay", 5.0)]
    assert settings.chain[0].step[0].between == "19:00-07:00"


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (RELAY + RELAY, "same id"),
        (CHAIN, "names a receiver that there is not: relay"),
        (RELAY.replace("https", "http"), "allow_http"),
        (RELAY + CHAIN.replace("19:00", "25:00"), "chain.0.step.0.between"),
        (RELAY + 'allow_networks = ["10.0.0.1/8"]\n', "receiver.0.allow_networks"),
        (RELAY + 'colour = "red"\n', "receiver.0.colour"),
        ('notify_timezone = "Mars/Olympus"\n', "no such time zone"),
    ],
)
def test_what_is_wrong_with_a_receiver_or_chain_is_said(tmp_path: Path, written: str, problem: str) -> None:
    assert problem in "\n".join(problems_of(tmp_path, written))


# --- who may act ------------------------------------------------------------------------------------------------------


def test_access_is_open_unless_somebody_says_otherwise() -> None:
    assert load_settings(config_file=None, environ={}).access == "open"


@pytest.mark.parametrize(
    "environ", [{"VIGIL_ACCESS": "proxy"}, {"VIGIL_ACCESS_PROXY_SECRET_FILE": "secret"}, {"VIGIL_ACCESS": "acounts"}]
)
def test_access_that_cannot_be_meant_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="access"):
        load_settings(config_file=None, environ=environ)


async def test_proxy_secret_that_is_short_is_refused_and_not_shown(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("too-short-a-secret\n")
    environ = {"VIGIL_ACCESS": "proxy", "VIGIL_ACCESS_PROXY_SECRET_FILE": str(secret)}

    with pytest.raises(SettingsError, match="fewer than 32 characters") as refused:
        async with access_desk(load_settings(config_file=None, environ=environ)):
            pytest.fail("anybody could guess it")
    assert "too-short-a-secret" not in str(refused.value)
