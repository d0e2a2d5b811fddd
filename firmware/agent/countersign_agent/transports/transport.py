"""What the agent needs of a transport. The agent trusts no broker and no line behind it.

    connect()             open a session: announce the device, and let its messages come, the
                          current beacon first. True if this session only serves to enrol
    admitted()            the gateway has just enrolled this device
    send(kind, payload)   deliver at least once: keep the message, and send it again after a
                          reconnect, until the other side acknowledges it. The number kept is
                          bounded: a new message displaces the oldest
    receive(timeout_ms)   the next message as (kind, payload), or None if there was none in time.
                          payload is None for a message above MAX_MESSAGE_BYTES: it was dropped and
                          acknowledged (a serial line has no frame for such a message)
    ask_beacon()          let the current beacon come once more
    leave()               announce that the device goes; called before an orderly end
    close()               end the session if there is one; never raises

kind is a Kind of countersign.carriers.kinds, payload bytes. Presence is a hint for people. Where
people can see it, the transport also shows that a session was lost without `leave`.
Every method but `close` raises TransportError when there is no session or it is lost. The agent may
then call `connect` again. `mqtt_transport.MqttTransport` and `serial_transport.SerialTransport` are
the real ones; the tests' in-memory one keeps the same contract.
"""


class TransportError(Exception):
    """There is no session, or it was lost. The text says why, for the log.

    at_once: the transport has another way to try, so the agent connects again without a pause.
    """

    at_once = False


class NotOurs(Exception):
    """`receive` got a message that is not for this device. The text names its topic, for the log.

    The session goes on.
    """
