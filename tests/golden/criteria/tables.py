"""Every golden table by profile."""

from __future__ import annotations

from collections.abc import Mapping

from tests.golden.criteria.consensus import COMMUNITY_2015, JITC_2014
from tests.golden.criteria.label import LABEL_2024, LABEL_LEGACY
from tests.golden.criteria.rows import Row
from tests.golden.criteria.til import TIL_2024

TABLES: Mapping[str, tuple[Row, ...]] = {
    "label-2024": LABEL_2024,
    "label-legacy": LABEL_LEGACY,
    "jitc-2014": JITC_2014,
    "community-2015": COMMUNITY_2015,
    "til-2024": TIL_2024,
}
