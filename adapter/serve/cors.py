"""Which pages of other origins may use an API: CORS, as the front door answers it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from adapter.errors import InvalidOption
from adapter.serve.checks import require_bool, require_int
from adapter.serve.records import Record

# https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html
METHODS = ("*", "DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_MOST = 100
_ORIGIN = r"\*|[a-z][a-z0-9+.-]*://[^\s/*?#]+"
_HEADER = r"\*|[A-Za-z0-9!#$%&'^_`|~.+-]+"
_LISTS = ("allow_origins", "allow_methods", "allow_headers", "expose_headers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors(Record):
    """What API Gateway or a function URL tells browsers: `LambdaOptions(cors=Cors(...))`.

    `allow_origins` are pages' origins, such as "https://shop.example", or "*" for all of them.
    `allow_methods` and `allow_headers` are what those pages may send, `expose_headers` the headers
    of answers that their scripts may read. A browser asks again after `max_age_s` (0 to 86,400).
    With `allow_credentials` it sends cookies along; a "*" is no answer then.

    Raises `InvalidOption` for a value that AWS refuses.
    https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CORS
    """

    allow_origins: tuple[str, ...]
    allow_methods: tuple[str, ...] = ("*",)
    allow_headers: tuple[str, ...] = ("*",)
    expose_headers: tuple[str, ...] = ()
    max_age_s: int = 600
    allow_credentials: bool = False

    def __post_init__(self) -> None:
        for name in _LISTS:
            object.__setattr__(self, name, _texts(name, getattr(self, name)))
        _require("allow_origins", self.allow_origins, _is_origin, "'https://shop.example' or '*'")
        if not self.allow_origins:
            raise InvalidOption("allow_origins=() must name at least one origin, or '*'.")
        _require("allow_methods", self.allow_methods, METHODS.__contains__, ", ".join(METHODS))
        for name in ("allow_headers", "expose_headers"):
            _require(name, getattr(self, name), _is_header, "names of headers, or '*'")
        require_int("max_age_s", self.max_age_s, least=0, most=86_400)
        require_bool("allow_credentials", self.allow_credentials)
        wild = [name for name in _LISTS if "*" in getattr(self, name)]
        if self.allow_credentials and wild:
            raise InvalidOption(
                f"allow_credentials with {wild[0]}='*': browsers refuse that. "
                "Name what is allowed.",
            )


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        raise InvalidOption(f"{name}={value!r} must be a list of strings.")
    if len(value) > _MOST:
        raise InvalidOption(f"{name} has {len(value)} entries; AWS allows {_MOST}.")
    return tuple(value)


def _require(
    name: str,
    values: Iterable[str],
    fits: Callable[[str], bool],
    expected: str,
) -> None:
    for value in values:
        if not fits(value):
            raise InvalidOption(f"{name}: {value!r} is not allowed; expected {expected}.")


def _is_origin(value: str) -> bool:
    return re.fullmatch(_ORIGIN, value) is not None


def _is_header(value: str) -> bool:
    return re.fullmatch(_HEADER, value) is not None
