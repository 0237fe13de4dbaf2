"""Where in a network of the user's own a function runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapter.serve.aws_names import require_ids
from adapter.serve.records import Record

# https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html
MAX_SUBNETS = 16
MAX_SECURITY_GROUPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcConfig(Record):
    """The subnets and security groups of a function: `LambdaOptions(vpc=VpcConfig(...))`.

    Ids are those of AWS (`subnet-0a1b2c3d`, `sg-0a1b2c3d`), or `${LogicalId}` for a resource of the
    template. A function in a VPC reaches the internet, and AWS's own services, only through what
    the VPC has for that: a NAT gateway, or endpoints. Raises `InvalidOption` for anything else.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """

    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]

    def __post_init__(self) -> None:
        subnets = require_ids("subnet_ids", self.subnet_ids, "subnet", most=MAX_SUBNETS)
        groups = require_ids(
            "security_group_ids", self.security_group_ids, "sg", most=MAX_SECURITY_GROUPS
        )
        object.__setattr__(self, "subnet_ids", subnets)
        object.__setattr__(self, "security_group_ids", groups)
