from adapter import lambda_handler
from bench.handlers.raw import app

handler = lambda_handler(app)
