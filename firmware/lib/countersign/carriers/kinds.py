"""The kinds of messages: one table for their topics on a broker and their frames on a line."""

UP = "up"  # from one device
DOWN = "down"  # to one device
SITE = "gateway"  # to every device of the site, so it carries no device's identifier


class Kind:
    """name: the last segment of its topic. frame: the number of its frames on a line, 17 to 255."""

    def __init__(self, name: str, frame: int, direction: str):
        self.name = name
        self.frame = frame
        self.direction = direction

    @property
    def path(self) -> str:
        """The end of its topic."""
        return self.direction + "/" + self.name


ENROL = Kind("enrol", 17, UP)
EVIDENCE = Kind("evidence", 18, UP)
CHALLENGE = Kind("challenge", 32, DOWN)
RESULT = Kind("result", 33, DOWN)
RECEIPT = Kind("receipt", 34, DOWN)
ERROR = Kind("error", 35, DOWN)
BEACON = Kind("beacon", 36, SITE)

ALL = (ENROL, EVIDENCE, CHALLENGE, RESULT, RECEIPT, ERROR, BEACON)
