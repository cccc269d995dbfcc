"""The nomenclature: every metric Vigil knows by name, with unit, plausible range, expected cadence and signal.

Names are IEEE 11073-10101 reference ids (`MDC_…`), `loinc:CODE` for laboratory values and charted quantities, and
`site:NAME` for states that a clinician charts. `METRICS` maps every accepted name, aliases included, to one frozen
`MetricSpec`; two names of one metric share one spec, whose `ref_id` is the name to store under.

Invariants: a code is unique; low < high for every number; every `signal` is a key of `SIGNAL_UNITS`, and a number that
may feed a signal has the signal's unit. Ranges are inclusive: a value outside is *implausible*, is stored as invalid
and feeds no rule; it is never clipped. Metrics are known by name; numeric codes are not accepted as names.

It does not choose between metrics that may feed one signal (arterial line or cuff): that is the engine's.

Source tags in the comments are those of the clinical notes: [V] read in the primary source, [S] in a secondary copy,
[GK] general knowledge, to be verified, [D] derived or an engineering proposal; [R77] etc. name the reference. Where a
row has no tag of its own: code [V, R77], LOINC [V, R82-R84], range and cadence [D/GK].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

SECOND = 1.0
MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0

NO_OTHER_UNITS: Mapping[str, tuple[float, float]] = MappingProxyType({})


class MetricKind(StrEnum):
    """What a value of the metric is."""

    NUMERIC = "numeric"
    TEXT = "text"
    ENUMERATION = "enumeration"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One metric: what it is called, in which unit it is kept, and what is believable."""

    ref_id: str
    """The name under which values are stored."""
    title: str
    """For people."""
    kind: MetricKind = MetricKind.NUMERIC
    code: int | None = None
    """MDC code: partition x 65536 + term. For reference only."""
    loinc: str | None = None
    unit: str = ""
    """Canonical UCUM unit; empty for text and enumerations."""
    low: float = 0.0
    """Least plausible value, inclusive, canonical unit."""
    high: float = 0.0
    """Greatest plausible value, inclusive, canonical unit."""
    other_units: Mapping[str, tuple[float, float]] = field(default_factory=lambda: NO_OTHER_UNITS)
    """Units that no factor turns into `unit` (mass and activity of a drug), each with its plausible range."""
    cadence_s: float
    """Expected time between values of a source that reports this metric, seconds."""
    signal: str | None = None
    """The patient signal that this metric may feed as it stands."""
    values: frozenset[str] | None = None
    """Enumerations: the allowed values."""
    aliases: tuple[str, ...] = ()
    """Other names accepted for the same metric."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Travels by name: a restored state then holds the one spec that this process knows."""
        return _spec_named, (self.ref_id,)

    def plausible(self, unit: str) -> tuple[float, float] | None:
        """The plausible range in `unit`, which is the canonical unit or one of `other_units`; None for any other."""
        return (self.low, self.high) if unit == self.unit else self.other_units.get(unit)


def _spec_named(ref_id: str) -> MetricSpec:
    return METRICS[ref_id]


def _text(ref_id: str, title: str, *, code: int, cadence_s: float) -> MetricSpec:
    return MetricSpec(ref_id=ref_id, title=title, kind=MetricKind.TEXT, code=code, cadence_s=cadence_s)


def _charted(name: str, title: str, allowed: str, *, cadence_s: float = 8 * HOUR) -> MetricSpec:
    ref_id = f"site:{name}"
    values = frozenset(allowed.split())
    kind = MetricKind.ENUMERATION
    return MetricSpec(ref_id=ref_id, title=title, kind=kind, cadence_s=cadence_s, signal=ref_id, values=values)


