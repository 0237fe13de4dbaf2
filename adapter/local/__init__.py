"""A Lambda on this machine: the plan's functions as child processes, behind HTTP and Lambda's API.

    browser, curl ──► http_front ──┐                       ┌─► environment ─► child process
                                   ├─► function (a pool) ──┤      │ speaks the Runtime API with
    boto3, handles ─► lambda_api ──┘                       └─►    ┘ the loop that runs on Lambda

`server` wires it and `listener` opens the ports; `log` tells what happens.
"""
