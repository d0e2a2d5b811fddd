"""The commands and checks that need a checkout: fetch parts, build, emulate, measure, check."""
