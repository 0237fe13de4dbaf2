"""boto3 clients for one region and one profile."""

import os
from collections.abc import Mapping
from typing import Any

from adapter.stack.refusals import NO_REGION, NoAccess, aws_errors

# An invoke may take as long as a function may run, and nothing comes meanwhile.
_LONGEST_INVOCATION_S = 900


class Access:
    """Makes clients; `region` and `profile` are None where AWS's own variables and files decide.

    boto3 knows AWS_DEFAULT_REGION; AWS_REGION, which goes before it, is what the other SDKs know.
    """

    def __init__(
        self,
        *,
        region: str | None = None,
        profile: str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.region = region or environ.get("AWS_REGION") or None
        self.profile = profile
        self._clients: dict[str, Any] = {}
        self._boto3_session: Any = None

    def client(self, service: str) -> Any:
        """Return the client of a service. Raises `NoAccess` where there is no boto3 or region."""
        if service not in self._clients:
            session = self._session()
            if not session.region_name:  # or boto3 asks for an endpoint in a region called ""
                raise NoAccess(NO_REGION)
            with aws_errors():
                self._clients[service] = session.client(service)
        return self._clients[service]

    def invoking_client(self, endpoint: str | None = None) -> Any:
        """Return a client of Lambda that never sends an invoke twice, and waits for its answer.

        `endpoint` is that of `adapter run`, which asks for no credentials.
        """
        session = self._session()
        from botocore.config import Config  # noqa: PLC0415 - see _session

        config = Config(
            connect_timeout=10,
            read_timeout=_LONGEST_INVOCATION_S + 30,
            retries={"total_max_attempts": 1},
            tcp_keepalive=True,
        )
        local = {}
        if endpoint is not None:
            local = {
                "endpoint_url": endpoint,
                "region_name": self.region or "us-east-1",
                "aws_access_key_id": "local",
                "aws_secret_access_key": "local",
            }
        with aws_errors():
            return session.client("lambda", config=config, **local)

    def _session(self) -> Any:
        try:
            import boto3  # noqa: PLC0415 - 150 ms, and an extra that not everybody has
        except ImportError as error:
            raise NoAccess(
                "this needs boto3: pip install 'serve-adapter[aws]'.",
            ) from error
        if self._boto3_session is None:
            with aws_errors():
                self._boto3_session = boto3.Session(
                    region_name=self.region,
                    profile_name=self.profile,
                )
        return self._boto3_session
