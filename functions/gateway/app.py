"""Entry point of deployment Gateway. Written by `adapter build text_service:app`."""

from adapter.function import entry_point
from adapter.serve import DeploymentHandle
from text_service import Gateway

handler = entry_point(
    Gateway,
    DeploymentHandle("Sentiment"),
    DeploymentHandle("Keywords"),
)
