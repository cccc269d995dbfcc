"""The service: devices in over MQTT, the journal, the fold, HTTP and the feed out."""
