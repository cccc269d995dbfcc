"""Simulated patients and devices, recordings to play, and a load generator.

They know the wire and never the service: what they do could be done by any device that speaks the contract.
"""
