"""Emulated boards that run the agent and are reached as real ones are: by a serial port.

    with EmulatedBoard("RPI_PICO", folder, settings=for_site(gateway_toml, "door")) as board:
        board.serial_url                    socket://127.0.0.1:PORT, which pyserial opens
        board.wait_for("enrolled")          what the agent says of itself
        board.power_off()                   at any moment; board.power_on() starts it again

One interface for every kind of board in KINDS; what only some of them have is None on the others.
Emulated they are, and their evidence says so: a gateway refuses them unless its site allows it.
"""

from countersign_workshop.emulation.emulated_board.board import EmulatedBoard
from countersign_workshop.emulation.emulated_board.machines import KINDS, BoardStopped
from countersign_workshop.emulation.emulated_board.settings import for_gateway, for_site

__all__ = ["KINDS", "BoardStopped", "EmulatedBoard", "for_gateway", "for_site"]
