"""Notifications: who is told of an alarm over HTTP, when, and what happens when nobody answers."""
