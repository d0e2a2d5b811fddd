"""`countersign provision`: from a board that runs MicroPython to a device with an identity."""
