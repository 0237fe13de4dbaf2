"""`python -m adapter.runtime`: serve the function that Lambda's environment variables name."""

import sys

from adapter.runtime.deferred_modules import deferred_modules

if __name__ == "__main__":
    # asyncio imports both, and a function without TLS uses neither.
    with deferred_modules("ssl", "asyncio.sslproto"):
        from adapter.runtime.main import main
    sys.exit(main())
