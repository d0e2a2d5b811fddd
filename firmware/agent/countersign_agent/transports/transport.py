"""What the agent needs of a transport. What is behind it is trusted with nothing.

    connect()             open a session: the device is seen to be there, what is for it comes, and
                          the current beacon first
    send(kind, payload)   at least once: kept and sent again after a reconnect until the other side
                          has acknowledged it. The number kept is bounded: a new message displaces
                          the oldest
    receive(timeout_ms)   the next message as (kind, payload), or None if there was none in time.
                          payload is None for a message above MAX_MESSAGE_BYTES: it was dropped and
                          acknowledged (a serial line has no frame for such a message)
    ask_beacon()          the current beacon will come once more
    leave()               the device is seen to go; called before an orderly end
    close()               end the session if there is one; never raises

kind is a Kind of countersign.carriers.kinds, payload bytes. That the device is there is a hint for
people; where people can see it, the transport also shows that a session was lost without `leave`.
Every method but `close` raises TransportError when the session cannot be had or is lost; `connect`
may then be called again. `mqtt_transport.MqttTransport` and `serial_transport.SerialTransport` are
the real ones; the tests' in-memory one keeps the same contract.
"""


class TransportError(Exception):
    """The session is not there, or is no longer. The text says why, for the log."""


class NotOurs(Exception):
    """`receive` got a message of no kind that this device takes. The text says where, for the log.

    The session goes on.
    """
