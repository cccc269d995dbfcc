"""From metrics to signals: who speaks, until when, and what becomes of doubtful, missing and late values."""

from __future__ import annotations

import pytest

from streaming.bed import METRICS_MAX
from streaming.freshness import fresh_ms, precedence
from streaming.identity import DeviceId
from streaming.observation import MetricReading, MetricValue, Validity
from streaming.signals import COMPLAINTS_MAX, Channel
from tests.support.bedside import (
    ABP_DIA,
    ABP_MAP,
    ABP_SYS,
    BED,
    CUFF_DIA,
    CUFF_MAP,
    CUFF_SYS,
    HR,
    OTHER_BED,
    PULSE,
    RR,
    SPO2,
    TEMP,
    Bedside,
    cuff,
    line,
    ms,
    questionable,
)

DISAGREE = "sources_disagree"


# --- precedence and freshness -----------------------------------------------------------------------------------------


def test_the_arterial_line_speaks_before_the_cuff_whichever_comes_first() -> None:
    cuff_first, line_first = Bedside(), Bedside()
    for at_s, metrics in ((0, cuff(80)), (1, line(82))):
        cuff_first.obs(at_s, metrics)
    for at_s, metrics in ((0, line(82)), (1, cuff(80))):
        line_first.obs(at_s, metrics)

    assert cuff_first.speaker("map") == line_first.speaker("map") == (ABP_MAP, 82)
    assert cuff_first.speaker("sbp") == (ABP_SYS, 127)


def test_the_cuff_speaks_when_the_line_has_been_silent_for_half_a_minute() -> None:
    bedside = Bedside()
    bedside.obs(0, cuff(80))
    bedside.obs(0, line(82))
    bedside.tick(29.999)
    assert bedside.speaker("map") == (ABP_MAP, 82)

    bedside.tick(30)

    assert bedside.speaker("map") == (CUFF_MAP, 80)
    bedside.tick(1799.999)
    assert bedside.speaker("map") == (CUFF_MAP, 80)
    bedside.tick(1800)
    assert bedside.speaker("map") is None


def test_the_line_speaks_again_with_its_first_value() -> None:
    bedside = Bedside()
    bedside.obs(0, cuff(80) | line(82))
    bedside.tick(60)
    bedside.obs(61, line(84))

    assert bedside.speaker("map") == (ABP_MAP, 84)


@pytest.mark.parametrize(
    ("better", "worse", "signal"),
    [(HR, PULSE, "hr"), ("MDC_CO2_RESP_RATE", RR, "rr"), ("MDC_TEMP_CORE", TEMP, "temp"), (ABP_SYS, CUFF_SYS, "sbp")],
)
def test_the_better_source_speaks(better: str, worse: str, signal: str) -> None:
    bedside = Bedside()
    bedside.obs(0, {worse: 40}, device="a")
    bedside.obs(0, {better: 39}, device="b")
    bedside.obs(1, {worse: 41}, device="a")

    assert bedside.speaker(signal) == (better, 39)
    assert precedence(signal, better) < precedence(signal, worse)


def test_among_equals_the_one_that_speaks_goes_on() -> None:
    bedside = Bedside()
    for at_s in range(10):
        bedside.obs(at_s, {HR: 70}, device="first")
        bedside.obs(at_s, {HR: 110}, device="second")

    assert bedside.speaker("hr") == (HR, 70)
    assert {sample[2] for each in bedside.effects for sample in getattr(each, "signals", [])} == {70}


def test_of_two_arterial_lines_the_one_that_speaks_goes_on() -> None:
    bedside = Bedside()
    for at_s in range(10):
        bedside.obs(at_s, line(70), device="first")
        bedside.obs(at_s + 0.5, line(90), device="second")

    assert bedside.speaker("map") == (ABP_MAP, 70)
    assert bedside.speaker("sbp") == (ABP_SYS, 115)


def test_a_cuff_reading_speaks_before_an_older_one_that_somebody_charted() -> None:
    bedside = Bedside()
    bedside.chart(0, {CUFF_SYS: 121, CUFF_DIA: 70, CUFF_MAP: 87})
    assert bedside.speaker("sbp") == (CUFF_SYS, 121)

    bedside.obs(600, {CUFF_SYS: 84, CUFF_DIA: 44, CUFF_MAP: 57})

    assert bedside.speaker("sbp") == (CUFF_SYS, 84)
    assert bedside.speaker("map") == (CUFF_MAP, 57)


