"""Simulated NOR flash in RAM, with a power cut in the middle of any operation. MicroPython only.

It models the relevant physics: programming only clears bits, and erasing sets a whole block. A cut
tears one operation in one of TORN_MODES. After the cut nothing changes any more.
"""


class PowerCut(Exception):
    """The power is gone."""


# The effect of an interrupted operation: nothing, its first half, all but its end, or its first
# half with the rest half-charged.
TORN_MODES = ("nothing", "half", "almost", "noise")

_BLOCK_COUNT = 4
_BLOCK_SIZE = 5
_BLOCK_ERASE = 6
_EIO = -5


class RamFlash:
    """A block device (MicroPython's extended interface) over `data`, a bytearray of whole blocks.

    cut_after: how many programs and erases still succeed; None for all. `operations` counts them.
    `is_dead` is true after the cut.
    """

    def __init__(self, data, block_size, cut_after=None, torn="nothing"):
        self._data = data
        self._block_size = block_size
        self._cut_after = cut_after
        self._torn = torn
        self._block_count = len(data) // block_size
        self.is_dead = False
        self.operations = 0

    # Without power every call fails by its return value and allocates nothing, because the
    # collector closes files of a dead file system while the heap is locked.

    def readblocks(self, block, buffer, offset=0):
        if self.is_dead:
            return _EIO
        start = block * self._block_size + offset
        buffer[:] = self._data[start : start + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        if self.is_dead:
            return _EIO
        start = block * self._block_size + offset
        sound, charged = self._reach(len(buffer))
        # Programming clears bits. This is one AND over all bytes, as one large number.
        old = int.from_bytes(self._data[start : start + sound], "big")
        new = int.from_bytes(bytes(buffer)[:sound], "big")
        self._data[start : start + sound] = (old & new).to_bytes(sound, "big")
        for index in range(sound, charged):
            self._data[start + index] &= buffer[index] | (37 * index + 11) & 0xFF
        return self._finish()

    def ioctl(self, request, argument):
        if request == _BLOCK_COUNT:
            return self._block_count
        if request == _BLOCK_SIZE:
            return self._block_size
        if request != _BLOCK_ERASE:
            return 0
        if self.is_dead:
            return _EIO
        start = argument * self._block_size
        sound, charged = self._reach(self._block_size)
        self._data[start : start + sound] = b"\xff" * sound
        for index in range(sound, charged):
            self._data[start + index] |= (37 * index + 11) & 0xFF
        return self._finish()

    def unplug(self):
        """Cut the power: no later operation on this object changes anything."""
        self.is_dead = True

    def _reach(self, size):
        """(bytes completed, bytes touched at all) of an operation of `size` bytes."""
        self.operations += 1
        if self._cut_after is None or self.operations <= self._cut_after:
            return size, size
        self.is_dead = True
        if self._torn == "half":
            return size // 2, size // 2
        if self._torn == "almost":
            return size - 1, size - 1
        if self._torn == "noise":
            return size // 2, size
        return 0, 0

    def _finish(self):
        if self.is_dead:
            raise PowerCut("the power is gone")
        return 0
