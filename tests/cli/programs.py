"""A program as users write it, and our command in its folder."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def shop(options: str = "") -> str:
    """Write a program of two deployments; `options` are those of the one that is called."""
    return f"""
from adapter import serve


@serve.deployment({options})
class Model:
    def __call__(self, text: str) -> str:
        return text.upper()


@serve.deployment
class Gateway:
    def __init__(self, model):
        self.model = model

    async def __call__(self, request):
        return await self.model.remote("hello")


app = Gateway.bind(Model.bind())
"""


def at_most(environments: int) -> str:
    """Write the options of a deployment that scales from zero."""
    return f'autoscaling_config={{"min_replicas": 0, "max_replicas": {environments}}}'


def adapter(
    folder: Path,
    *arguments: str,
    **environ: str,
) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`, away from the variables of this machine."""
    inherited = {name: value for name, value in os.environ.items() if "ADAPTER_" not in name}
    return subprocess.run(
        [sys.executable, "-m", "adapter.cli.main", *arguments],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
