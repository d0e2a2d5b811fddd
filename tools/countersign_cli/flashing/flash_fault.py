"""Why a board was not flashed."""

from countersign_cli.mendable import Mendable


class FlashFault(Mendable):
    """One sentence with what to do next. Nothing was written unless the sentence says so."""
