"""The `countersign` command: everything that runs on a workstation rather than on a device."""
