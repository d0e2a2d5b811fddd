"""`make bench-perimeter`: what honest devices lose while somebody attacks their site.

One attack a file in attacks/. Each runs against a new site, whose gateway is a real process, while
honest devices check in. measurement.py says what is measured, and how.
"""
