"""Settings of the differential tests.

By default the tests are short and repeat exactly. COUNTERSIGN_LONG=1 runs many times as many
examples, with fresh randomness, for a release or a change to the code under test.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "short",
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long",
    parent=settings.get_profile("short"),
    max_examples=10_000,
    derandomize=False,
    print_blob=True,
)
settings.load_profile("long" if os.environ.get("COUNTERSIGN_LONG") == "1" else "short")