_HEART = (
    MetricSpec(
        ref_id="MDC_ECG_HEART_RATE",
        title="heart rate, ECG",
        code=147842,  # [V, R77, R80]
        loinc="8867-4",
        unit="/min",
        low=20,  # [D/GK]; above 220 is suspect, not implausible
        high=300,
        cadence_s=SECOND,  # 1-5 s
        signal="hr",
        aliases=("MDC_ECG_CARD_BEAT_RATE", "loinc:8867-4"),
    ),
    MetricSpec(
        ref_id="MDC_PULS_OXIM_PULS_RATE",
        title="pulse rate, oximeter",
        code=149530,
        loinc="8889-8",
        unit="/min",
        low=20,
        high=300,
        cadence_s=SECOND,  # 1-5 s
        signal="hr",
        aliases=("loinc:8889-8",),
    ),
    MetricSpec(
        ref_id="MDC_ECG_V_P_C_RATE",
        title="ventricular premature beats",
        code=148066,
        loinc="8616-5",
        unit="/min",
        low=0,
        high=300,
        cadence_s=MINUTE,
        aliases=("loinc:8616-5",),
    ),
    MetricSpec(
        ref_id="MDC_ECG_AMPL_ST_II",
        title="ST deviation, lead II",
        code=131842,
        loinc="76054-6",
        unit="mm",
        low=-20,
        high=20,
        cadence_s=10 * SECOND,  # 10-60 s
        aliases=("loinc:76054-6",),
    ),
    MetricSpec(
        ref_id="MDC_ECG_AMPL_ST_III",
        title="ST deviation, lead III",
        code=131901,
        loinc="76055-3",
        unit="mm",
        low=-20,
        high=20,
        cadence_s=10 * SECOND,  # 10-60 s
        aliases=("loinc:76055-3",),
    ),
)


def _pressure(
    ref_id: str,
    title: str,
    *,
    code: int,
    loinc: str | None,
    low: float,
    high: float,
    cadence_s: float,
    signal: str,
    aliases: tuple[str, ...] = (),
) -> MetricSpec:
    return MetricSpec(
        ref_id=ref_id,
        title=title,
        code=code,
        loinc=loinc,
        unit="mm[Hg]",
        low=low,
        high=high,
        cadence_s=cadence_s,
        signal=signal,
        aliases=aliases,
    )


_ARTERIAL = (
    # SBP 30-300, DBP 10-200, MAP 20-250 [D/GK]; every beat or 1.024 s. Codes [V, R77, R79].
    _pressure(
        "MDC_PRESS_BLD_ART_ABP_SYS",
        "arterial line, systolic",
        code=150037,
        loinc="76215-3",
        low=30,
        high=300,
        cadence_s=SECOND,
        signal="sbp",
        aliases=("loinc:76215-3",),
    ),
    _pressure(
        "MDC_PRESS_BLD_ART_ABP_DIA",
        "arterial line, diastolic",
        code=150038,
        loinc="76213-8",
        low=10,
        high=200,
        cadence_s=SECOND,
        signal="dbp",
        aliases=("loinc:76213-8",),
    ),
    _pressure(
        "MDC_PRESS_BLD_ART_ABP_MEAN",
        "arterial line, mean",
        code=150039,
        loinc="76214-6",
        low=20,
        high=250,
        cadence_s=SECOND,
        signal="map",
        aliases=("loinc:76214-6",),
    ),
)

_CUFF = (
    # 40-280 / 20-200 / 30-230 [D/GK]; every 5-15 min. Both namings occur in the field [V, R77, R80].
    # A charted pressure of unstated site (generic LOINC 8480-6 / 8462-4 / 8478-0) counts as a cuff reading [D]: the
    # engine then neither prefers it over an arterial line nor expects it every second.
    _pressure(
        "MDC_PRESS_CUFF_SYS",
        "cuff, systolic",
        code=150301,
        loinc="76534-7",
        low=40,
        high=280,
        cadence_s=15 * MINUTE,
        signal="sbp",
        aliases=("loinc:76534-7", "loinc:8480-6"),
    ),
    _pressure(
        "MDC_PRESS_CUFF_DIA",
        "cuff, diastolic",
        code=150302,
        loinc="76535-4",
        low=20,
        high=200,
        cadence_s=15 * MINUTE,
        signal="dbp",
        aliases=("loinc:76535-4", "loinc:8462-4"),
    ),
    _pressure(
        "MDC_PRESS_CUFF_MEAN",
        "cuff, mean",
        code=150303,
        loinc="76536-2",
        low=30,
        high=230,
        cadence_s=15 * MINUTE,
        signal="map",
        aliases=("loinc:76536-2", "loinc:8478-0"),
    ),
    _pressure(
        "MDC_PRESS_BLD_NONINV_SYS",
        "non-invasive, systolic",
        code=150021,
        loinc="76534-7",
        low=40,
        high=280,
        cadence_s=15 * MINUTE,
        signal="sbp",
    ),
    _pressure(
        "MDC_PRESS_BLD_NONINV_DIA",
        "non-invasive, diastolic",
        code=150022,
        loinc="76535-4",
        low=20,
        high=200,
        cadence_s=15 * MINUTE,
        signal="dbp",
    ),
    _pressure(
        "MDC_PRESS_BLD_NONINV_MEAN",
        "non-invasive, mean",
        code=150023,
        loinc="76536-2",
        low=30,
        high=230,
        cadence_s=15 * MINUTE,
        signal="map",
    ),
)

