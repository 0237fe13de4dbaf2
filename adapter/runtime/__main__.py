"""`python -m adapter.runtime`: serve the function that Lambda's environment variables name."""

import os
import sys

from adapter.runtime.deferred_modules import deferred_modules
from adapter.runtime.init_type import delays_an_invocation

if __name__ == "__main__":
    # asyncio imports both, and a function without TLS uses neither.
    unused = ("ssl", "asyncio.sslproto") if delays_an_invocation(os.environ) else ()
    with deferred_modules(*unused):
        from adapter.runtime.main import main
    sys.exit(main())
