from mangum import Mangum

from bench.handlers.model import MODEL
from bench.handlers.web import app

handler = Mangum(app)
assert MODEL is not None
