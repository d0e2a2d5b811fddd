"""What people can observe of a running gateway (log, counts, status), and a rate limit."""
