"""Tests, by what they need: nothing (unit, properties), a port (contract), real processes (system, browser)."""
