"""What a backtest judges by: one profile, or two to be compared.

A profile is a dosing profile or alarm rules, by id or as a file; the other of the two is as for a live ward. Whatever
an admission of the recording names, the dosing profile of the arm is in force. The alarm policy says what becomes of
the rules' verdicts; under `plain` each of them is an alarm, which is the burden before grouping, inhibition and delays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from alerts.rulebook import Rulebook
from gateway.rulesets import DEFAULT_ALARM_POLICY, DEFAULT_ALARM_PROFILE, is_dosing, load_dosing_profile, load_rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A profile under which the recordings are run."""

    name: str
    """As asked for."""
    rules: Rulebook

    @property
    def dosing_id(self) -> str:
        """The dosing profile in force."""
        return self.rules.forced_dosing or self.rules.usual_dosing

    @property
    def identity(self) -> tuple[tuple[str, str, str], ...]:
        """Kind, id with version, and hash of each part."""
        alarms, dosing, policy = self.rules.alarms, self.rules.dosing.get(self.dosing_id), self.rules.policy
        parts = [("alarm rules", f"{alarms.id} {alarms.version}", alarms.sha256)]
        parts.append(("alarm policy", f"{policy.id} {policy.version}", policy.sha256))
        if dosing is not None:
            parts.append(("dosing profile", f"{dosing.id} {dosing.version}", dosing.sha256))
        return tuple(parts)


def arm_of(profile: str, alarms: str = DEFAULT_ALARM_PROFILE, policy: str = DEFAULT_ALARM_POLICY) -> Arm:
    """The arm of a profile.

    Args:
        profile: Id or `.toml` file of a dosing profile, or of alarm rules.
        alarms: Alarm rules where `profile` is a dosing profile.
        policy: Id or `.toml` file of an alarm policy.

    Raises:
        ProfileError: there is none, or it is not valid.
    """
    if not is_dosing(profile):
        return Arm(name=_name(profile, policy), rules=load_rulebook(profile, policy=policy))
    dosing, rules = load_dosing_profile(profile), load_rulebook(alarms, policy=policy)
    known = {**rules.dosing, dosing.id: dosing}
    return Arm(name=_name(profile, policy), rules=replace(rules, dosing=known, forced_dosing=dosing.id))


def _name(profile: str, policy: str) -> str:
    return profile if policy == DEFAULT_ALARM_POLICY else f"{profile} with {policy}"
