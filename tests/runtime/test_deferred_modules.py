"""Each test runs an interpreter of its own, in which nobody has imported the module yet."""

from pathlib import Path

import pytest

from tests.runtime.interpreter import lines_of
from tests.tls import write_certificate

FEED = """
import time
print("executed")
first = 1
time.sleep(0.2)  # so that other threads find it half done
last = first + 1
"""
DEFERRED = """
from adapter.runtime.deferred_modules import deferred_modules
with deferred_modules("feed"):
    import feed
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "feed.py").write_text(FEED)
    return tmp_path


def test_a_deferred_module_is_executed_when_an_attribute_is_asked_for(folder: Path) -> None:
    code = (
        DEFERRED
        + "import feed\nprint('imported twice')\nprint(feed.last)\nprint(vars(feed)['first'])"
    )

    assert lines_of(folder, code) == ["imported twice", "executed", "2", "1"]


def test_names_may_be_imported_from_it(folder: Path) -> None:
    assert lines_of(folder, DEFERRED + "from feed import last\nprint(last)") == ["executed", "2"]


def test_it_knows_its_file_without_being_executed(folder: Path) -> None:
    assert lines_of(folder, DEFERRED + "print(feed.__file__[-7:])") == ["feed.py"]


def test_threads_that_ask_at_once_find_it_whole(folder: Path) -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as threads:
    print(*threads.map(lambda name: getattr(feed, name), ["first", "last"] * 4))
"""

    assert lines_of(folder, DEFERRED + code) == ["executed", "1 2 1 2 1 2 1 2"]


def test_what_it_does_not_have_is_an_attribute_error_as_ever(folder: Path) -> None:
    code = """
for _ in range(2):
    try:
        feed.middle
    except AttributeError as error:
        print(error, error.name)
"""
    said = "module 'feed' has no attribute 'middle' middle"

    assert lines_of(folder, DEFERRED + code) == ["executed", said, said]


def test_an_error_is_raised_each_time_until_it_can_be_executed(folder: Path) -> None:
    (folder / "feed.py").write_text("import parts\n")
    code = """
import pathlib, importlib
try:
    feed.parts
except ImportError as error:
    print(error)
pathlib.Path("parts.py").write_text("")
importlib.invalidate_caches()
print(feed.parts.__name__)
"""

    assert lines_of(folder, DEFERRED + code) == ["No module named 'parts'", "parts"]


def test_modules_that_use_each_other_are_executed_once(folder: Path) -> None:
    (folder / "feed.py").write_text("print('feed')\nimport other\nlast = other.own + 1\n")
    (folder / "other.py").write_text("import feed\nprint(hasattr(feed, 'last'))\nown = 1\n")

    assert lines_of(folder, DEFERRED + "print(feed.last)") == ["feed", "False", "2"]


def test_a_module_that_is_there_already_stays_as_it_is(folder: Path) -> None:
    assert lines_of(folder, "import feed\n" + DEFERRED + "print('__getattr__' in vars(feed))") == [
        "executed",
        "False",
    ]


def test_tls_works_when_ssl_was_deferred(folder: Path) -> None:
    code = """
import sys
from adapter.runtime.deferred_modules import deferred_modules
with deferred_modules("ssl", "asyncio.sslproto"):
    import asyncio
print("_ssl" in sys.modules)
import asyncio, ssl

async def talk():
    async def answer(reader, writer):
        writer.write(await reader.readline())
        writer.close()
    here = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    here.load_cert_chain("tls.pem")
    there = ssl.create_default_context(cafile="tls.pem")
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=here)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=there, server_hostname="localhost"
    )
    writer.write(b"hello\\n")
    print(await reader.readline())
    writer.close()
    server.close()

asyncio.run(talk())
"""
    write_certificate(folder / "tls.pem")

    assert lines_of(folder, code) == ["False", "b'hello\\n'"]


def test_what_was_set_on_it_before_its_first_use_stays(folder: Path) -> None:
    assert lines_of(folder, DEFERRED + "feed.first = 'mine'\nprint(feed.last, feed.first)") == [
        "executed",
        "2 mine",
    ]


def test_it_lists_its_names(folder: Path) -> None:
    assert lines_of(folder, DEFERRED + "print({'first', 'last'} <= {*dir(feed)})") == [
        "executed",
        "True",
    ]


def test_a_child_that_is_forked_during_the_first_use_has_it_too(folder: Path) -> None:
    code = """
import os, sys, threading
executing = threading.Thread(target=lambda: feed.last)
executing.start()
while "first" not in vars(feed):
    pass
if not (child := os.fork()):
    sys.stdout = open(os.devnull, "w")
    os._exit(0 if feed.last == 2 else 1)
print(os.waitpid(child, 0)[1], feed.last)
executing.join()
"""

    assert lines_of(folder, DEFERRED + code) == ["executed", "0 2"]