_VENOUS = (
    # -10-40 [D/GK]
    _pressure(
        "MDC_PRESS_BLD_VEN_CENT",
        "central venous pressure",
        code=150084,
        loinc="60985-9",
        low=-10,
        high=40,
        cadence_s=SECOND,
        signal="cvp",
        aliases=("loinc:60985-9",),
    ),
    _pressure(
        "MDC_PRESS_BLD_VEN_CENT_MEAN",
        "central venous pressure, mean",
        code=150087,
        loinc="8591-0",
        low=-10,
        high=40,
        cadence_s=SECOND,
        signal="cvp",
        aliases=("loinc:8591-0",),
    ),
)


def _resp_rate(
    ref_id: str, title: str, *, code: int, loinc: str | None = None, aliases: tuple[str, ...] = ()
) -> MetricSpec:
    # 0-80 /min [D/GK]: 0 is a value (apnoea), not an artefact; 1-5 s
    return MetricSpec(
        ref_id=ref_id,
        title=title,
        code=code,
        loinc=loinc,
        unit="/min",
        low=0,
        high=80,
        cadence_s=SECOND,
        signal="rr",
        aliases=aliases,
    )


_BREATHING = (
    _resp_rate("MDC_RESP_RATE", "respiratory rate", code=151562, loinc="9279-1", aliases=("loinc:9279-1",)),
    _resp_rate(
        "MDC_TTHOR_RESP_RATE",
        "respiratory rate, impedance",
        code=151578,
        loinc="76270-8",
        aliases=("loinc:76270-8",),
    ),
    _resp_rate("MDC_CO2_RESP_RATE", "respiratory rate, CO2", code=151594),
    MetricSpec(
        ref_id="MDC_AWAY_CO2_ET",
        title="end-tidal CO2",
        code=151728,
        loinc="19891-1",
        unit="mm[Hg]",  # some monitors send kPa (265987)
        low=0,
        high=150,
        cadence_s=5 * SECOND,  # every breath
        signal="etco2",
        aliases=("loinc:19891-1",),
    ),
    MetricSpec(
        ref_id="MDC_CONC_AWAY_CO2_ET",
        title="end-tidal CO2, concentration",
        code=151708,
        unit="%",
        low=0,
        high=20,  # [D] 150 mmHg of 760
        cadence_s=5 * SECOND,
        # no signal: a concentration becomes a pressure only with the barometric pressure, which nobody sends
    ),
    MetricSpec(
        ref_id="MDC_PULS_OXIM_SAT_O2",
        title="oxygen saturation, oximeter",
        code=150456,
        loinc="59408-5",
        unit="%",
        low=40,  # [D/GK]; below 70 is suspect, not implausible
        high=100,
        cadence_s=SECOND,  # 1-5 s
        signal="spo2",
        aliases=("loinc:59408-5", "loinc:2708-6"),  # 2708-6 beside it in US Core [V, R83]
    ),
    MetricSpec(
        ref_id="MDC_BLD_PERF_INDEX",
        title="perfusion index",
        code=150488,
        loinc="61006-3",
        unit="%",
        low=0,
        high=25,
        cadence_s=SECOND,  # 1-5 s
        aliases=("loinc:61006-3",),
    ),
    MetricSpec(
        ref_id="loinc:3151-8",
        title="oxygen flow",
        loinc="3151-8",
        unit="L/min",
        low=0,
        high=80,
        cadence_s=4 * HOUR,  # [D] charted
        signal="o2_flow",
        aliases=("loinc:19941-4",),
    ),
    MetricSpec(
        ref_id="loinc:3150-0",
        title="inspired oxygen, charted",
        loinc="3150-0",  # not 3150-6, which fails the check digit
        unit="%",
        low=21,
        high=100,
        cadence_s=4 * HOUR,  # [D] charted
        signal="fio2",
    ),
    MetricSpec(
        ref_id="MDC_CONC_AWAY_O2_INSP",
        title="inspired oxygen, ventilator",
        code=152196,
        loinc="3150-0",
        unit="%",
        low=21,
        high=100,
        cadence_s=MINUTE,  # [D] ventilator
        signal="fio2",
    ),
)


