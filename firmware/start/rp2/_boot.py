"""This image runs this file first, in place of the port's own _boot.py. The port's own file formats
a file system that it cannot read, and so destroys a device's identity.
"""

import board_files
import rp2

board_files.mount(rp2.Flash())

del board_files, rp2
