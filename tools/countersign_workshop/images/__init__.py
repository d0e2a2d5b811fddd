"""Firmware images, native modules and packages, and their budgets."""