def _temperature(
    ref_id: str, title: str, *, code: int, loinc: str | None = None, aliases: tuple[str, ...] = ()
) -> MetricSpec:
    # 25-43 Cel [D/GK]: a value in degrees Fahrenheit sent without its unit falls outside and feeds nothing
    return MetricSpec(
        ref_id=ref_id,
        title=title,
        code=code,
        loinc=loinc,
        unit="Cel",
        low=25,
        high=43,
        cadence_s=MINUTE,  # 1 min, or every 2-4 h by hand
        signal="temp",
        aliases=aliases,
    )


_TEMPERATURE = (
    _temperature("MDC_TEMP", "temperature", code=150344, loinc="8310-5", aliases=("loinc:8310-5",)),
    _temperature("MDC_TEMP_CORE", "temperature, core", code=150368, loinc="8329-5", aliases=("loinc:8329-5",)),
    _temperature("MDC_TEMP_BLD", "temperature, blood", code=188436),
)


def _volume(
    ref_id: str,
    title: str,
    *,
    high: float,
    cadence_s: float,
    code: int | None = None,
    loinc: str | None = None,
    low: float = 0,
    signal: str | None = None,
) -> MetricSpec:
    return MetricSpec(
        ref_id=ref_id,
        title=title,
        code=code,
        loinc=loinc,
        unit="mL",
        low=low,
        high=high,
        cadence_s=cadence_s,
        signal=signal,
    )


_BODY_AND_FLUID = (
    MetricSpec(
        ref_id="MDC_MASS_BODY_ACTUAL",
        title="body weight",
        code=188736,
        loinc="29463-7",
        unit="kg",
        low=25,  # [D/GK]; a daily change above 5 kg is suspect, not implausible
        high=350,
        cadence_s=DAY,  # 06:00
        signal="weight",
        aliases=("loinc:29463-7",),
    ),
    MetricSpec(
        ref_id="MDC_FLOW_URINE_PREV_HR",
        title="urine output, previous hour",
        code=157716,
        loinc="9187-6",
        unit="mL/h",
        low=0,
        high=1500,
        cadence_s=HOUR,  # urometer; else per shift of 8 h
        signal="urine_ml_h",
        aliases=("loinc:9187-6",),
    ),
    MetricSpec(
        ref_id="MDC_FLOW_URINE_INSTANT",
        title="urine flow, momentary",
        code=157708,
        unit="mL/h",
        low=0,
        high=1500,
        cadence_s=MINUTE,  # [D]
        # no signal: the flow of a moment is not the output of an hour
    ),
    _volume("MDC_VOL_URINE_COL", "urine collected", code=157744, high=12000, cadence_s=HOUR),  # [D] 8 h at 1500 mL/h
    _volume("MDC_VOL_URINE_BAL_PD", "urine, balance of the period", code=157732, high=12000, cadence_s=8 * HOUR),
    # 9188-4, 9192-6 and 9108-2 are from memory, only their check digits are right [GK]: kept, and feed nothing
    _volume("loinc:9188-4", "urine output of 8 h", loinc="9188-4", high=12000, cadence_s=8 * HOUR),
    _volume("loinc:9192-6", "urine output of 24 h", loinc="9192-6", high=36000, cadence_s=DAY),
    _volume("loinc:9108-2", "fluid intake of 24 h", loinc="9108-2", high=72000, cadence_s=DAY),
    # intake 0-3000 mL per hour [D/GK]; a balance is negative as well [D]
    _volume("MDC_VOL_FLUID_BAL_PD", "fluid balance of the hour", code=157724, low=-3000, high=3000, cadence_s=HOUR),
    _volume(
        "site:diarrhea_ml_8h",
        "diarrhoea of 8 h",
        high=12000,  # [D] as urine
        cadence_s=8 * HOUR,
        signal="site:diarrhea_ml_8h",
    ),
)


