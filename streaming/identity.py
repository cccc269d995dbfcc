"""Who and where: beds and the devices that stand at them.

A device is named by its place in the topic (`unit/bed/device`); it never names a patient. The association of a bed with
a patient is an admission and lives in `streaming.patient`.
"""

from __future__ import annotations

from typing import NamedTuple

CHART_DEVICE = "@chart"
"""Device name under which charted values stand; no topic can name it."""


class BedId(NamedTuple):
    """A bed in a unit (ward). The key by which everything is partitioned."""

    unit: str
    bed: str

    def __str__(self) -> str:
        return f"{self.unit}/{self.bed}"


class DeviceId(NamedTuple):
    """A device at a bed, as its topic names it."""

    unit: str
    bed: str
    device: str

    @property
    def bed_id(self) -> BedId:
        """The bed at which the device stands."""
        return BedId(self.unit, self.bed)

    def __str__(self) -> str:
        return f"{self.unit}/{self.bed}/{self.device}"
