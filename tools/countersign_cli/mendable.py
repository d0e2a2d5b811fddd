"""The base of every error that a person can mend."""


class Mendable(Exception):
    """What is wrong and what mends it, in a sentence for the person at the terminal.

    Several arguments are several faults, a sentence each. `cli.main` prints them as they are and
    ends with `exit_status`; nobody else needs to catch this.
    """

    exit_status = 1

    def __str__(self) -> str:
        return "\n".join(str(sentence) for sentence in self.args)