def test_a_charted_cuff_reading_speaks_before_an_older_one_of_a_device() -> None:
    bedside = Bedside()
    bedside.obs(0, {CUFF_SYS: 121, CUFF_DIA: 70, CUFF_MAP: 87})
    bedside.chart(600, {CUFF_SYS: 84, CUFF_DIA: 44, CUFF_MAP: 57})
    assert bedside.speaker("sbp") == (CUFF_SYS, 84)

    bedside.chart(601, {CUFF_SYS: MetricReading(value=130, determined_ms=ms(-60))})

    assert bedside.speaker("sbp") == (CUFF_SYS, 84), "written down later, measured before"


def test_of_two_devices_with_a_cuff_the_later_reading_speaks_under_either_name() -> None:
    bedside = Bedside()
    bedside.obs(0, {CUFF_MAP: 80}, device="a")
    bedside.obs(60, {CUFF_MAP: 62}, device="b")
    assert bedside.speaker("map") == (CUFF_MAP, 62)

    bedside.obs(120, {"MDC_PRESS_BLD_NONINV_MEAN": 58}, device="c")
    assert bedside.speaker("map") == ("MDC_PRESS_BLD_NONINV_MEAN", 58)

    bedside.obs(180, {CUFF_MAP: 70}, device="a")
    assert bedside.speaker("map") == (CUFF_MAP, 70)


def test_what_somebody_wrote_down_of_a_better_source_keeps_no_device_back() -> None:
    bedside = Bedside()
    bedside.chart(0, line(90) | {HR: 70})
    bedside.obs(600, cuff(52) | {PULSE: 150})

    assert bedside.speaker("map") == (CUFF_MAP, 52)
    assert bedside.speaker("hr") == (PULSE, 150)


def test_what_somebody_writes_down_does_not_interrupt_a_monitor() -> None:
    bedside = Bedside()
    bedside.obs(0, {PULSE: 70} | line(80))
    bedside.chart(0.5, {HR: 150, **line(45)})

    assert bedside.speaker("hr") == (PULSE, 70)
    assert bedside.speaker("map") == (ABP_MAP, 80)
    bedside.tick(31)
    assert bedside.speaker("hr") == (HR, 150), "the monitor says nothing any more"


def test_the_latest_temperature_speaks_though_a_probe_was_heard_hours_ago() -> None:
    bedside = Bedside()
    bedside.obs(0, {"MDC_TEMP_CORE": 37.0})
    bedside.chart(3600, {TEMP: 39.4})
    assert bedside.speaker("temp") == (TEMP, 39.4)

    bedside.obs(3700, {"MDC_TEMP_CORE": 39.5})

    assert bedside.speaker("temp") == ("MDC_TEMP_CORE", 39.5)


def test_charted_pressures_of_a_line_speak_before_those_of_a_cuff() -> None:
    bedside = Bedside()
    bedside.chart(0, line(80))
    bedside.chart(60, cuff(84))

    assert bedside.speaker("map") == (ABP_MAP, 80)


def test_a_metric_that_nobody_ranked_comes_last() -> None:
    assert precedence("map", "MDC_SOMETHING") == 3
    assert precedence("spo2", SPO2) == 0


SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


@pytest.mark.parametrize(
    ("signal", "metric", "kind", "expected_ms"),
    [
        ("map", ABP_MAP, "monitor", 30 * SECOND),
        ("hr", HR, "monitor", 30 * SECOND),
        ("hr", HR, "chart", 90 * MINUTE),
        ("map", CUFF_MAP, "monitor", 30 * MINUTE),
        ("map", CUFF_MAP, "chart", 90 * MINUTE),
        ("temp", TEMP, "monitor", 4 * HOUR),
        ("weight", "MDC_MASS_BODY_ACTUAL", "scale", 26 * HOUR),
        ("creatinine", "loinc:2160-0", "chart", 26 * HOUR),
        ("site:skin", "site:skin", "chart", 26 * HOUR),
        ("site:mental_status", "site:mental_status", "chart", 12 * HOUR),
        ("phenylephrine_ug_kg_min", "MDC_X", "pump", 30 * SECOND),
        (None, "MDC_FLOW_FLUID_PUMP_CURRENT", "pump", 2 * MINUTE),
        (None, "MDC_FLOW_FLUID_PUMP_CURRENT", "other", 30 * SECOND),
        (None, "MDC_FLOW_FLUID_PUMP_CURRENT", "chart", 12 * HOUR),
    ],
)
def test_how_long_a_value_is_fresh(signal: str | None, metric: str, kind: str, expected_ms: int) -> None:
    assert fresh_ms(signal, metric, kind) == expected_ms


