"""deploy/ is consistent: every service restarts and is watched, no secret is written down, every file named exists."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from typing import Any

import pytest
import yaml

from gateway.settings import Settings
from gateway.settings.fields import settings_fields
from tests.support.sources import REPOSITORY, python_sources

DEPLOY = REPOSITORY / "deploy"
SERVICES = ["gateway", "mosquitto", "postgresql", "victoria-metrics"]


def read_yaml(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text())
    return read


def alerts() -> list[dict[str, Any]]:
    return [rule for group in read_yaml("prometheus/alerts.yml")["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("name", SERVICES)
def test_a_composed_service_restarts_is_watched_and_keeps_its_files(name: str) -> None:
    service = read_yaml("compose.yaml")["services"][name]

    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert any(volume.startswith(f"{name}:/") for volume in service["volumes"])


def test_a_compose_file_names_only_volumes_secrets_and_targets_that_there_are() -> None:
    compose = read_yaml("compose.yaml")
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))

    for service in compose["services"].values():
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert {v.split(":")[0] for v in service["volumes"] if not v.startswith(".")} <= set(compose["volumes"])
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        assert service.get("build", {}).get("target") in targets | {None}


def test_a_composed_gateway_is_given_settings_that_there_are() -> None:
    given = set(read_yaml("compose.yaml")["services"]["gateway"]["environment"])

    assert given <= {variable for _, variable, _ in settings_fields()}


def test_what_the_images_copy_exists() -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    sources = [source for line in copied for source in line.split()]

    assert sources
    assert [source for source in sources if not (REPOSITORY / source).exists()] == []


def test_the_image_has_every_package_of_the_product() -> None:
    includes = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in includes["tool"]["setuptools"]["packages"]["find"]["include"]}
    copied = set(re.findall(r"^COPY (\w+) \1$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))

    assert copied == packages


def written_secrets(text: str) -> list[str]:
    """Lines that give a password or token itself instead of the file that holds it."""
    return re.findall(r"(?im)^[^#\n]*(?:password|token|secret_key)\s*[:=]\s*[\"']?[\w-][^\n]*$", text)


def test_no_secret_is_written_in_a_deployment_file() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and "secrets" not in path.parts]

    assert {path.name: found for path in files if (found := written_secrets(path.read_text()))} == {}


@pytest.mark.parametrize("line", ["POSTGRES_PASSWORD: vigil", "  token = 'abc'", 'mqtt_password="x"'])
def test_a_written_secret_is_caught(line: str) -> None:
    assert written_secrets(line) == [line]


def test_the_services_unit_is_accepted_by_systemd_and_well_confined() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    unit = str(DEPLOY / "systemd" / "vigil.service")

    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", unit],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    complaints = [line for line in verified.stderr.splitlines() if "vigil.service" in line]
    assert [line for line in complaints if "is not executable" not in line] == []
    assert rated.returncode == 0, rated.stdout[-200:]


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"\bvigil_\w+", expression))


def test_every_alert_watches_metrics_that_the_gateway_exports() -> None:
    exported = set(re.findall(r"\"(vigil_\w+)\"", "\n".join(path.read_text() for path in python_sources("gateway"))))
    watched = {name.removesuffix("_total") for alert in alerts() for name in metrics_in(alert["expr"])}

    assert watched - exported == set()


def test_every_alert_says_what_to_do_in_the_runbook() -> None:
    runbook = (DEPLOY / "README.md").read_text()

    assert [alert["alert"] for alert in alerts() if f"### {alert['alert']}" not in runbook] == []
    assert {alert["labels"]["severity"] for alert in alerts()} == {"page", "ticket"}
    assert all(alert["annotations"]["summary"] for alert in alerts())


def test_the_settings_example_shows_the_defaults_it_comments_out() -> None:
    example = (DEPLOY / "vigil.toml.example").read_text().partition("[influx]")[0]
    shown = tomllib.loads(
        "\n".join(line.removeprefix("# ") for line in example.splitlines() if re.match(r"# \w+ = ", line))
    )
    optional = {name for name, field in Settings.model_fields.items() if field.default is None}

    defaults = Settings().model_dump(mode="json")
    assert {name: value for name, value in shown.items() if name not in optional} == {
        name: defaults[name] for name in shown if name not in optional
    }
