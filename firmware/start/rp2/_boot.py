"""What this image runs before anything else, in place of the port's own _boot.py: that one formats
a file system that it cannot read, and a device's identity with it.
"""

import board_files
import rp2

board_files.mount(rp2.Flash())

del board_files, rp2
