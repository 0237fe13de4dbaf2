from adapter import lambda_handler
from bench.handlers.web import app

handler = lambda_handler(app)
