"""Which HTTP answer a refused command gets."""

from __future__ import annotations

import pytest

from gateway.web.ports import Refused
from gateway.web.problems import invalid_body, refused


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("no_such_admission", 404),
        ("no_such_alarm", 404),
        ("bed_taken", 409),
        ("already_ended", 409),
        ("already_admitted", 409),
        ("a_reason_of_tomorrow", 409),
        ("no_such_profile", 422),
        ("limit_out_of_range", 422),
    ],
)
def test_refusal_is_answered_with_the_status_of_its_reason(reason: str, status: int) -> None:
    assert refused(Refused(reason, "why")).status_code == status


@pytest.mark.parametrize(
    ("detail", "field"),
    [
        ("$.limits.hr_low must be below", "limits.hr_low"),
        ("$.metrics['odd name'] must be", "metrics"),
        ("$ must be an object", ""),
        ("no path at all", ""),
    ],
)
def test_rejection_of_the_wire_names_the_field(detail: str, field: str) -> None:
    assert [each["field"] for each in invalid_body("out_of_range", detail).errors] == [field]
