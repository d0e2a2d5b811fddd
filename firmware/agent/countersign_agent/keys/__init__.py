"""What the device keeps: its identity, its counters, its entropy."""
