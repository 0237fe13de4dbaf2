"""Handles with other options as type checkers see them. Never loaded at run time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from adapter.serve.handles import DeploymentHandle
from adapter.serve.option_types import HandleOptions
from adapter.serve.responses import DeploymentResponse, DeploymentResponseGenerator
from adapter.serve.type_variables import Held_co, Item, Parameters

if TYPE_CHECKING:  # elsewhere a method must have a body

    class StreamingDeploymentHandle(DeploymentHandle[Held_co]):
        """What `handle.options(stream=True)` is to type checkers."""

        @overload  # type: ignore[override]  # it returns something else: that is what it is for
        def remote(
            self: StreamingDeploymentHandle[Callable[Parameters, AsyncIterator[Item]]],
            *args: Parameters.args,
            **kwargs: Parameters.kwargs,
        ) -> DeploymentResponseGenerator[Item]: ...
        @overload
        def remote(
            self: StreamingDeploymentHandle[Callable[Parameters, Iterator[Item]]],
            *args: Parameters.args,
            **kwargs: Parameters.kwargs,
        ) -> DeploymentResponseGenerator[Item]: ...
        def remote(self, *args: Any, **kwargs: Any) -> Any: ...

        @overload  # type: ignore[override]  # a handle that streams goes on streaming
        def options(
            self,
            *,
            stream: Literal[False],
            **options: Unpack[HandleOptions],
        ) -> DeploymentHandle[Held_co]: ...
        @overload
        def options(
            self,
            *,
            method_name: str,
            stream: Literal[True] = ...,
            **options: Unpack[HandleOptions],
        ) -> StreamingDeploymentHandle[Any]: ...
        @overload
        def options(
            self,
            *,
            stream: Literal[True] = ...,
            **options: Unpack[HandleOptions],
        ) -> StreamingDeploymentHandle[Held_co]: ...
        def options(self, **options: Any) -> Any: ...

        def __getattr__(self, name: str) -> StreamingDeploymentHandle[Any]: ...

    class EventDeploymentHandle(DeploymentHandle[Held_co]):
        """What `handle.options(invocation_type="Event")` is to type checkers."""

        def remote(  # type: ignore[override]  # it returns something else: that is what it is for
            self: EventDeploymentHandle[Callable[Parameters, Any]],
            *args: Parameters.args,
            **kwargs: Parameters.kwargs,
        ) -> DeploymentResponse[None]: ...

        def __getattr__(self, name: str) -> EventDeploymentHandle[Any]: ...
