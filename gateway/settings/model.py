"""The settings themselves: one frozen value, each field with its meaning, bounds and default.

Invariants: immutable once made; every field is within its bounds; no field holds a secret, only the path of its file.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting may be, in words; shown in errors and in docs/settings.md."""

    text: str


class SettingsError(Exception):
    """The settings are wrong; each of `problems` names where, which setting, what was said and what is allowed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _with_scheme(*schemes: str) -> AfterValidator:
    def check(url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in schemes:
            raise ValueError(f"scheme must be {' or '.join(schemes)}")
        if not parts.hostname:
            raise ValueError("no host named")
        if parts.password is not None:
            raise ValueError("no password in a URL: name the file that holds it")
        _ = parts.port  # raises ValueError outside 0 to 65535
        return url

    return AfterValidator(check)


def _records_url(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"sqlite+aiosqlite", "postgresql+asyncpg"}:
        raise ValueError("scheme must be sqlite+aiosqlite or postgresql+asyncpg")
    if parts.password is not None:
        raise ValueError("no password in a URL: name its file in records_password_file")
    return url


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, str_strip_whitespace=True)


class InfluxSettings(_Table):
    """Where time series are copied to: anything with the InfluxDB v2 write interface."""

    url: Annotated[
        str,
        _with_scheme("http", "https"),
        Allowed("`http://HOST:PORT` or `https://…`"),
        Field(description="Server that takes InfluxDB v2 writes (InfluxDB, VictoriaMetrics)."),
    ]
    token_file: Annotated[
        Path | None, Field(description="File that holds the access token; none for VictoriaMetrics.")
    ] = None
    org: Annotated[str, Field(description="Organisation to write to.", max_length=200)] = "vigil"
    bucket: Annotated[str, Field(description="Bucket to write to.", min_length=1, max_length=200)] = "vigil"


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        ip_network(text)  # raises ValueError with what is wrong
    return texts


class ReceiverSettings(_Table):
    """Who can be told of alarms: a table `[[receiver]]`."""

    id: Annotated[str, Field(description="Its name.", pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    kind: Annotated[Literal["webhook"], Field(description="How it is told.")] = "webhook"
    url: Annotated[str, _with_scheme("https", "http"), Field(description="Where notifications are posted.")]
    secret_file: Annotated[Path, Field(description="File that holds the secret with which they are signed.")]
    allow_http: Annotated[bool, Field(description="Whether the URL may be `http`.")] = False
    allow_networks: Annotated[
        tuple[str, ...],
        AfterValidator(_networks),
        Field(description="Private networks to which the URL may lead, as `10.1.0.0/16`."),
    ] = ()
    ca_file: Annotated[
        Path | None, Field(description="Certificates (PEM) that may have signed the receiver's; else the system's.")
    ] = None
    timeout_s: Annotated[float, Field(description="For the whole exchange.", ge=0.1, le=30)] = 5.0

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if urlsplit(self.url).scheme == "http" and not self.allow_http:
            raise ValueError("url is http: that needs allow_http = true")
        return self


class ChainStepSettings(_Table):
    """One step of a chain: a table `[[chain.step]]`."""

    receiver: Annotated[str, Field(description="Id of a receiver.")]
    level: Annotated[int, Field(description="0: told at once; n: when n times nobody acknowledged.", ge=0, le=10)] = 0
    delay_s: Annotated[float, Field(description="Told so much later, unless acknowledged before.", ge=0, le=3600)] = 0
    days: Annotated[
        tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
        Field(description="Days of the shift; every day when empty."),
    ] = ()
    between: Annotated[
        str | None,
        Field(
            description="Hours of the shift, as `19:00-07:00`; the whole day when absent.",
            pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$",
        ),
    ] = None


class ChainSettings(_Table):
    """Who is told of which alarms, in which order: a table `[[chain]]`."""

    units: Annotated[tuple[str, ...], Field(description="Units; every one when empty.")] = ()
    priorities: Annotated[
        tuple[Literal["high", "medium", "low"], ...], Field(description="Priorities; every one when empty.")
    ] = ()
    kinds: Annotated[
        tuple[Literal["physiological", "technical"], ...], Field(description="Kinds; both when empty.")
    ] = ()
    families: Annotated[tuple[str, ...], Field(description="Alarm families; every one when empty.")] = ()
    step: Annotated[tuple[ChainStepSettings, ...], Field(description="Its steps.", min_length=1)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no such time zone on this machine") from None
    return name


class Settings(_Table):
    """The settings of one gateway process. Immutable; paths are as given, relative ones to the working directory."""

    broker_url: Annotated[
        str,
        _with_scheme("mqtt", "mqtts"),
        Allowed("`mqtt://HOST:PORT`, or `mqtts://…` over TLS"),
        Field(description="The MQTT broker."),
    ] = "mqtt://127.0.0.1:1883"
    mqtt_client_id: Annotated[
        str,
        Allowed("1 to 64 of `A-Z a-z 0-9 _ -`"),
        Field(
            description="Names the session in which the broker keeps messages while the gateway is away; never two "
            "gateways with the same at one broker.",
            pattern=r"^[A-Za-z0-9_-]{1,64}$",
        ),
    ] = "vigil-gateway"
    mqtt_username: Annotated[
        str | None,
        Allowed("name without `+ # /`"),
        Field(description="User at the broker.", pattern=r"^[^+#/\s]{1,64}$"),
    ] = None
    mqtt_password_file: Annotated[Path | None, Field(description="File that holds the user's password.")] = None
    mqtt_ca_file: Annotated[
        Path | None,
        Field(description="Certificates (PEM) that may have signed the broker's; the system's when absent."),
    ] = None
    mqtt_cert_file: Annotated[
        Path | None, Field(description="The gateway's own certificate (PEM), for mutual TLS.")
    ] = None
    mqtt_key_file: Annotated[Path | None, Field(description="Key of the gateway's own certificate (PEM).")] = None
    mqtt_protocol: Annotated[
        Literal["5", "3.1.1"],
        Field(description="Protocol version spoken to the broker; `3.1.1` for one without MQTT 5."),
    ] = "5"
    receive_maximum: Annotated[
        int,
        Field(
            description="Messages the broker may have under way to the gateway before an acknowledgement. Bounds "
            "memory; below journal_batch_max it would slow the journal down.",
            ge=1,
            le=65535,
        ),
    ] = 2000
    data_dir: Annotated[
        Path, Field(description="Folder of everything the gateway keeps: journal, series, records, snapshots.")
    ] = Path("vigil-data")
    http_host: Annotated[str, Field(description="Address to serve HTTP on.", min_length=1, max_length=255)] = (
        "127.0.0.1"
    )
    http_port: Annotated[int, Field(description="Port to serve HTTP on; 0 takes any free one.", ge=0, le=65535)] = 8000
    access: Annotated[
        Literal["open", "accounts", "proxy"],
        Field(
            description="Who may act: whoever reaches HTTP (`open`), who signs in here (`accounts`), whom a reverse "
            "proxy names (`proxy`). See docs/access.md."
        ),
    ] = "open"
    access_act_idle_s: Annotated[
        float,
        Field(description="With accounts: so long without an act, and to act one signs in again.", ge=10, le=43_200),
    ] = 600.0
    access_watch_s: Annotated[
        float,
        Field(
            description="With accounts: so long after signing in patients are shown; on a display for ever.",
            ge=60,
            le=2_592_000,
        ),
    ] = 43_200.0
    access_proxy_secret_file: Annotated[
        Path | None, Field(description="With a proxy: file that holds the secret by which it proves itself.")
    ] = None
    records_url: Annotated[
        str | None,
        AfterValidator(_records_url),
        Allowed("`postgresql+asyncpg://USER@HOST/DATABASE` or `sqlite+aiosqlite:///FILE`"),
        Field(description="Database of records; when absent, SQLite below data_dir."),
    ] = None
    records_password_file: Annotated[
        Path | None, Field(description="File that holds the password of the user in records_url.")
    ] = None
    audit_anchor_file: Annotated[
        Path | None,
        Field(
            description="Where the head of the audit log is written down each minute; best on another machine's disk. "
            "When absent, audit-anchor.ndjson below data_dir."
        ),
    ] = None
    influx: Annotated[
        InfluxSettings | None,
        Field(description="Copy of the time series to an InfluxDB-compatible server; when absent, none."),
    ] = None
    profile: Annotated[
        str,
        Allowed("a profile's id, as `vigil rules list` shows them"),
        Field(description="Alarm rules in force.", pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$"),
    ] = "alarms-il2"
    dosing_profile: Annotated[
        str,
        Allowed("a dosing profile's id, as `vigil rules list` shows them"),
        Field(description="Dose criteria for admissions that name no profile.", pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$"),
    ] = "label-2024"
    alarm_policy: Annotated[
        str,
        Allowed("an alarm policy's id: `il2-ward`, or `plain` for none"),
        Field(
            description="What becomes of the rules' verdicts: causes, explanations, escalation, reminders.",
            pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$",
        ),
    ] = "il2-ward"
    snapshot_interval_s: Annotated[
        float,
        Field(description="Between two snapshots of the engine: bounds how much a restart replays.", ge=1, le=3600),
    ] = 30.0
    series_flush_interval_s: Annotated[
        float, Field(description="Between two writes of the time series to disk.", ge=0.1, le=60)
    ] = 10.0
    journal_batch_max: Annotated[
        int, Field(description="Most messages in one commit of the journal.", ge=1, le=10_000)
    ] = 500
    pending_max: Annotated[
        int,
        Field(
            description="Most messages between the journal and the engine. When full, the journal waits, and so does "
            "the broker.",
            ge=100,
            le=1_000_000,
        ),
    ] = 20_000
    receiver: Annotated[
        tuple[ReceiverSettings, ...],
        Allowed("tables `[[receiver]]`, in the file only; see docs/notifications.md"),
        Field(description="Who can be told of alarms over HTTP."),
    ] = ()
    chain: Annotated[
        tuple[ChainSettings, ...],
        Allowed("tables `[[chain]]` with `[[chain.step]]`, in the file only; see docs/notifications.md"),
        Field(description="Who is told of which alarms, and who next when nobody acknowledges."),
    ] = ()
    notify_timezone: Annotated[
        str,
        AfterValidator(_zone),
        Allowed("a time zone's name, as `Europe/Berlin`"),
        Field(description="By whose clock the shifts of chains are meant."),
    ] = "UTC"
    notify_give_up_s: Annotated[
        float, Field(description="A notification that nobody takes is given up after so long.", ge=10, le=86_400)
    ] = 3600.0
    watch_engine_lag_s: Annotated[
        float, Field(description="The engine may be so far behind before that is an alarm.", ge=2, le=600)
    ] = 5.0
    watch_loop_stall_s: Annotated[
        float, Field(description="The process may stand still for so long before that is an alarm.", ge=0.5, le=60)
    ] = 2.0
    watch_commit_s: Annotated[
        float, Field(description="A commit of the journal may take so long before that is an alarm.", ge=0.1, le=60)
    ] = 1.0
    watch_projection_lag_s: Annotated[
        float,
        Field(
            description="Records and series may lack what was decided for so long before that is an alarm.",
            ge=1,
            le=3600,
        ),
    ] = 30.0
    watch_delivery_lag_s: Annotated[
        float,
        Field(description="An alarm may wait so long to be handed on before that is an alarm itself.", ge=1, le=3600),
    ] = 15.0
    watch_disk_free_mb: Annotated[
        float, Field(description="So much must be free under data_dir, in megabytes.", ge=1, le=1_000_000)
    ] = 1000.0
    watch_disk_free_percent: Annotated[float, Field(description="And so much of the file system.", ge=0, le=90)] = 5.0
    watch_clock_step_s: Annotated[
        float, Field(description="The system clock may be set by so much before that is an alarm.", ge=0.1, le=600)
    ] = 1.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least severe message that is logged.")
    ] = "info"

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.mqtt_cert_file is None) != (self.mqtt_key_file is None):
            raise ValueError("mqtt_cert_file and mqtt_key_file belong together: give both or neither")
        if self.mqtt_password_file is not None and self.mqtt_username is None:
            raise ValueError("mqtt_password_file needs mqtt_username")
        if self.records_password_file is not None and not urlsplit(self.records_url or "").username:
            raise ValueError("records_password_file needs a records_url that names the user: …://USER@HOST/DATABASE")
        if (self.access == "proxy") != (self.access_proxy_secret_file is not None):
            raise ValueError("access = proxy and access_proxy_secret_file belong together: give both or neither")
        ids = [receiver.id for receiver in self.receiver]
        if len(ids) != len(set(ids)):
            raise ValueError("two tables [[receiver]] have the same id")
        strangers = sorted({step.receiver for chain in self.chain for step in chain.step} - set(ids))
        if strangers:
            raise ValueError(f"a [[chain.step]] names a receiver that there is not: {', '.join(strangers)}")
        return self

    @property
    def audit_anchor_path(self) -> Path:
        """Where the head of the audit log is written down."""
        return self.audit_anchor_file or self.data_dir / "audit-anchor.ndjson"

    def records_database_url(self) -> str | None:
        """`records_url` with the password from its file, for the driver alone: never log it.

        Raises:
            SettingsError: the password file cannot be read.
        """
        if self.records_url is None or self.records_password_file is None:
            return self.records_url
        password = read_secret("records_password_file", self.records_password_file)
        return urlunsplit(_with_password(urlsplit(self.records_url), password))


def read_secret(setting: str, path: Path) -> str:
    """The first line of a secret's file, without the line's end.

    Raises:
        SettingsError: the file cannot be read, or is empty; its content is never shown.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise SettingsError([f"{setting}: cannot read {path}: {why_unreadable(unreadable)}"]) from None
    if not lines or not lines[0]:
        raise SettingsError([f"{setting}: {path} is empty; it must hold the secret in its first line"])
    return lines[0]


def _with_password(parts: SplitResult, password: str) -> SplitResult:
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}")


def why_unreadable(error: OSError | UnicodeDecodeError) -> str:
    """Why a file could not be read, in words and without its path."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else "not UTF-8 text"
