from mangum import Mangum

from bench.handlers.light import app

handler = Mangum(app)