def _pump_volume(ref_id: str, title: str, *, code: int) -> MetricSpec:
    return _volume(ref_id, title, code=code, high=9999, cadence_s=10 * SECOND)  # 0-9999 mL; 10-60 s


def _pump_flow(ref_id: str, title: str, *, code: int) -> MetricSpec:
    return MetricSpec(
        ref_id=ref_id,
        title=title,
        code=code,
        unit="mL/h",
        low=0,
        high=1200,
        cadence_s=10 * SECOND,  # 10-60 s or on change
    )


def _pump_time(ref_id: str, title: str, *, code: int) -> MetricSpec:
    return MetricSpec(
        ref_id=ref_id,
        title=title,
        code=code,
        unit="s",
        low=0,
        high=7 * DAY,  # [D]
        cadence_s=10 * SECOND,
    )


# Codes and ref ids [S, R21, R75]; ranges [D/GK].
_PUMP = (
    _pump_flow("MDC_FLOW_FLUID_PUMP_CURRENT", "pump, current rate", code=158014),
    _pump_flow("MDC_FLOW_FLUID_PUMP", "pump, programmed rate", code=157784),
    _pump_volume("MDC_VOL_FLUID_DELIV_TOTAL", "pump, volume delivered since programming", code=157993),
    _pump_volume("MDC_VOL_FLUID_DELIV_SEGMENT", "pump, volume delivered of the segment", code=157992),
    _pump_volume("MDC_VOL_FLUID_DELIV", "pump, volume delivered", code=157864),
    _pump_volume("MDC_VOL_FLUID_TBI", "pump, volume to be infused", code=157884),
    _pump_volume("MDC_VOL_FLUID_TBI_REMAIN", "pump, volume remaining", code=157872),
    _pump_time("MDC_TIME_PD_PROG", "pump, programmed time", code=157996),
    _pump_time("MDC_TIME_PD_REMAIN", "pump, remaining time", code=157916),
    _text("MDC_DRUG_NAME_LABEL", "pump, drug", code=184514, cadence_s=10 * SECOND),
    MetricSpec(
        ref_id="MDC_CONC_DRUG",
        title="pump, concentration",
        code=157760,
        unit="mg/mL",
        low=0,
        high=500,  # [D] magnesium sulfate 50 %
        # [D] reconstituted aldesleukin is 18 million IU/mL [V, R2b]; mass and activity differ by drug: not converted
        other_units=MappingProxyType({"[IU]/mL": (0.0, 20_000_000.0)}),
        cadence_s=10 * SECOND,
    ),
    MetricSpec(
        ref_id="MDC_RATE_DOSE",
        title="pump, dose rate",
        code=157924,
        unit="ug/kg/min",
        low=0,
        high=500,  # [D] propofol, esmolol 300
        other_units=MappingProxyType(
            {
                "[IU]/kg/min": (0.0, 400_000.0),  # [D] ten times 600,000 IU/kg in 15 min
                "[IU]/min": (0.0, 40_000_000.0),  # [D] the same at 100 kg; vasopressin runs at 0.01-0.06
            }
        ),
        cadence_s=10 * SECOND,
    ),
    MetricSpec(
        ref_id="MDC_PUMP_INFUSING_STATUS",
        title="pump, infusing",
        kind=MetricKind.ENUMERATION,
        code=184519,
        cadence_s=10 * SECOND,
        values=frozenset({"pump-status-infusing", "pump-status-not-infusing"}),
    ),
    MetricSpec(
        ref_id="MDC_ATTR_PT_WEIGHT",
        title="pump, programmed patient weight",
        code=68063,
        unit="kg",
        low=25,
        high=350,
        cadence_s=10 * SECOND,
        # no signal: what somebody typed into a pump is not a weighing
    ),
)


