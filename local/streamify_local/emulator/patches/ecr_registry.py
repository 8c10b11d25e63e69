# SPDX-License-Identifier: Apache-2.0
"""ECR names its registry where the engine can reach it.

A repository's URI is what docker pushes to and pulls from
(https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-push-ecr-image.html). ministack serves the registry on
its own port but reports amazonaws.com. The address comes from ECR_REGISTRY (host:port).
"""

import os

from ministack.services import ecr


def apply() -> None:
    registry = os.environ["ECR_REGISTRY"]
    get_authorization_token = ecr._get_authorization_token

    def repo_uri(name: str) -> str:
        return f"{registry}/{name}"

    def authorization_token(data: dict[str, object]) -> object:
        status, headers, body = get_authorization_token(data)
        reported = f"https://{ecr.get_account_id()}.dkr.ecr.{ecr.get_region()}.amazonaws.com"
        return status, headers, body.replace(reported.encode(), f"http://{registry}".encode())

    ecr._repo_uri = repo_uri
    ecr._get_authorization_token = authorization_token
