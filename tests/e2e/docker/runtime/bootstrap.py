"""Serve `_HANDLER` with AWS's runtime client, on the search path that Lambda gives a function."""

import os
import runpy
import sys

sys.path[:0] = [
    os.environ["LAMBDA_TASK_ROOT"],
    "/opt/python/lib/python3.11/site-packages",
    "/opt/python",
]
sys.argv = ["awslambdaric", os.environ["_HANDLER"]]
runpy.run_module("awslambdaric", run_name="__main__")
