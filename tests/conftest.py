"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A property is not a benchmark: on a machine that does other work as well, the default of 200 ms an example fails for
# no fault of the code. `timeout` in pyproject.toml still ends what hangs.
settings.register_profile("vigil", deadline=None)
settings.load_profile("vigil")
