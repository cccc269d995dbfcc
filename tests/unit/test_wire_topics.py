"""Topics: the grammar, the reserved device, and Vigil's own."""

from __future__ import annotations

import pytest

from gateway.wire.topics import (
    HEARTBEAT_TOPIC,
    HOUSE_ALARM_TOPIC,
    Channel,
    DeviceTopic,
    alarm_topic,
    device_topic,
    is_own_topic,
    parse_topic,
    permit_topic,
)
from streaming.identity import BedId, DeviceId
from streaming.observation import Rejected

BED = BedId("icu", "b01")
DEVICE = DeviceId("icu", "b01", "mon1")


@pytest.mark.parametrize("channel", list(Channel))
def test_topic_of_a_device_is_parsed_back_to_device_and_channel(channel: Channel) -> None:
    assert DeviceTopic(DEVICE, channel) == parse_topic(device_topic(DEVICE, channel))


@pytest.mark.parametrize("level", ["a", "A", "0", "_", "-", "x" * 32, "Bed-12_left", "vigil2", "Vigil"])
def test_level_of_the_allowed_characters_is_accepted(level: str) -> None:
    topic = f"icu/v1/{level}/{level}/{level}/obs"

    assert DeviceTopic(DeviceId(level, level, level), Channel.OBS) == parse_topic(topic)


@pytest.mark.parametrize("level", ["", "x" * 33, "b.1", "b 1", "b+", "#", "b\n", "\n", "bü", "٣", "b\0"])
def test_level_of_other_characters_or_lengths_is_a_bad_topic(level: str) -> None:
    topics = [f"icu/v1/{level}/b01/mon1/obs", f"icu/v1/icu/{level}/mon1/obs", f"icu/v1/icu/b01/{level}/obs"]

    assert {reason_of(topic) for topic in topics} == {"bad_topic"}


@pytest.mark.parametrize("topic", ["icu/v1/icu/b01/vigil/obs", permit_topic(BED), alarm_topic(BED)])
def test_device_named_vigil_is_reserved(topic: str) -> None:
    assert reason_of(topic) == "reserved_device"


def test_unit_and_bed_may_be_named_vigil() -> None:
    assert isinstance(parse_topic("icu/v1/vigil/vigil/mon1/obs"), DeviceTopic)


def test_rejection_names_the_device_where_the_topic_does() -> None:
    found = parse_topic("icu/v1/icu/b01/mon1/data")

    assert isinstance(found, Rejected)
    assert found.device == DEVICE


@pytest.mark.parametrize("topic", [permit_topic(BED), alarm_topic(BED), HEARTBEAT_TOPIC, HOUSE_ALARM_TOPIC])
def test_what_vigil_publishes_is_recognised_as_its_own(topic: str) -> None:
    assert is_own_topic(topic)


@pytest.mark.parametrize(
    "topic",
    [
        "icu/v1/icu/b01/mon1/obs",
        "icu/v1/icu/b01/vigil/obs",
        "icu/v1/icu/b01/vigil/permit/more",
        "icu/v1/icu/b 1/vigil/permit",
        "icu/v1/vigil/heartbeat2",
        "icu/v1/icu/vigil/mon1/obs",
    ],
)
def test_what_others_publish_is_not_taken_for_vigils_own(topic: str) -> None:
    assert not is_own_topic(topic)


def test_topics_that_strangers_make_up_are_not_remembered() -> None:
    first = parse_topic("icu/v1/icu/b01/made up/obs")

    assert first == parse_topic("icu/v1/icu/b01/made up/obs")
    assert first is not parse_topic("icu/v1/icu/b01/made up/obs")
    assert parse_topic("icu/v1/icu/b01/mon1/obs") is parse_topic("icu/v1/icu/b01/mon1/obs")  # control


def reason_of(topic: str) -> str:
    found = parse_topic(topic)
    assert isinstance(found, Rejected)
    return found.reason
