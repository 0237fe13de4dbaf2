"""The models of the text service: plain classes, called by handles.

They live apart from the gateway, so that their functions never import FastAPI.
"""

import re
from collections import Counter
from collections.abc import Iterator

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from adapter import serve

# Words of four letters and more that carry no topic of their own; shorter ones are not counted.
STOP_WORDS = frozenset(
    {"about", "after", "been", "from", "have", "into", "just", "more", "only", "over", "some"}
    | {"such", "than", "that", "their", "them", "then", "there", "these", "they", "this", "very"}
    | {"were", "what", "when", "where", "which", "while", "will", "with", "would", "your"},
)


@serve.deployment(autoscaling_config={"min_replicas": 0, "max_replicas": 20})
class Sentiment:
    """Sentiment of a text, by the VADER lexicon."""

    def __init__(self) -> None:
        self.analyzer = SentimentIntensityAnalyzer()

    def __call__(self, text: str) -> dict[str, float]:
        """Return the shares of negative, neutral and positive words, and a compound score."""
        scores: dict[str, float] = self.analyzer.polarity_scores(text)
        return scores


@serve.deployment
class Keywords:
    """The words that a text is about."""

    def __init__(self, most: int) -> None:
        self.most = most

    def extract(self, text: str) -> list[str]:
        """Return the most frequent words, first come first among equals."""
        words = re.findall(r"[^\W\d_]{4,}", text.lower())
        counted = Counter(word for word in words if word not in STOP_WORDS)
        return [word for word, _ in counted.most_common(self.most)]


def sentences_about(text: str, words: list[str]) -> Iterator[str]:
    """Yield the sentences that hold one of the words, in the order of the text."""
    for sentence in re.split(r"(?<=[.!?])\s+", text.strip()):
        if any(word in sentence.lower() for word in words):
            yield sentence
