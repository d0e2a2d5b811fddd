"""How messages travel: MQTT over TCP, or frames on a serial line."""
