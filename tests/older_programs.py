"""Programs of Ray Serve's HTTP guide in its older forms, with their import lines changed.

Each answers the same wherever it runs. Where the guide shows a fragment it is completed.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request with a JSON body, or with a query, and the JSON of the response."""

    body: Any
    answer: Any
    path: str = "/"
    query: str = ""
    status: int = 200


@dataclass(frozen=True)
class Sample:
    """A module `program` with an application `app`, and what it is asked."""

    source: str
    asked: tuple[Asked, ...]
    modules: dict[str, str] = field(default_factory=dict)


NDARRAY = Sample(
    """
    import numpy as np
    from adapter import serve
    from adapter.drivers import DAGDriver
    from adapter.http_adapters import json_to_ndarray


    @serve.deployment
    class Model:
        def __call__(self, arr: np.ndarray):
            return arr.sum()


    app = DAGDriver.bind(Model.bind(), http_adapter=json_to_ndarray)
    """,
    (
        Asked({"array": [[1, 2], [2, 3]]}, 8),
        Asked({"array": [1, 2, 3, 4], "shape": [2, 2], "dtype": "int64"}, 10, path="/any/path"),
    ),
)

JSON_RESOLVER = Sample(
    """
    import starlette.requests
    from adapter import serve
    from adapter.drivers import DAGDriver


    async def json_resolver(request: starlette.requests.Request):
        return await request.json()


    @serve.deployment
    def count(values):
        return len(values)


    app = DAGDriver.bind(count.bind(), http_adapter=json_resolver)
    """,
    (Asked([1, 2, 3], 3), Asked({}, 0)),
)

QUERY_ARGS = Sample(
    """
    from dataclasses import dataclass

    from adapter import serve
    from adapter.drivers import DAGDriver


    @dataclass
    class YourDataClass:
        field_a: int
        field_b: str


    def parse_query_args(field_a: int, field_b: str):
        return YourDataClass(field_a, field_b)


    @serve.deployment
    class Repeat:
        def __call__(self, data: YourDataClass) -> str:
            return data.field_b * data.field_a


    app = DAGDriver.bind(Repeat.bind(), http_adapter=parse_query_args)
    """,
    (Asked(None, "xyxyxy", query="field_a=3&field_b=xy"),),
)

GRAPH = Sample(
    """
    from adapter import serve
    from adapter.dag import InputNode
    from adapter.drivers import DAGDriver
    from adapter.http_adapters import json_request


    @serve.deployment
    class Model:
        def __init__(self, weight: int):
            self.weight = weight

        def forward(self, value: int) -> int:
            return value * self.weight


    @serve.deployment
    def combine(first: int, second: int, values: list[int]) -> dict[str, int]:
        return {"sum": first + second, "values": sum(values)}


    with InputNode() as input_node:
        model, other_model = Model.bind(2), Model.bind(3)
        first = model.forward.bind(input_node[0])
        second = other_model.forward.bind(input_node[1])
        other_node = combine.bind(first, second, [first, input_node[2]])

    app = DAGDriver.bind(other_node, http_adapter=json_request)
    """,
    (Asked([1, 10, 100], {"sum": 32, "values": 102}),),
)

DEPENDS = Sample(
    """
    from typing import Any

    from adapter import serve
    from fastapi import FastAPI, Depends
    from adapter.http_adapters import json_to_ndarray

    api = FastAPI()


    @api.post("/endpoint")
    async def endpoint(np_array = Depends(json_to_ndarray)):
        return np_array.shape


    @serve.deployment
    @serve.ingress(api)
    class Ingress:
        pass


    app = Ingress.bind()
    """,
    (Asked({"array": [[1, 2], [2, 3], [3, 4]]}, [3, 2], path="/endpoint"),),
)

PYDANTIC = Sample(
    """
    from pydantic import BaseModel
    from adapter import serve
    from adapter.drivers import DAGDriver


    class User(BaseModel):
        user_id: int
        user_name: str


    @serve.deployment
    class Greeter:
        def __call__(self, user: User):
            return f"{user.user_name} has {user.user_id + 1}"


    app = DAGDriver.bind(Greeter.bind(), http_adapter=User)
    """,
    (
        Asked({"user_id": 4, "user_name": "Ada"}, "Ada has 5"),
        Asked(
            {"user_id": 4},
            {
                "detail": [
                    {
                        "type": "missing",
                        "loc": ["body", "user_name"],
                        "msg": "Field required",
                        "input": {"user_id": 4},
                    },
                ],
            },
            status=422,
        ),
    ),
)

ROUTES = Sample(
    """
    from adapter import serve
    from adapter.drivers import DAGDriver


    @serve.deployment
    class Add:
        def __init__(self, summand: int):
            self.summand = summand

        def __call__(self, number: int) -> int:
            return number + self.summand


    app = DAGDriver.bind(
        {"/one": Add.bind(1), "/ten/{anything}": Add.bind(10)},
        http_adapter="adapters.number",
    )
    """,
    (
        Asked({"number": 1}, 2, path="/one"),
        Asked({"number": 1}, 11, path="/ten/x"),
        Asked({"number": 1}, {"detail": "Not Found"}, path="/two", status=404),
    ),
    {
        "adapters": """
        from fastapi import Body


        def number(number: int = Body(embed=True)) -> int:
            return number
        """,
    },
)

SAMPLES = {
    "ndarray": NDARRAY,
    "json_resolver": JSON_RESOLVER,
    "query_args": QUERY_ARGS,
    "graph": GRAPH,
    "depends": DEPENDS,
    "pydantic": PYDANTIC,
    "routes": ROUTES,
}
