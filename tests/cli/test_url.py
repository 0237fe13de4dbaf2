import json
from pathlib import Path

from tests.aws import Aws, aws, region, shop

__all__ = ["aws", "region"]


def test_urls_are_shown_by_output(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop(Url="https://x.example/", ModelFunction="shop-Model"))

    text = aws.call(tmp_path, "url", "--stack", "shop").stdout
    told = json.loads(aws.call(tmp_path, "url", "--stack", "shop", "--output", "json").stdout)

    assert text == "  Url  https://x.example/\n"
    assert told == {"Url": "https://x.example/", "ModelFunction": "shop-Model"}


def test_one_output_is_its_value_alone(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop(Url="https://x.example/"))

    assert aws.call(tmp_path, "url", "Url", "--stack", "shop").stdout == "https://x.example/\n"
    done = aws.call(tmp_path, "url", "Ural", "--stack", "shop")
    assert (done.returncode, done.stdout) == (1, "")
    assert "has no output 'Ural'. Did you mean 'Url'? It has: Url." in done.stderr


def test_a_stack_without_url_says_so(aws: Aws, tmp_path: Path) -> None:
    aws.create_stack("shop", shop())

    done = aws.call(tmp_path, "url", "--stack", "shop")

    assert (done.returncode, done.stdout) == (
        0,
        "  stack shop has no URL: its functions are called by name.\n",
    )
