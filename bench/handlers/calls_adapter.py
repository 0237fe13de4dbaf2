"""Calls through a handle, from a deployment in our loop."""

from adapter.function import entry_point
from adapter.serve import DeploymentHandle
from bench.programs.calls import Caller

handler = entry_point(Caller, DeploymentHandle("Echo"))
