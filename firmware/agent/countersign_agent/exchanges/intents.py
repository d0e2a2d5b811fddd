"""What an exchange asks the agent to do next: it returns an intent, and the agent acts on it."""

STOP = 1  # revoked: nothing will ever be accepted again
ENROL_AGAIN = 2
ASK_BEACON = 3
