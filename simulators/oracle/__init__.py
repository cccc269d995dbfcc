"""What truly happened in a run, what Vigil must, may and must not say about it, and how a run scored.

Written from the clinical text. It shares no code and no rule with the engine: it knows the patient, not the monitor.
"""
