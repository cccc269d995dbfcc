"""The pure core: from decoded device messages to patient signals and rule outcomes.

No input, output, clock, randomness or logging in here: time is an argument, and the same entries give the same
outcomes.
"""
