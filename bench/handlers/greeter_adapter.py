"""A deployment without HTTP, which is called."""

from adapter import serve
from adapter.function import entry_point


@serve.deployment
class Greeter:
    def greet(self, name: str) -> str:
        return f"hello {name}"


handler = entry_point(Greeter)
