"""From the wire to a stored reading: formats, MQTT intake, registry, storage."""