def test_freshness_follows_what_a_device_says_it_is() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 70}, device="tablet")
    bedside.status(1, "online", device="tablet", kind="chart")
    bedside.tick(3600)
    assert bedside.speaker("hr") == (HR, 70)

    bedside.status(3601, "online", device="tablet", kind="monitor")
    bedside.tick(3602)

    assert bedside.speaker("hr") is None


# --- null, doubtful, invalid, late ------------------------------------------------------------------------------------


def test_null_leaves_the_last_value_until_it_is_no_longer_fresh() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 70})
    bedside.every_second(range(1, 60), {HR: None})

    channel = bedside.ward.beds[BED].devices["mon1"].channels[HR]
    assert channel.latest_validity is Validity.NOT_AVAILABLE
    assert bedside.speaker("hr") is None
    assert bedside.stored == [], "no value is no sample"


def test_a_worse_source_speaks_when_the_better_has_had_nothing_to_say_for_too_long() -> None:
    bedside = Bedside()
    bedside.every_second(range(5), {HR: 70, PULSE: 72})
    bedside.every_second(range(5, 34), {HR: None, PULSE: 72})
    assert bedside.speaker("hr") == (HR, 70)

    bedside.every_second(range(34, 36), {HR: None, PULSE: 73})

    assert bedside.speaker("hr") == (PULSE, 73)


@pytest.mark.parametrize("validity", [Validity.INVALID, Validity.CALIBRATING])
def test_a_value_that_the_device_does_not_trust_is_stored_and_says_nothing(validity: Validity) -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: MetricReading(value=70, validity=validity)})

    assert bedside.speaker("hr") is None
    assert bedside.stored == [(HR, ms(0), 70, validity)]
    assert bedside.spoken == []


def test_an_implausible_value_is_stored_as_invalid_and_says_nothing() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 301, SPO2: 97})

    assert bedside.speaker("hr") is None
    assert bedside.speaker("spo2") == (SPO2, 97)
    assert bedside.stored == [(HR, ms(0), 301, Validity.INVALID), (SPO2, ms(0), 97, Validity.VALID)]


def test_a_questionable_value_speaks_and_says_so() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: questionable(70)})

    assert bedside.speaker("hr") == (HR, 70)
    assert bedside.spoken == [("hr", ms(0), 70, Validity.QUESTIONABLE)]


def test_a_value_older_than_what_is_known_is_stored_and_changes_nothing() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 60}, seq=0)
    bedside.obs(2, {HR: 72, SPO2: 97}, seq=2)
    bedside.obs(3, {HR: 71, SPO2: 96}, seq=1, device_s=1)

    assert bedside.speaker("hr") == (HR, 72)
    assert bedside.stored == [(HR, ms(1), 71, Validity.VALID), (SPO2, ms(1), 96, Validity.VALID)]
    assert bedside.spoken == []


def test_a_value_that_waited_too_long_is_stored_and_does_not_speak() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 70})
    bedside.tick(100)
    bedside.obs(101, {HR: 71}, device_s=60)

    assert bedside.stored == [(HR, ms(60), 71, Validity.VALID)]
    assert bedside.speaker("hr") is None


def test_a_late_value_of_the_source_that_is_not_fresh_any_more_lets_others_speak() -> None:
    bedside = Bedside(admitted=False)
    bedside.obs(0, {HR: 70})
    bedside.obs(100, {PULSE: 75}, device="oxi")
    bedside.obs(101, {HR: 71}, device_s=60)

    assert bedside.speaker("hr") == (PULSE, 75)


def test_a_late_value_of_the_source_is_the_last_that_anybody_heard() -> None:
    bedside = Bedside(admitted=False)
    bedside.obs(0, {HR: 70})
    bedside.obs(101, {HR: 71}, device_s=60)

    assert bedside.speaker("hr") is None


def test_a_late_value_that_cannot_be_true_changes_nothing() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 70})
    bedside.obs(2, {HR: 71})
    bedside.obs(3, {HR: 301}, device_s=1)

    assert bedside.speaker("hr") == (HR, 71)
    assert bedside.ward.beds[BED].devices["mon1"].channels[HR].invalid_since_ms is None
    assert bedside.stored == [(HR, ms(1), 301, Validity.INVALID)]


