# SPDX-License-Identifier: Apache-2.0
"""A task's containers get credentials of the task role that its definition names, and AWS knows those credentials.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html. The emulator hands out random ones that
it does not know itself: whatever is presigned with them is refused as InvalidAccessKeyId.
"""

import time
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import ecs, imds, sts

_URI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_LIFETIME = 6 * 3600  # seconds, as on AWS
_roles: dict[str, tuple[str, str]] = {}  # path -> role ARN, task id


def issue(role_arn: str, task_id: str) -> dict[str, str]:
    """New credentials of the role, known to STS, as the credentials endpoint answers them."""
    key, secret, token = imds._gen_session_access_key(), imds._gen_secret(), imds._gen_session_token()
    role_id = sts._role_id(role_arn)
    session = {
        "Arn": f"arn:aws:sts::{get_account_id()}:assumed-role/{role_arn.rsplit('/', 1)[-1]}/{task_id}",
        "UserId": f"{role_id}:{task_id}",
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Expiration": time.time() + _LIFETIME,
        "AccountId": get_account_id(),
        "PrincipalType": "AssumedRole",
    }
    sts.register_session(key, session)
    expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(session["Expiration"]))
    return {
        "RoleArn": role_arn,
        "AccessKeyId": key,
        "SecretAccessKey": secret,
        "Token": token,
        "Expiration": expiration,
    }


def apply() -> None:
    register_metadata, handle_request = ecs._register_metadata, imds.handle_request

    def metadata(task_arn: str, cluster: Any, td: dict[str, Any], cdef: Any, launch: Any, env: Any, *rest: Any) -> str:
        token: str = register_metadata(task_arn, cluster, td, cdef, launch, env, *rest)
        if td.get("taskRoleArn"):
            _roles[env[_URI]] = (td["taskRoleArn"], task_arn.rsplit("/", 1)[-1])
        else:
            env.pop(_URI, None)
        return token

    async def answer(method: str, path: str, *rest: Any) -> Any:
        if not path.startswith("/v2/credentials/"):
            return await handle_request(method, path, *rest)
        if path not in _roles:
            return imds._not_found()
        return imds._json_resp(issue(*_roles[path]))

    ecs._register_metadata = metadata
    imds.handle_request = answer
