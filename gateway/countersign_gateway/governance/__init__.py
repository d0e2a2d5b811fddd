"""What follows from a verified message: appraisal by policy, lifecycle, and freshness."""
