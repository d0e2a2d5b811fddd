"""Decides what follows from a verified message: appraisal by policy, lifecycle, freshness."""
