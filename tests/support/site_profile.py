"""An alarm profile of a site in pieces, for tests that put some together, change a line, and read what comes of it.

Each piece is right as it stands: what is said of a text is said of the line that a test has changed. Every number, name
and text of one piece stands in it once, so that a replacement hits what is meant.
"""

from __future__ import annotations

import pytest

from streaming.rules.profile import ProfileError, parse_profile

FILE = "site.toml"
PROFILE = """
[profile]
id = "site"
version = "3"
title = "A site's own"

[patient_limits]
map_alarm = { low = 50, high = 90, unit = "mm[Hg]" }
sbp_alarm = { low = 70, high = 130, unit = "mm[Hg]" }
spo2_low = { low = 80, high = 96, unit = "%" }
"""
LIMIT_RULE = """
[[limit_rule]]
id = "low"
family = "hypotension"
title = "MAP low"
signal = "map"
below = 65.0
reset_at = 68.0
patient_limit = "map_alarm"
onset_delay_s = 120
clear_delay_s = 30
priority = "medium"
harm = "reversible"
develops = "prompt"
rationale = "why"
reference = "where from"
"""
CLOCK_RULE = """
[[equipment_rule]]
id = "clock"
kind = "clock_skew"
family = "clock_skew"
title = "Clock wrong"
above_s = 5.0
reset_s = 4.0
onset_delay_s = 30
clear_delay_s = 30
priority = "low"
harm = "minor"
develops = "prompt"
rationale = "why"
reference = "where from"
"""
OFFLINE_RULE = """
[[equipment_rule]]
id = "offline"
kind = "device_offline"
family = "device_offline"
title = "Gone"
silent_after_s = { monitor = 20 }
onset_delay_s = 10
clear_delay_s = 0
priority = "medium"
harm = "reversible"
develops = "prompt"
rationale = "why"
reference = "where from"
"""
BATTERY_RULE = """
[[equipment_rule]]
id = "battery"
kind = "battery_low"
family = "pump"
title = "Battery low"
onset_delay_s = 0
clear_delay_s = 0
priority = "medium"
harm = "reversible"
develops = "prompt"
rationale = "why"
reference = "where from"
"""
INFUSION_RULE = """
[[infusion_rule]]
id = "early"
family = "dose"
finding = "too_early"
title = "Too early"
onset_delay_s = 0
clear_delay_s = 0
priority = "medium"
harm = "reversible"
develops = "prompt"
rationale = "why"
reference = "where from"
"""


def complaint(text: str) -> str:
    """What is said of a profile that cannot be taken."""
    with pytest.raises(ProfileError) as caught:
        parse_profile(text, FILE)
    return str(caught.value)


def is_taken(text: str) -> bool:
    """Whether nothing is said of a profile."""
    try:
        parse_profile(text, FILE)
    except ProfileError:
        return False
    return True


def without(field: str, text: str) -> str:
    """The text without the lines of a field."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(f"{field} ="))
