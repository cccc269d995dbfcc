"""Tests of whole parts against real processes: broker, service, files."""