def test_a_reading_is_dated_when_it_was_determined_on_the_devices_clock() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 70}, device_s=-600)
    bedside.obs(60, cuff(80, at_s=-590), device_s=-540)

    assert bedside.stored[0][1] == ms(10)


def test_a_reading_dated_into_the_future_was_determined_at_the_latest_now() -> None:
    bedside = Bedside()
    bedside.obs(0, cuff(80, at_s=3600))

    assert bedside.stored[0][1] == ms(0)


def test_the_same_reading_sent_again_is_not_stored_again_and_a_corrected_one_is() -> None:
    bedside = Bedside()
    bedside.obs(0, cuff(80, at_s=0))
    bedside.obs(1, cuff(80, at_s=0))
    assert bedside.stored == []

    bedside.obs(2, cuff(82, at_s=0))

    assert [sample[2] for sample in bedside.stored] == [112, 67, 82]
    assert bedside.speaker("map") == (CUFF_MAP, 82)


def test_a_device_without_a_clock_is_dated_at_receipt() -> None:
    bedside = Bedside()
    bedside.obs(5, {HR: 70}, device_s=None)

    assert bedside.stored == [(HR, ms(5), 70, Validity.VALID)]


# --- pressures below their plausible range ----------------------------------------------------------------------------


def triple(sys: float | None, dia: float | None, mean: float | None, at_s: float) -> dict[str, MetricValue]:
    """A cuff reading, mm[Hg]; None where it lacks one of the three."""
    reading = {CUFF_SYS: sys, CUFF_DIA: dia, CUFF_MAP: mean}
    return {
        name: MetricReading(value=value, determined_ms=ms(at_s)) for name, value in reading.items() if value is not None
    }


COHERENT_LOW = [
    pytest.param((58, 21, 27), "map", "hypotension.sbp_below_80", id="58/21/27"),
    pytest.param((54, 21, 28), "map", "hypotension.sbp_below_80", id="54/21/28"),
    pytest.param((90, 19, 37), "dbp", "hypotension.map_below_50", id="90/19/37"),
]


@pytest.mark.parametrize(("reading", "disbelieved", "rule_id"), COHERENT_LOW)
def test_a_coherent_reading_of_which_one_is_below_its_range_raises_through_the_others(
    reading: tuple[float, float, float], disbelieved: str, rule_id: str
) -> None:
    bedside = Bedside()
    bedside.obs(0, triple(*reading, at_s=0))
    bedside.obs(300, triple(*reading, at_s=300))

    assert bedside.starts(rule_id) == [300.0]
    assert bedside.alarm(rule_id).evidence["validity"] == "questionable"
    expected = {signal: Validity.QUESTIONABLE for signal in ("sbp", "dbp", "map") if signal != disbelieved}
    assert {signal: validity for signal, _, _, validity in bedside.spoken} == expected
    assert [sample[2] for sample in bedside.stored] == list(reading), "stored whatever becomes of it"
    assert sorted(sample[3] for sample in bedside.stored) == [
        Validity.QUESTIONABLE,
        Validity.QUESTIONABLE,
        Validity.INVALID,
    ]
    assert bedside.speaker(disbelieved) is None


@pytest.mark.parametrize("reading", [*(each.values[0] for each in COHERENT_LOW), (130, 19, 80), (130, 10.1, 80)])
def test_a_coherent_reading_of_which_one_is_below_its_range_clears_nothing(
    reading: tuple[float, float, float],
) -> None:
    bedside = Bedside()
    for at_s in (0, 300):
        bedside.obs(at_s, cuff(45, at_s=at_s))
    raised = bedside.starts("hypotension")
    for at_s in range(600, 3600, 300):
        bedside.obs(at_s, triple(*reading, at_s=at_s))

    assert len(raised) == 5, "every rule of the profile"
    assert {change.phase for change in bedside.changes("hypotension")} <= {"start", "update"}
    assert {alarm.condition.value for alarm in bedside.active("hypotension")} <= {"present", "indeterminate"}
    assert len(bedside.active("hypotension")) == 5


