"""Real sentences and what the text service says of them; the scores are VADER's own."""

from typing import Any

SENTENCES: dict[str, dict[str, Any]] = {
    "What a wonderful day": {
        "label": "positive",
        "score": 0.5719,
        "keywords": ["wonderful"],
    },
    "The delivery was late and the parcel arrived broken.": {
        "label": "negative",
        "score": -0.4767,
        "keywords": ["delivery", "late", "parcel", "arrived", "broken"],
    },
    "The meeting starts at nine in room twelve.": {
        "label": "neutral",
        "score": 0.0,
        "keywords": ["meeting", "starts", "nine", "room", "twelve"],
    },
    "VADER is not bad at all, and handles slang and emoticons :)": {
        "label": "positive",
        "score": 0.705,
        "keywords": ["vader", "handles", "slang", "emoticons"],
    },
    "Her Straße sign, with “curly” quotes, makes me smile 🙂": {
        "label": "positive",
        "score": 0.6378,
        "keywords": ["straße", "sign", "curly", "quotes", "makes"],
    },
}
