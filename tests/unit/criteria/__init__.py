"""The dose criteria: predicates, state machines, decision, profiles, words."""
