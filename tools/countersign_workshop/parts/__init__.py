"""Every part that comes from elsewhere, fetched into the cache."""
