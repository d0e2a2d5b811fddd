"""What tests stand on, a subpackage for each side, imported as `support.<side>.<module>`."""
