"""What Rucio holds, which needs its server."""

from __future__ import annotations

from tests.kinds.worlds import Elsewhere

WORLD = Elsewhere(
    "its world has a Rucio, whose server takes longer to start than this walk",
    ("commands/rucio_test.py", "commands/rucio_killed_test.py", "commands/rucio_faults_test.py"),
)
