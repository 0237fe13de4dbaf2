"""Write an application's plan as a SAM project.

    settings   what the user chose: output, runtime, staging
       │
    sources, requirements      what the functions need of the user's code and of PyPI
       │
    document   plan ─► the template as plain data; cloudformation writes that as YAML;
       │       function_resource is one function in it, runtimes what it asks of the runtime
       │
    project    everything that belongs on disk, as values
       │
    output     compares the values with the disk and swaps them in

Nothing above `output` writes, so `adapter build --check` is the same pipeline without its end.
"""
