"""The button that gives a person a board's prompt."""


def find(pin: int):
    """A callable that says whether the button is held, or None for a board without one.

    pin: of a button or strap to ground; None for BOOTSEL on an RP2040 or RP2350.
    """
    if pin is not None:
        from machine import Pin  # only here: not every build has it

        line = Pin(pin, Pin.IN, Pin.PULL_UP)
        return lambda: not line.value()
    try:
        import rp2  # only here: other chips have no such module
    except ImportError:
        return None
    return rp2.bootsel_button
