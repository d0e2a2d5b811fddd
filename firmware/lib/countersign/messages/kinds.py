"""What carries a message: a topic of a broker, or a frame on a line. One table for both.

kind       direction  topic             frame on a line
enrol      UP         …/up/enrol        17, with the device's identifier
result     DOWN       …/down/result     33, with the device's identifier
beacon     SITE       gateway/beacon    36, the same for every device
"""

UP = 1  # written by one device
DOWN = 2  # for one device
SITE = 3  # for every device of the site, so that no device's identifier goes with it


class Kind:
    """name: the last segment of its topic. frame: the number of its frames, 16 to 255."""

    def __init__(self, name: str, frame: int, direction: int):
        self.name = name
        self.frame = frame
        self.direction = direction


ENROL = Kind("enrol", 17, UP)
EVIDENCE = Kind("evidence", 18, UP)
CHALLENGE = Kind("challenge", 32, DOWN)
RESULT = Kind("result", 33, DOWN)
RECEIPT = Kind("receipt", 34, DOWN)
ERROR = Kind("error", 35, DOWN)
BEACON = Kind("beacon", 36, SITE)

ALL = (ENROL, EVIDENCE, CHALLENGE, RESULT, RECEIPT, ERROR, BEACON)