def _lab(
    code: str,
    title: str,
    *,
    unit: str,
    low: float,
    high: float,
    signal: str | None,
    cadence_s: float = DAY,
    aliases: tuple[str, ...] = (),
) -> MetricSpec:
    return MetricSpec(
        ref_id=f"loinc:{code}",
        title=title,
        loinc=code,
        unit=unit,
        low=low,
        high=high,
        cadence_s=cadence_s,
        signal=signal,
        aliases=aliases,
    )


_LABORATORY = (
    _lab("2160-0", "creatinine", unit="mg/dL", low=0.1, high=25, signal="creatinine"),  # daily or every 12 h
    _lab("1963-8", "bicarbonate", unit="mmol/L", low=2, high=60, signal="bicarbonate", aliases=("loinc:2028-9",)),
    MetricSpec(
        ref_id="MDC_CONC_HCO3_GEN",
        title="bicarbonate, blood gas",
        code=160008,
        unit="mmol/L",
        low=2,
        high=60,
        cadence_s=DAY,
        signal="bicarbonate",
    ),
    _lab("1975-2", "bilirubin, total", unit="mg/dL", low=0, high=60, signal="bilirubin"),
    _lab("777-3", "platelets", unit="10*3/uL", low=0, high=2000, signal="platelets"),
    _lab("10839-9", "troponin I", unit="ng/mL", low=0, high=500, signal="troponin"),
    # Troponin T and the high-sensitivity assays have limits of their own: kept, and not mixed with troponin I.
    _lab("6598-7", "troponin T", unit="ng/mL", low=0, high=500, signal=None),
    _lab("67151-1", "troponin T, high sensitivity", unit="ng/L", low=0, high=500_000, signal=None),  # LOINC [GK]
    _lab("89579-7", "troponin I, high sensitivity", unit="ng/L", low=0, high=500_000, signal=None),  # LOINC [GK]
    _lab("2345-7", "glucose", unit="mg/dL", low=10, high=1500, signal="glucose", aliases=("loinc:2339-0",)),
    MetricSpec(
        ref_id="MDC_CONC_GLU_GEN",
        title="glucose, bedside",
        code=160020,
        unit="mg/dL",
        low=10,
        high=1500,
        cadence_s=DAY,
        signal="glucose",
    ),
    _lab("2823-3", "potassium", unit="mmol/L", low=1, high=12, signal="potassium"),  # range [D]
    _lab("1751-7", "albumin", unit="g/dL", low=0.5, high=7, signal="albumin"),
)


def _score(
    ref_id: str, title: str, *, low: float, high: float, code: int | None = None, loinc: str, alias: str | None = None
) -> MetricSpec:
    return MetricSpec(
        ref_id=ref_id,
        title=title,
        code=code,
        loinc=loinc,
        unit="{score}",
        low=low,
        high=high,
        cadence_s=4 * HOUR,
        aliases=(alias,) if alias else (),
    )


_SCORES = (
    _score(
        "MDC_SCORE_GLAS_COMA",
        "Glasgow coma scale",
        low=3,
        high=15,
        code=153728,
        loinc="9269-2",  # [GK]
        alias="loinc:9269-2",
    ),
    _score("loinc:9267-6", "Glasgow coma scale, eyes", low=1, high=4, loinc="9267-6"),  # codes [V], ranges [GK]
    _score("loinc:9268-4", "Glasgow coma scale, motor", low=1, high=6, loinc="9268-4"),
    _score("loinc:9270-0", "Glasgow coma scale, verbal", low=1, high=5, loinc="9270-0"),
)