def test_the_same_reading_within_its_range_would_clear() -> None:
    bedside = Bedside()
    for at_s in (0, 300):
        bedside.obs(at_s, cuff(45, at_s=at_s))
    bedside.obs(600, triple(130, 20, 80, at_s=600))

    assert {alarm.condition.value for alarm in bedside.active("hypotension")} == {"absent"}, "latched"


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param((58, 21, 20), id="mean below diastolic"),
        pytest.param((39, 45, 42), id="systolic below diastolic"),
        pytest.param((281, 19, 70), id="one above its range, one below"),
        pytest.param((58, 10, 27), id="diastolic of a disconnected transducer"),
        pytest.param((10, 10, 10), id="nothing at all"),
    ],
)
def test_a_low_reading_that_cannot_be_a_patients_feeds_nothing(reading: tuple[float, float, float]) -> None:
    bedside = Bedside()
    for at_s in (0, 300):
        bedside.obs(at_s, triple(*reading, at_s=at_s))

    assert bedside.spoken == []
    assert bedside.changes("hypotension") == []
    assert [bedside.speaker(signal) for signal in ("sbp", "dbp", "map")] == [None] * 3


def test_a_reading_that_lacks_one_of_the_three_is_not_known_to_be_coherent() -> None:
    bedside = Bedside()
    for at_s in (0, 300):
        bedside.obs(at_s, triple(58, None, 27, at_s=at_s))

    assert bedside.spoken == []
    assert bedside.changes("hypotension") == []


@pytest.mark.parametrize("marked", [CUFF_SYS, CUFF_DIA])
@pytest.mark.parametrize("validity", [Validity.INVALID, Validity.CALIBRATING])
def test_a_low_reading_of_which_the_device_trusts_not_all_feeds_nothing(marked: str, validity: Validity) -> None:
    bedside = Bedside()
    for at_s in (0, 300):
        reading = triple(58, 21, 27, at_s=at_s)
        value = {CUFF_SYS: 58, CUFF_DIA: 21}[marked]
        reading[marked] = MetricReading(value=value, validity=validity, determined_ms=ms(at_s))
        bedside.obs(at_s, reading)

    assert bedside.spoken == []
    assert bedside.changes("hypotension") == []


def test_a_line_of_which_the_mean_is_below_its_range_raises_through_the_systolic_if_it_pulses() -> None:
    pulsing, flat = Bedside(), Bedside()
    pulsing.every_second(range(100), {ABP_SYS: 45, ABP_DIA: 12, ABP_MAP: 19})
    flat.every_second(range(100), {ABP_SYS: 21, ABP_DIA: 15, ABP_MAP: 19})

    assert pulsing.starts("hypotension.sbp_below_80") == [60.0]
    assert flat.changes("hypotension") == []


# --- units, texts, names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "value", "unit", "expected"),
    [
        (ABP_MAP, 8, "kPa", 60.004926),
        (TEMP, 100.4, "[degF]", 38.0),
        ("MDC_MASS_BODY_ACTUAL", 200, "[lb_av]", 90.718474),
        (SPO2, 0.97, "1", 97.0),
        (HR, 1.5, "/s", 90.0),
        (HR, 70, "/min", 70),
    ],
)
def test_a_unit_is_converted(metric: str, value: float, unit: str, expected: float) -> None:
    bedside = Bedside()
    bedside.obs(0, {metric: MetricReading(value=value, unit=unit)})

    assert bedside.stored[0][2] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "value", "reason"),
    [
        (HR, MetricReading(value=70, unit="mm[Hg]"), "unknown_unit"),
        (HR, MetricReading(value=70, unit="bpm"), "unknown_unit"),
        (HR, "seventy", "wrong_type"),
        ("site:rhythm", 3, "wrong_type"),
        ("site:rhythm", "sinsu", "unknown_value"),
    ],
)
def test_a_metric_that_makes_no_sense_is_rejected_alone_and_once(metric: str, value: MetricValue, reason: str) -> None:
    bedside = Bedside()
    bedside.every_second(range(5), {metric: value, SPO2: 97})

    (rejection,) = bedside.rejections
    assert (rejection.reason, rejection.metric) == (reason, metric)
    assert str(rejection.device) == "icu/b01/mon1"
    assert bedside.speaker("spo2") == (SPO2, 97)
    assert (bedside.ward.evaluated, bedside.ward.rejected) == (5, 0), "the messages were taken"


def test_made_up_units_are_told_a_few_times_and_do_not_grow_memory() -> None:
    bedside = Bedside()
    bedside.every_second(range(10 * COMPLAINTS_MAX), lambda at_s: {HR: MetricReading(value=70, unit=f"unit{at_s}")})

    assert len(bedside.rejections) == COMPLAINTS_MAX


