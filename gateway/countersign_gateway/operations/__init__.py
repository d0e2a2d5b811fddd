"""What people see of a running gateway: log, counts, limits, status."""
