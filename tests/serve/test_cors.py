from typing import Any

import pytest

from adapter.errors import InvalidOption
from adapter.serve import Cors, LambdaOptions


def test_a_page_may_send_what_it_likes_unless_something_else_is_said() -> None:
    cors = Cors(allow_origins=("https://shop.example",))

    assert (cors.allow_methods, cors.allow_headers) == (("*",), ("*",))
    assert not cors.allow_credentials


def test_a_config_file_writes_it_as_a_mapping_with_lists() -> None:
    written: Any = {"allow_origins": ["*"], "allow_methods": ["GET"]}

    assert LambdaOptions(cors=written).cors == Cors(allow_origins=("*",), allow_methods=("GET",))


@pytest.mark.parametrize("origin", ["*", "http://localhost:5173", "https://a.example:8443"])
def test_an_origin_is_a_scheme_and_a_host(origin: str) -> None:
    assert Cors(allow_origins=(origin,)).allow_origins == (origin,)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"allow_origins": ()}, "allow_origins=() must name at least one origin, or '*'."),
        ({"allow_origins": "*"}, "allow_origins='*' must be a list of strings."),
        ({"allow_origins": ("shop.example",)}, "allow_origins: 'shop.example' is not allowed; exp"),
        ({"allow_origins": ("https://a.example/",)}, "allow_origins: 'https://a.example/' is not "),
        ({"allow_origins": ("https://*.a",)}, "allow_origins: 'https://*.a' is not allowed; expec"),
        ({"allow_origins": ("https://a",) * 101}, "allow_origins has 101 entries; AWS allows 100."),
        ({"allow_methods": ("OPTIONS",)}, "allow_methods: 'OPTIONS' is not allowed; expected *, D"),
        ({"allow_methods": ("get",)}, "allow_methods: 'get' is not allowed; expected *, DELETE, "),
        ({"allow_headers": ("a b",)}, "allow_headers: 'a b' is not allowed; expected names of he"),
        ({"expose_headers": (1,)}, "expose_headers=(1,) must be a list of strings."),
        ({"max_age_s": 86_401}, "max_age_s=86401 must be a whole number from 0 to 86400."),
        ({"allow_credentials": 1}, "allow_credentials=1 must be True or False."),
        ({"allow_credentials": True}, "allow_credentials with allow_methods='*': browsers refuse"),
        ({"max_age": 5}, "Cors has no option 'max_age'. Did you mean 'max_age_s'?"),
    ],
)
def test_what_aws_or_browsers_refuse_is_refused(written: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        Cors(**{"allow_origins": ("https://shop.example",), **written})

    assert str(caught.value).startswith(message)
