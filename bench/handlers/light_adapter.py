from adapter import lambda_handler
from bench.handlers.light import app

handler = lambda_handler(app)
