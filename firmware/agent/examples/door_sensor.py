"""An example sensor: whether a door is open, and how often it was opened since the start.

A sensor is a function without arguments. The agent calls it before each check-in and sends what
it returns: up to 16 readings, names of 1 to 23 bytes with signed 32-bit integers. The protocol has
no floats, so choose a unit in which whole numbers suffice: millikelvin, not degrees.

The agent has no setting for a sensor yet. This works where a program of your own starts the agent:
on a board with stock MicroPython that `countersign provision` has made a device. Copy this file to
it, and replace the main.py that provisioning wrote by

    import micropython
    micropython.kbd_intr(-1)
    from machine import Pin
    from countersign_agent import restart, sensors
    from door_sensor import Door
    sensors.read_board = Door(Pin(16, Pin.IN, Pin.PULL_UP)).read
    restart.run("/countersign.json")
"""


class Door:
    """A reed contact that pulls its pin to ground while the door is shut.

    pin: anything with `value()`, 0 or 1, and `irq(handler)` as machine.Pin has it.
    """

    def __init__(self, pin):
        self._pin = pin
        self._openings = 0
        pin.irq(self._changed)

    def read(self) -> dict:
        return {"door_open": self._pin.value(), "door_openings": self._openings & 0x7FFFFFFF}

    def _changed(self, pin):
        self._openings += pin.value()
