"""Write the plan of a stack as a SAM project.

    settings   what the user chose: output, runtime, staging
       │
    sources, requirements      what the functions need of the user's code and of PyPI
       │
    document   plan ─► the template as plain data; cloudformation writes that as YAML;
       │       function_resource is one function in it, with its role: permissions collects from
       │       the modules of one noun each (log_group, vpc, ...) what it may do
       │
    project    everything that belongs on disk, as values; images is what images are built of
       │
    output     compares the values with the disk and swaps them in

Nothing above `output` writes, so `adapter build --check` is the same pipeline without its end.
"""
