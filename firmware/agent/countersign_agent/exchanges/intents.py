"""What an exchange asks the agent to do next: it returns an intent, and the agent acts on it."""

STOP = 1  # the gateway revoked this device and will accept nothing from it again
ENROL_AGAIN = 2
ASK_BEACON = 3
RECONNECT = 4
