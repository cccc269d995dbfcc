"""The codec: what good messages become, what bad ones are rejected for, and that neither ever raises."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from gateway.wire.codec import PAYLOAD_MAX, decode
from gateway.wire.reasons import QUOTE_MAX, Reason
from streaming.identity import DeviceId
from streaming.instants import format_ms
from streaming.observation import (
    Decoded,
    EventMessage,
    MetricReading,
    ObsMessage,
    Rejected,
    StatusMessage,
    Validity,
    WaveMessage,
)
from tests.support.bad_messages import (
    EVENT,
    NOW_MS,
    OBS,
    STATUS,
    WAVE,
    BadMessage,
    bad_messages,
    good_event,
    good_obs,
    good_status,
)

DEVICE = DeviceId("bad", "b01", "dev1")
CORPUS = bad_messages()


def obs_with(metrics: object, **others: object) -> Any:
    found = decode(OBS, orjson.dumps({"boot": "a", "seq": 1, "metrics": metrics} | others), NOW_MS)
    return found.message.metrics if isinstance(found, Decoded) and isinstance(found.message, ObsMessage) else found


def test_observation_with_every_form_of_value_is_decoded() -> None:
    expected = ObsMessage(
        boot="f3a9",
        seq=4711,
        device_ms=NOW_MS,
        metrics={
            "MDC_ECG_HEART_RATE": 101,
            "MDC_PRESS_BLD_ART_ABP_SYS": MetricReading(value=11.7, unit="kPa", validity=Validity.QUESTIONABLE),
            "MDC_PRESS_CUFF_SYS": MetricReading(value=92, determined_ms=NOW_MS - 90_000),
            "MDC_DRUG_NAME_LABEL": "aldesleukin",
            "MDC_PULS_OXIM_SAT_O2": None,
        },
    )

    assert Decoded(DEVICE, expected) == decode(OBS, good_obs(), NOW_MS)


def test_event_is_decoded() -> None:
    expected = EventMessage(
        boot="f3a9",
        seq=4712,
        device_ms=NOW_MS,
        event="MDC_EVT_ECG_V_TACHY",
        phase="start",
        priority="high",
        text="VT 6 beats",
        attributes={"beats": 6},
    )

    assert Decoded(DEVICE, expected) == decode(EVENT, good_event(), NOW_MS)


def test_status_is_decoded() -> None:
    expected = StatusMessage(state="online", kind="monitor", model="M1", boot="f3a9")

    assert Decoded(DEVICE, expected) == decode(STATUS, good_status(), NOW_MS)


@pytest.mark.parametrize("payload", [b"", b"\0\xff", b"{}", b"x" * PAYLOAD_MAX])
def test_waveform_of_any_bytes_is_taken_up_to_the_limit(payload: bytes) -> None:
    assert Decoded(DEVICE, WaveMessage(len(payload))) == decode(WAVE, payload, NOW_MS)


def test_least_messages_are_enough() -> None:
    assert Decoded(DEVICE, ObsMessage("a", 0, None, {})) == decode(OBS, b'{"boot":"a","seq":0,"metrics":{}}', NOW_MS)
    assert Decoded(DEVICE, EventMessage("a", 0, None, "E", "end")) == decode(
        EVENT, b'{"boot":"a","seq":0,"event":"E","phase":"end"}', NOW_MS
    )
    assert Decoded(DEVICE, StatusMessage("offline", "other")) == decode(
        STATUS, b'{"state":"offline","kind":"other"}', NOW_MS
    )


def test_unknown_fields_and_metrics_are_tolerated() -> None:
    reading = {"value": 1, "unit": "1", "later": [[{"deep": None}]]}

    assert obs_with({"site:new": 5, "MDC_TEMP": reading}, later={"a": [1]}, version=2) == {
        "site:new": 5,
        "MDC_TEMP": MetricReading(value=1, unit="1"),
    }


def test_last_of_two_members_of_one_name_counts() -> None:
    payload = b'{"boot":"a","seq":1,"seq":2,"metrics":{"MDC_TEMP":36,"MDC_TEMP":37}}'

    assert Decoded(DEVICE, ObsMessage("a", 2, None, {"MDC_TEMP": 37})) == decode(OBS, payload, NOW_MS)


def test_reading_without_a_value_of_its_own_is_not_available() -> None:
    assert obs_with({"MDC_TEMP": {"value": None, "unit": "Cel"}}) == {"MDC_TEMP": MetricReading(value=None, unit="Cel")}


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, 2**64 - 1, -(2**63), 0.1, -0.0, 1e308, 5e-324, 101])
def test_number_passes_as_it_is_however_implausible(number: float) -> None:
    assert obs_with({"MDC_TEMP": number}) == {"MDC_TEMP": number}


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64 - 1, -(2**63)])
@pytest.mark.parametrize("beside", [{}, {"MDC_DRUG_NAME_LABEL": "x"}])
def test_integer_of_an_unknown_metric_never_exceeds_what_a_store_can_hold(
    number: int, beside: dict[str, object]
) -> None:
    found = obs_with({"site:new": number, "site:other": {"value": number}, **beside})

    assert (type(found["site:new"]), found["site:new"]) == (float, float(number))
    assert found["site:other"] == MetricReading(value=float(number))


@pytest.mark.parametrize("name", ["M", "M" * 64, "loinc:2160-0", "site:etat", "Müller hr", "x.y/z[1]"])
def test_metric_name_of_printable_characters_is_kept(name: str) -> None:
    assert obs_with({name: 1, "MDC_DRUG_NAME_LABEL": "x" * 256}) == {name: 1, "MDC_DRUG_NAME_LABEL": "x" * 256}


@pytest.mark.parametrize("size", [PAYLOAD_MAX, PAYLOAD_MAX + 1])
def test_payload_is_taken_at_the_limit_and_rejected_beyond(size: int) -> None:
    payload = b'{"boot":"a","seq":1,"metrics":{}}'.ljust(size)
    found = decode(OBS, payload, NOW_MS)

    assert ("too_large" if size > PAYLOAD_MAX else "taken") == getattr(found, "reason", "taken")


@pytest.mark.parametrize(
    ("seq", "reason"), [(0, None), (2**63 - 1, None), (2**63, "out_of_range"), (-1, "out_of_range")]
)
def test_sequence_number_is_taken_within_its_limits(seq: int, reason: str | None) -> None:
    payload = orjson.dumps({"boot": "a", "seq": seq, "metrics": {}})

    assert reason == getattr(decode(OBS, payload, NOW_MS), "reason", None)


@pytest.mark.parametrize(
    ("ahead_ms", "reason"), [(24 * 3_600_000, None), (24 * 3_600_000 + 1, "absurd_time"), (-(10**11), None)]
)
@pytest.mark.parametrize("as_text", [True, False])
def test_time_is_believed_up_to_24_hours_ahead_and_back_to_2000(
    ahead_ms: int, reason: str | None, as_text: bool
) -> None:
    time = format_ms(NOW_MS + ahead_ms) if as_text else NOW_MS + ahead_ms
    payload = orjson.dumps({"boot": "a", "seq": 1, "time": time, "metrics": {}})

    assert reason == getattr(decode(OBS, payload, NOW_MS), "reason", None)


def test_first_instant_of_2000_is_the_earliest_believed() -> None:
    reasons = [
        getattr(decode(OBS, orjson.dumps({"boot": "a", "seq": 1, "time": t, "metrics": {}}), NOW_MS), "reason", None)
        for t in (946_684_800_000, 946_684_799_999)
    ]

    assert reasons == [None, "absurd_time"]


@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: bad.kind)
def test_bad_message_is_rejected_with_its_reason(bad: BadMessage) -> None:
    found = decode(bad.topic, bad.payload, NOW_MS)

    assert isinstance(found, Rejected)
    assert bad.reason == found.reason


def test_corpus_is_wide_and_reaches_every_reason_of_a_message() -> None:
    kinds = {bad.kind for bad in CORPUS if not bad.kind.startswith("truncated")}

    assert len(kinds) >= 200
    assert {bad.reason for bad in CORPUS} == set(Reason) - {Reason.UNKNOWN_COMMAND}
    assert len({bad.kind for bad in CORPUS}) == len(CORPUS)


def test_corpus_can_be_published_through_a_broker() -> None:
    unfit = [bad.kind for bad in CORPUS if not bad.topic.startswith("icu/") or set("+#\0") & set(bad.topic)]

    assert unfit == []


def test_good_messages_from_which_the_corpus_is_made_are_accepted() -> None:
    # Control: the corpus is rejected for what is wrong in it and not for what it is made of.
    goods = [(OBS, good_obs()), (EVENT, good_event()), (STATUS, good_status())]

    assert all(isinstance(decode(topic, payload, NOW_MS), Decoded) for topic, payload in goods)


def test_decoder_that_trusts_its_input_fails_on_the_corpus() -> None:
    # Control: the obvious decoder raises what its author did not think of, and takes what it should not.
    raised: set[str] = set()
    taken = 0
    for bad in CORPUS:
        try:
            naive_decode(bad.topic, bad.payload)
            taken += 1
        except Exception as error:  # noqa: BLE001 - what it raises is what is looked at
            raised.add(type(error).__name__)

    assert {"RecursionError", "KeyError", "TypeError", "UnicodeDecodeError"} <= raised
    assert taken > 100


def naive_decode(topic: str, payload: bytes) -> dict[str, object]:
    device = topic.split("/")[4]
    fields = json.loads(payload)
    metrics = {name: float(v["value"] if isinstance(v, dict) else v or 0) for name, v in fields["metrics"].items()}
    return {"device": device, "id": (fields["boot"], fields["seq"]), "metrics": metrics}


@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: bad.kind)
def test_detail_is_short_printable_and_quotes_no_more_than_it_may(bad: BadMessage) -> None:
    found = decode(bad.topic, bad.payload, NOW_MS)
    sent = bad.topic + "\n" + bad.payload.decode(errors="replace")

    assert isinstance(found, Rejected)
    assert found.detail.isprintable()
    assert 0 < len(found.detail) <= 300
    assert [w for w in windows(found.detail, QUOTE_MAX + 1) if w in sent] == []


def windows(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(len(text) - width + 1)]


@pytest.mark.parametrize(
    ("metrics", "path"),
    [
        ({"MDC_TEMP": True}, "$.metrics.MDC_TEMP "),
        ({"MDC_TEMP": {"value": []}}, "$.metrics.MDC_TEMP.value "),
        ({"loinc:2160-0": {"value": 1, "unit": 3}}, "$.metrics['loinc:2160-0'].unit "),
        ({"MDC_TEMP": {"value": 1, "validity": "fine"}}, "$.metrics.MDC_TEMP.validity "),
        ({"MDC_TEMP": {"value": 1, "time": "now"}}, "$.metrics.MDC_TEMP.time "),
        ({"a\nb": 1}, "$.metrics['a\\nb'] "),
    ],
)
def test_detail_says_where_in_the_message_it_went_wrong(metrics: dict[str, object], path: str) -> None:
    found = obs_with(metrics)

    assert found.detail.startswith(path)


def test_rejection_names_the_sender() -> None:
    assert decode(OBS, b"?", NOW_MS).device == DEVICE
    assert decode("icu/v1/nobody", b"?", NOW_MS).device is None


def test_message_is_judged_the_same_however_many_names_went_before() -> None:
    # The names remembered are bounded: what pushes others out must not change any answer.
    before = [decode(bad.topic, bad.payload, NOW_MS) for bad in CORPUS]
    for batch in range(12):
        obs_with({f"MDC_SITE_{batch}_{number}": 1 for number in range(2000)})

    assert before == [decode(bad.topic, bad.payload, NOW_MS) for bad in CORPUS]
