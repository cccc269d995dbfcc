"""The second pure ring: from rule outcomes to alarms, their lifecycle and their evidence."""