# Values as the wire contract lists them. Charted before each dose, every 8 h; skin, stool, ECG and gut daily [D].
_CHARTED = (
    _charted(
        "rhythm",
        "heart rhythm",
        "sinus sinus_tachycardia af svt bradycardia vt vf asystole paced unknown",
    ),
    _charted(
        "mental_status",
        "mental status",
        "normal vivid_dreams mild_anxiety confusion agitation hallucinations obtunded coma",
    ),
    _charted("stool_blood", "blood in stool", "negative positive frank", cadence_s=DAY),
    _charted("skin", "skin", "normal bullous_dermatitis moist_desquamation", cadence_s=DAY),
    _charted("ecg", "electrocardiogram", "normal ischemia infarction", cadence_s=DAY),
    _charted("infection", "infection", "none suspected documented sepsis"),
    _charted("ventilation", "ventilation", "none niv intubated"),
    _charted("dialysis", "dialysis", "none running"),
    _charted("seizure", "seizures", "none controlled uncontrolled"),
    _charted("gi", "gut", "normal ileus ischemia_or_perforation bleeding_surgery", cadence_s=DAY),
    _charted("angina", "angina", "absent present"),
    _charted("hepatic", "liver", "normal failure"),
    _charted("tamponade", "tamponade", "absent present"),
    _charted("volume_overload", "volume overload", "none severe"),
    _charted("arrhythmia_control", "arrhythmia under treatment", "controlled refractory"),
    _charted("dyspnea", "dyspnoea", "none resting"),
    _charted("rales", "rales", "none third half"),
    _charted("vomiting", "vomiting", "none controlled refractory"),
    _charted("distention", "abdominal distention", "none present breathing"),
    _charted("paresthesia", "paraesthesia", "none tightness extreme"),
    # Parts of rows of the consensus table that no other metric carries (clinical.md 3.1). Uncharted, they say nothing.
    _charted("ectopy", "premature ventricular beats, bigeminy", "none frequent"),
    _charted("ck_mb", "CK-MB", "normal raised"),
    _charted("crying", "crying", "none persistent"),
    _charted("serial_sevens", "serial sevens, WORLD backwards", "able unable"),
    _charted("abdominal_pain", "abdominal pain", "none severe"),
)

