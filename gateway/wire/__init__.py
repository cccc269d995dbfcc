"""The wire contract: topics, message schema, codec. Pure; knows nothing of the service."""