def test_made_up_names_are_kept_up_to_a_limit_and_told_once() -> None:
    bedside = Bedside()
    for at_s in range(4):
        names = range(at_s * 200, at_s * 200 + 200)
        bedside.obs(at_s, {HR: 70} | {f"X_{name}": 1.0 for name in names})

    assert len(bedside.ward.beds[BED].devices["mon1"].channels) == METRICS_MAX
    (rejection,) = bedside.rejections
    assert (rejection.reason, rejection.metric) == ("too_many_metrics", f"X_{METRICS_MAX - 1}")
    assert bedside.speaker("hr") == (HR, 70), "what is known goes on"


def test_made_up_names_keep_no_known_metric_from_the_rules() -> None:
    bedside = Bedside()
    bedside.obs(0, {f"X_{name}": 1.0 for name in range(METRICS_MAX + 5)})
    bedside.obs(1, {HR: 70, "X_new": 1.0})

    assert bedside.speaker("hr") == (HR, 70)
    assert [each.reason for each in bedside.rejections] == ["too_many_metrics"]


def test_an_unknown_metric_is_stored_with_whatever_unit_and_feeds_nothing() -> None:
    bedside = Bedside()
    bedside.obs(0, {"ACME_FOO": MetricReading(value=3, unit="furlong"), "ACME_TEXT": "abc"})

    assert bedside.stored == [("ACME_FOO", ms(0), 3, Validity.VALID)]
    assert bedside.ward.beds[BED].slots == {}
    assert bedside.rejections == []


def test_two_names_of_one_metric_are_one_metric() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 70})
    bedside.obs(1, {"loinc:8867-4": 71})

    assert bedside.stored[0][0] == HR
    assert bedside.speaker("hr") == (HR, 71)


def test_a_concentration_may_change_between_units_that_do_not_convert_and_back() -> None:
    channel = Channel(DeviceId("icu", "b01", "pump1"), "MDC_CONC_DRUG", "pump")
    plain = (channel.low, channel.high)
    bedside = Bedside()
    bedside.obs(0, {"MDC_CONC_DRUG": MetricReading(value=18_000_000, unit="[IU]/mL")}, device="pump1")
    assert bedside.stored[0][2:] == (18_000_000, Validity.VALID)

    bedside.obs(1, {"MDC_CONC_DRUG": 0.08}, device="pump1")
    assert bedside.stored[0][2:] == (0.08, Validity.VALID)
    kept = bedside.ward.beds[BED].devices["pump1"].channels["MDC_CONC_DRUG"]
    assert (kept.low, kept.high) == plain


def test_a_charted_state_speaks_as_text() -> None:
    bedside = Bedside()
    bedside.chart(0, {"site:mental_status": "confusion"})

    assert bedside.speaker("site:mental_status") == ("site:mental_status", "confusion")


def test_a_doubtful_text_speaks_and_an_invalid_or_old_one_does_not() -> None:
    bedside = Bedside()
    bedside.chart(10, {"site:rhythm": MetricReading(value="af", validity=Validity.QUESTIONABLE)})
    bedside.chart(11, {"site:rhythm": MetricReading(value="vt", validity=Validity.INVALID)})
    bedside.chart(12, {"site:rhythm": "sinus"}, determined_s=5)

    assert bedside.speaker("site:rhythm") == ("site:rhythm", "af")


# --- line against cuff ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arterial", "oscillometric", "disagree"), [(80, 65, False), (80, 64.9, True), (60, 76, True)])
def test_line_and_cuff_disagree_beyond_fifteen(arterial: float, oscillometric: float, disagree: bool) -> None:
    bedside = Bedside()
    bedside.every_second(range(5), line(arterial))
    bedside.obs(5, line(arterial) | cuff(oscillometric, at_s=5))

    assert bool(bedside.active(DISAGREE)) is disagree
    if disagree:
        assert bedside.alarm(DISAGREE).evidence["text"] == f"MAP line {arterial}, cuff {oscillometric:g}"


@pytest.mark.parametrize(("age_s", "disagree"), [(120, True), (121, False)])
def test_they_are_compared_within_two_minutes(age_s: int, disagree: bool) -> None:
    bedside = Bedside()
    bedside.every_second(range(200), line(80))
    bedside.obs(200, cuff(60, at_s=199 - age_s))

    assert bool(bedside.active(DISAGREE)) is disagree


