"""Tracebacks of errors in the user's code: the user's frames, and one line for ours."""

import traceback
from pathlib import Path

_PACKAGE = str(Path(__file__).resolve().parents[1])
_MACHINERY = ("/click/core.py", "/click/decorators.py", "/importlib/__init__.py")


def user_traceback(error: BaseException) -> str:
    """Return the traceback without the frames that led from us to the user's code.

    An error that arose in the adapter itself keeps every frame: it is our bug.
    """
    summary = traceback.TracebackException.from_exception(error)
    # An import that fails has no frame of the user's file, but that file is to blame.
    if not isinstance(error, SyntaxError | ImportError) and _is_ours(summary):
        return "".join(summary.format())
    hidden = _hide(summary)
    text = "".join(summary.format())
    return f"{text}({hidden} frames of the adapter are not shown)\n" if hidden else text


def _is_ours(summary: traceback.TracebackException) -> bool:
    frames = [frame for frame in summary.stack if not frame.filename.startswith("<frozen ")]
    return bool(frames) and frames[-1].filename.startswith(_PACKAGE)


def _hide(summary: traceback.TracebackException) -> int:
    kept = [frame for frame in summary.stack if not _is_machinery(frame)]
    hidden = len(summary.stack) - len(kept)
    summary.stack = traceback.StackSummary.from_list(kept)
    for cause in (summary.__cause__, summary.__context__):
        if cause is not None:
            hidden += _hide(cause)
    return hidden


def _is_machinery(frame: traceback.FrameSummary) -> bool:
    name = frame.filename.replace("\\", "/")
    return name.startswith((_PACKAGE, "<frozen ")) or name.endswith(_MACHINERY)
