"""Entry point of deployment Keywords. Written by `adapter build text_service:app`."""

from adapter.function import entry_point
from text_models import Keywords

handler = entry_point(Keywords, most=5)
