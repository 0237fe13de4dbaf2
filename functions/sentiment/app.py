"""Entry point of deployment Sentiment. Written by `adapter build text_service:app`."""

from adapter.function import entry_point
from text_models import Sentiment

handler = entry_point(Sentiment)
