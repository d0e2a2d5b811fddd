"""Emulated boards that run the agent and are reached by a serial port, as real boards are.

    with EmulatedBoard("RPI_PICO", folder, settings=for_site(gateway_toml, "door")) as board:
        board.serial_url                    socket://127.0.0.1:PORT, which pyserial opens
        board.wait_for("enrolled")          what the agent says of itself
        board.power_off()                   at any moment; board.power_on() starts it again

Every kind of board in KINDS has the same interface. A property that a kind does not have is None.
The boards' evidence says that they are emulated, and a gateway refuses it unless its site allows
emulated devices.
"""

from countersign_workshop.emulation.emulated_board.board import EmulatedBoard
from countersign_workshop.emulation.emulated_board.machines import KINDS, BoardStopped
from countersign_workshop.emulation.emulated_board.settings import for_gateway, for_site

__all__ = ["KINDS", "BoardStopped", "EmulatedBoard", "for_gateway", "for_site"]