def test_the_lower_one_speaks_while_they_disagree() -> None:
    bedside = Bedside()
    bedside.every_second(range(5), line(80))
    bedside.obs(5, cuff(60, at_s=5))
    bedside.every_second(range(6, 60), line(80))
    assert bedside.speaker("map") == (CUFF_MAP, 60)
    assert bedside.speaker("sbp") == (CUFF_SYS, 90)

    bedside.obs(60, line(55))
    assert bedside.speaker("map") == (ABP_MAP, 55)

    bedside.obs(61, line(70))
    assert bedside.speaker("map") == (CUFF_MAP, 60)


def test_a_comparison_that_agrees_resolves_it() -> None:
    bedside = Bedside()
    bedside.every_second(range(5), line(80))
    bedside.obs(5, cuff(60, at_s=5))
    bedside.every_second(range(6, 300), line(80))
    bedside.obs(300, cuff(78, at_s=300))

    assert bedside.speaker("map") == (ABP_MAP, 80)
    assert [change.phase for change in bedside.changes(DISAGREE)] == ["start", "end"]


def test_a_doubtful_comparison_that_agrees_resolves_nothing() -> None:
    bedside = Bedside()
    bedside.every_second(range(5), line(80))
    bedside.obs(5, cuff(60, at_s=5))
    bedside.every_second(range(6, 300), line(80))
    bedside.obs(300, triple(130, 19, 78, at_s=300))

    assert [change.phase for change in bedside.changes(DISAGREE)] == ["start"]


def test_a_low_cuff_reading_speaks_before_a_line_that_it_contradicts() -> None:
    bedside = Bedside()
    bedside.every_second(range(5), line(80))
    bedside.obs(5, triple(90, 19, 37, at_s=5))

    assert bedside.alarm(DISAGREE).evidence["text"] == "MAP line 80, cuff 37"
    assert bedside.speaker("map") == (CUFF_MAP, 37)


def test_a_cuff_mean_below_its_range_is_not_compared() -> None:
    bedside = Bedside()
    bedside.obs(0, cuff(60, at_s=0))
    bedside.every_second(range(1, 5), line(80))
    bedside.obs(5, triple(58, 21, 27, at_s=5))

    assert bedside.active(DISAGREE) == []


def test_it_is_resolved_when_the_line_has_gone() -> None:
    bedside = Bedside()
    bedside.every_second(range(5), line(80))
    bedside.obs(5, cuff(60, at_s=5))
    bedside.every_second(range(6, 10), line(80))
    bedside.every_second(range(10, 60), {HR: 70})

    assert [(change.at_s, change.phase) for change in bedside.changes(DISAGREE)] == [(5.0, "start"), (39.0, "end")]
    assert bedside.speaker("map") == (CUFF_MAP, 60)


def test_a_cuff_alone_resolves_it_too_when_the_line_has_gone() -> None:
    bedside = Bedside()
    bedside.obs(0, line(60))
    bedside.obs(1, cuff(80, at_s=1))
    assert bedside.speaker("map") == (ABP_MAP, 60)
    bedside.obs(40, cuff(82, at_s=40))

    assert bedside.active(DISAGREE) == []
    assert bedside.speaker("map") == (CUFF_MAP, 82)


def test_the_line_that_went_on_speaking_is_lower_again_though_the_cuff_had_expired() -> None:
    bedside = Bedside()
    bedside.every_second(range(5), line(80))
    bedside.obs(5, cuff(60, at_s=5))
    bedside.every_second(range(6, 1900), line(80))  # the cuff's reading has long expired
    bedside.every_second(range(1900, 2030), line(55))
    assert bedside.starts("hypotension.map_below_65") == [2020.0]

    bedside.obs(2030, cuff(75, at_s=2030))

    assert [change.phase for change in bedside.changes("hypotension.map_below_65")] == ["start"]
    assert bedside.speaker("map") == (ABP_MAP, 55)


def test_without_a_cuff_mean_or_a_line_nothing_is_compared() -> None:
    bedside = Bedside()
    bedside.obs(0, cuff(60, at_s=0))
    bedside.obs(1, {ABP_SYS: 130, ABP_DIA: 60})
    bedside.obs(2, cuff(60, at_s=2))

    assert bedside.active(DISAGREE) == []


# --- whose values -----------------------------------------------------------------------------------------------------


