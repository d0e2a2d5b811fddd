"""MQTT: the client of a broker, and the broker that the gateway itself runs."""