SPECS: tuple[MetricSpec, ...] = (
    *_HEART,
    *_ARTERIAL,
    *_CUFF,
    *_VENOUS,
    *_BREATHING,
    *_TEMPERATURE,
    *_BODY_AND_FLUID,
    *_PUMP,
    *_LABORATORY,
    *_SCORES,
    *_CHARTED,
)
"""Every metric once, in the order of the protocol document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSpec:
    """An event that a device reports by name."""

    ref_id: str
    title: str
    code: int | None = None
    """MDC code: partition x 65536 + term. For reference only."""
    rhythm: str | None = None
    """The value of `site:rhythm` that holds while the event lasts; None for what is no rhythm."""
    least_duration_s: float | None = None
    """How long a run is that goes by this name, where the event itself says neither beats nor duration."""


# Numbers from the 2004 edition of 10101 [V, R77]; 10101:2019 and -10102 may differ. The names of asystole, atrial
# fibrillation and sinus tachycardia agree with DICOM CID 3038; the other names are from memory [GK].
_RHYTHM_EVENTS = (
    EventSpec(ref_id="MDC_EVT_ECG_ASYSTOLE", title="asystole", code=199684, rhythm="asystole"),
    EventSpec(ref_id="MDC_EVT_ECG_V_FIB", title="ventricular fibrillation", code=199806, rhythm="vf"),
    EventSpec(ref_id="MDC_EVT_ECG_V_TACHY", title="ventricular tachycardia", code=199832, rhythm="vt"),
    EventSpec(
        ref_id="MDC_EVT_ECG_V_TACHY_NON_SUST",
        title="ventricular tachycardia, not sustained",
        code=199834,
        rhythm="vt",
    ),
    EventSpec(
        ref_id="MDC_EVT_ECG_V_TACHY_SUST",
        title="ventricular tachycardia, sustained",
        code=199836,
        rhythm="vt",
        least_duration_s=30.0,  # what the word means [GK] clinical.md 2.3
    ),
    EventSpec(ref_id="MDC_EVT_ECG_ATR_FIB", title="atrial fibrillation", code=199736, rhythm="af"),
    EventSpec(ref_id="MDC_EVT_ECG_SV_TACHY", title="supraventricular tachycardia", code=199800, rhythm="svt"),
    EventSpec(ref_id="MDC_EVT_ECG_SINUS_TACHY", title="sinus tachycardia", code=199870, rhythm="sinus_tachycardia"),
    EventSpec(ref_id="MDC_EVT_ECG_BRADY_EXTREME", title="extreme bradycardia", code=199694, rhythm="bradycardia"),
    EventSpec(ref_id="MDC_EVT_ECG_TACHY_EXTREME", title="extreme tachycardia", code=199730),
)

# Delivery [S, R21, R75]; occlusion [V], the rest computed.
_PUMP_EVENTS = (
    EventSpec(ref_id="MDC_EVT_PUMP_DELIV_START", title="delivery started", code=197288),
    EventSpec(ref_id="MDC_EVT_PUMP_DELIV_COMP", title="delivery complete", code=197292),
    EventSpec(ref_id="MDC_EVT_VOL_INFUS_NEAR_COMP", title="infusion near its end", code=197334),
    EventSpec(ref_id="MDC_EVT_FLUID_LINE_OCCL", title="line occluded", code=196940),
    EventSpec(ref_id="MDC_EVT_FLUID_LINE_AIR", title="air in the line", code=197200),
    EventSpec(ref_id="MDC_EVT_DOOR_POSN_ERR", title="door open", code=197084),
    EventSpec(ref_id="MDC_EVT_BATT_LO", title="battery low", code=196802),
    EventSpec(ref_id="MDC_EVT_PUMP_FLOW_FREE", title="free flow"),
    EventSpec(ref_id="MDC_EVT_PUMP_GENERAL_ALARM", title="pump alarm, the text says which", code=196670),
)

EVENTS: Mapping[str, EventSpec] = MappingProxyType({e.ref_id: e for e in (*_RHYTHM_EVENTS, *_PUMP_EVENTS)})
"""Events known by name; any other is kept and counted."""

METRICS: Mapping[str, MetricSpec] = MappingProxyType(
    {name: spec for spec in SPECS for name in (spec.ref_id, *spec.aliases)}
)
"""Every accepted name, aliases included, to its metric."""

CHARTED_STATES: tuple[str, ...] = tuple(spec.ref_id for spec in _CHARTED)
"""The enumerations that a clinician charts; each is a signal of the same name."""

SIGNAL_UNITS: Mapping[str, str] = MappingProxyType(
    {
        "hr": "/min",
        "map": "mm[Hg]",
        "sbp": "mm[Hg]",
        "dbp": "mm[Hg]",
        "spo2": "%",
        "rr": "/min",
        "temp": "Cel",
        "cvp": "mm[Hg]",
        "etco2": "mm[Hg]",
        "weight": "kg",
        "urine_ml_h": "mL/h",
        "urine_ml_8h": "mL",
        "fluid_balance_ml_24h": "mL",
        "weight_gain_pct": "%",
        "shock_index": "1",
        "creatinine": "mg/dL",
        "bicarbonate": "mmol/L",
        "bilirubin": "mg/dL",
        "platelets": "10*3/uL",
        "troponin": "ng/mL",
        "glucose": "mg/dL",
        "potassium": "mmol/L",
        "albumin": "g/dL",
        "o2_flow": "L/min",
        "fio2": "%",
        "phenylephrine_ug_kg_min": "ug/kg/min",
        "norepinephrine_ug_kg_min": "ug/kg/min",
        "dopamine_ug_kg_min": "ug/kg/min",
        "vasopressin_u_min": "[IU]/min",
        "site:diarrhea_ml_8h": "mL",
        **dict.fromkeys(CHARTED_STATES, ""),
    }
)
"""Every patient-level signal and its unit (UCUM; empty for a charted state)."""