def test_values_already_there_count_for_the_patient_who_comes() -> None:
    bedside = Bedside(admitted=False)
    bedside.every_second(range(60), line(60))
    bedside.admit(60)
    bedside.every_second(range(60, 200), line(60))

    assert bedside.speaker("map") == (ABP_MAP, 60)
    assert bedside.starts("hypotension.map_below_65") == [179.0], "from the value that was current on admission"


def test_no_value_of_one_patient_speaks_for_the_next() -> None:
    bedside = Bedside()
    reading = cuff(45, at_s=0)
    bedside.obs(0, line(50) | reading | {TEMP: 41, HR: 160})
    bedside.chart(1, {"site:mental_status": "coma", "loinc:2160-0": 5.0})
    bedside.discharge(10)
    bedside.obs(11, reading)  # the monitor sends its last cuff reading again
    bedside.obs(12, cuff(44, at_s=9))  # a reading from before, delivered late
    bedside.admit(20, admission_id="adm-2")

    signals = ("map", "sbp", "temp", "hr", "site:mental_status", "creatinine")
    assert {signal: bedside.speaker(signal) for signal in signals} == dict.fromkeys(signals)

    bedside.obs(21, {HR: 80, TEMP: 37} | cuff(80, at_s=21))
    assert bedside.speaker("hr") == (HR, 80)
    assert bedside.speaker("temp") == (TEMP, 37)
    assert bedside.speaker("map") == (CUFF_MAP, 80)


def test_what_was_charted_goes_with_the_patient_to_another_bed() -> None:
    bedside = Bedside()
    bedside.chart(1, {"site:mental_status": "confusion", "loinc:2160-0": 2.0, CUFF_MAP: 80})
    bedside.obs(2, {HR: 90})
    bedside.transfer(10)

    assert bedside.speaker("site:mental_status", OTHER_BED) == ("site:mental_status", "confusion")
    assert bedside.speaker("creatinine", OTHER_BED) == ("loinc:2160-0", 2.0)
    assert bedside.speaker("map", OTHER_BED) == (CUFF_MAP, 80)
    assert bedside.speaker("hr", OTHER_BED) is None, "the monitor stays behind"
    assert [bedside.speaker(signal) for signal in ("site:mental_status", "creatinine", "map", "hr")] == [None] * 4
    bedside.chart(11, {"site:mental_status": "normal"})
    assert bedside.speaker("site:mental_status", OTHER_BED) == ("site:mental_status", "normal")


def test_a_charted_cuff_that_spoke_against_the_line_goes_with_the_patient() -> None:
    bedside = Bedside()
    bedside.every_second(range(5), line(85))
    bedside.chart(5, {CUFF_MAP: 60})
    assert bedside.speaker("map") == (CUFF_MAP, 60)

    bedside.transfer(6)

    assert bedside.speaker("map") is None
    assert bedside.speaker("map", OTHER_BED) == (CUFF_MAP, 60)
    assert bedside.active(DISAGREE) == []


def test_a_late_value_that_is_not_fresh_lets_the_next_source_speak_in_a_message_that_brings_both() -> None:
    bedside = Bedside()
    bedside.obs(0, {HR: 70, PULSE: 72})
    bedside.obs(29, {PULSE: 73}, device="oxi")
    bedside.obs(31, {HR: 71}, device_s=1)

    assert bedside.speaker("hr") == (PULSE, 73)


def test_the_lines_pressures_are_judged_in_each_device_apart() -> None:
    bedside = Bedside()
    bedside.obs(0, {ABP_SYS: 120, ABP_DIA: 70}, device="a")
    bedside.obs(0, {ABP_MAP: 200}, device="b")

    assert bedside.speaker("map") == (ABP_MAP, 200)


def test_two_lines_in_one_message_of_one_device_are_judged_apart() -> None:
    bedside = Bedside()
    good: dict[str, MetricValue] = {"MDC_PRESS_BLD_NONINV_SYS": 120, "MDC_PRESS_BLD_NONINV_DIA": 70}
    bedside.obs(0, {ABP_SYS: 55, ABP_DIA: 50, ABP_MAP: 52} | good | {"MDC_PRESS_BLD_NONINV_MEAN": 87})

    assert bedside.speaker("map") == ("MDC_PRESS_BLD_NONINV_MEAN", 87)
    assert bedside.speaker("sbp") == ("MDC_PRESS_BLD_NONINV_SYS", 120)
