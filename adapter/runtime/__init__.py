"""The adapter's own client of Lambda's Runtime API: `python -m adapter.runtime`.

    next ──► parse (protocol) ──► handler ──► response or error ──► next ...

Standard library only. The same loop runs on Lambda, started by the exec wrapper of the adapter
layer, and on a developer's machine, started by `adapter run`.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import time

BEGAN = time.perf_counter()  # before anything else is imported: that belongs to init
