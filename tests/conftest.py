"""What all tests share: how Hypothesis searches.

How long an example takes to make or to try says more about the machine than about the code, so nothing here fails for
being slow; what may take how long is for the benchmark to say.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("steadyhand", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steadyhand")
