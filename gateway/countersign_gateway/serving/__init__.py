"""What goes out to devices, and what others may ask of the gateway."""
