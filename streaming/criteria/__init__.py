"""Dose criteria: predicates over a patient's facts, their state machines, and the profiles that instantiate them."""
