"""`python -m tests.e2e.proxied_runtime WAY LIMIT`: our runtime behind a proxy that fails it once.

Its first connection to the Runtime API is reset when LIMIT bytes have passed one way.
"""

import os
import sys

from adapter.runtime.main import main
from tests.faults import Address, Fault, proxied_in_a_thread

if __name__ == "__main__":
    way, limit = sys.argv[1:]
    host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
    with proxied_in_a_thread(Address(host, int(port))) as proxy:
        proxy.next(**{f"to_{way}": Fault(limit=int(limit), reset=True)})
        os.environ["AWS_LAMBDA_RUNTIME_API"] = proxy.address.text
        sys.exit(main())
