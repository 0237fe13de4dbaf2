"""The command `adapter`: one module per command, the group and its error boundary in `main`.

A command's module is imported when the command is asked for, so `adapter --help` answers at once.
"""
