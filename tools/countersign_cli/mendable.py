"""The base of every error that a person can mend."""


class Mendable(Exception):
    """What is wrong and what mends it, in a sentence for the person at the terminal.

    Several arguments are several faults, a sentence each. `cli.main` prints the sentences as they
    are and ends with `exit_status`. No other code needs to catch this class.
    """

    exit_status = 1

    def __str__(self) -> str:
        return "\n".join(str(sentence) for sentence in self.args)
