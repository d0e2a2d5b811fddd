"""Why a board was not flashed."""


class FlashFault(Exception):
    """One sentence with what to do next. Nothing was written unless it says so."""
