"""What the agent needs of a transport. The broker behind it is trusted with nothing.

    connect(will_topic, will_payload)   open a session; the will is published, retained, if the
                                        session is lost without `close`
    subscribe(topics)                   a list of topic filters, QoS 1; a filter subscribed again
                                        delivers its retained message again; a refusal shows
                                        in `poll`
    publish(topic, payload, retain)     at least once: kept and sent again after a reconnect until
                                        the broker has acknowledged it. The number kept is
                                        bounded: a new message displaces the oldest
    poll(timeout_ms)                    the next message as (topic, payload), or None if there
                                        was none in time. payload is None for a message above
                                        MAX_PAYLOAD_BYTES: it was dropped and acknowledged (a
                                        serial line has no frame for such a message)
    close()                             orderly end if there is a session; never raises

topic is text, payload bytes of at most MAX_PAYLOAD_BYTES. Every method but `close` raises
TransportError when the session cannot be had or is lost; `connect` may then be called again.
`mqtt_transport.MqttTransport` and `serial_transport.SerialTransport` are the real ones; the tests'
in-memory one keeps the same contract.
"""

MAX_PAYLOAD_BYTES = 2048


class TransportError(Exception):
    """The session is not there, or is no longer. The text says why, for the log."""
