from mangum import Mangum

from bench.handlers.raw import app

handler = Mangum(app)
handler_without_lifespan = Mangum(app, lifespan="off")
