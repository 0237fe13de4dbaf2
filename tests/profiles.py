"""How hard hypothesis tries: `pytest --hypothesis-profile=long`.

Without a deadline for one example: how long it takes says how busy the machine is.
"""

from typing import Final

from hypothesis import settings

LONG: Final = "long"


def register() -> None:
    """Register the profiles. Hypothesis takes "ci" where the environment says CI, else "default".

    In CI the examples are the same each time, so that a change is never refused by chance; what
    looks for new ones there is `make fuzz`.
    """
    settings.register_profile("default", deadline=None, max_examples=100)
    settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True)
    settings.register_profile(LONG, deadline=None, max_examples=5_000)
