from adapter import lambda_handler
from bench.handlers.model import MODEL
from bench.handlers.web import app

handler = lambda_handler(app)
assert MODEL is not None
