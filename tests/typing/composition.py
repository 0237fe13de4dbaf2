"""Deployments in each other's constructors: `bind` takes an application for a handle."""

from collections.abc import Callable, Mapping, Sequence
from typing import assert_type

from adapter import serve


class Model:
    def __call__(self, text: str) -> float:
        return float(text)


class Labels:
    def __call__(self, text: str) -> str:
        return text


@serve.deployment
class Gateway:
    def __init__(self, model: serve.DeploymentHandle[Model], other: serve.DeploymentHandle) -> None:
        self.model = model
        self.other = other

    async def __call__(self, text: str) -> float:
        assert_type(await self.model.remote(text), float)
        return await self.model.remote(text)


@serve.deployment
class Several:
    def __init__(
        self,
        listed: Sequence[serve.DeploymentHandle[Model]],
        named: Mapping[str, serve.DeploymentHandle],
    ) -> None:
        self.listed = listed
        self.named = named


@serve.deployment
class ByCall:
    def __init__(self, scores: serve.DeploymentHandle[Callable[[str], float]]) -> None:
        self.scores = scores

    async def __call__(self) -> float:
        return await self.scores.remote("1")


model, labels = serve.deployment(Model).bind(), serve.deployment(Labels).bind()

Gateway.bind(model, labels)
Gateway.bind(model, other=serve.get_app_handle("other"))
Gateway.bind(labels, model)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Gateway.bind(Model(), labels)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Gateway.bind(model, 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

Several.bind([model, model], {"labels": labels})
Several.bind([model, labels], {})  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]

ByCall.bind(model)
ByCall.bind(labels)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
