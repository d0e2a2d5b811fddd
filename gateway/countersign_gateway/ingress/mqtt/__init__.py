"""MQTT: the client of a broker, and the embedded broker."""
