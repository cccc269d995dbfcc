"""Simulated devices and recordings: they know the wire, never the service."""
