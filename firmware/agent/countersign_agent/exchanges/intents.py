"""What an exchange wants that is not its own affair. It returns it, and the agent does it."""

STOP = 1  # revoked: nothing will ever be accepted again
ENROL_AGAIN = 2
ASK_BEACON = 3
