"""An ingress in front of handlers/web.py. For Ray Serve `adapter` becomes `ray` in the import."""

from web import app as web  # type: ignore[import-not-found]  # handlers/web.py, copied beside

from adapter import serve


@serve.deployment(max_ongoing_requests=100)
@serve.ingress(web)
class Front:
    """Adds nothing to the application."""


app = Front.bind()
