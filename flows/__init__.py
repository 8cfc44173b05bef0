"""Prefect flows over tcpdw's pipeline: schedules, retries, concurrency, artifacts.

Importing this sets, where the environment does not, what the flows want of Prefect, which reads it
when it is imported: no telemetry, and time enough for a temporary server to start.
"""

from __future__ import annotations

import os

_SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # Prefect's own 20 s are too few for a first start on a small machine, which takes up to 27 s.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}

for _name, _value in _SETTINGS.items():
    os.environ.setdefault(_name, _value)
