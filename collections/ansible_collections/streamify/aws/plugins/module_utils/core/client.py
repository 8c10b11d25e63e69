# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One botocore client whose operations are called in snake_case and retried with jittered back-off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

try:
    from botocore.exceptions import ClientError, ParamValidationError
except ImportError:
    pass  # handled by AnsibleAWSModule

from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

from .errors import ResourceError
from .shapes import from_response, snake, to_request

if TYPE_CHECKING:
    from botocore.model import OperationModel

RETRIES = 8
MAX_DELAY = 20  # seconds between two tries
# Beside those that amazon.aws knows.
PASSING = (
    "RequestThrottled",
    "RequestThrottledException",
    "ServerException",
    "ThrottledException",
    "ThrottlingException",
)


def error_code(error: Exception) -> str:
    """Return AWS's code of an error, or an empty string."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


class Client:
    """Calls the operations of one AWS service.

    :param client: a botocore client.
    :param retries: how often a throttled or briefly failing call is tried.
    """

    def __init__(self, client: Any, retries: int = RETRIES) -> None:
        self.botocore = client
        self._retries = retries

    @property
    def region(self) -> str:
        """The client's region."""
        return str(self.botocore.meta.region_name)

    def call(
        self, operation: str, *, missing: Iterable[str] = (), retry_on: Iterable[str] = (), **request: Any
    ) -> dict[str, Any] | None:
        """Call an operation.

        :param operation: its botocore name, e.g. ``describe_services``.
        :param missing: error codes that mean that the resource does not exist: the answer is then None.
        :param retry_on: error codes that pass by themselves, beside throttling.
        :param request: the request in snake_case; None values are left out.
        :return: the response in snake_case.
        :raises ResourceError: when the request cannot be one of this operation.
        :raises botocore.exceptions.ClientError: when AWS refuses.
        """
        model = self._model(operation)
        arguments = to_request(model.input_shape, request) if model.input_shape else {}
        retry = AWSRetry.jittered_backoff(
            retries=self._retries, delay=1, max_delay=MAX_DELAY, catch_extra_error_codes=[*PASSING, *retry_on]
        )
        try:
            response = retry(getattr(self.botocore, operation))(**arguments)
        except ClientError as error:
            if error_code(error) in set(missing):
                return None
            raise
        except ParamValidationError as error:
            raise ResourceError(f"AWS's {model.name} does not take this request: {error}") from error
        return from_response(model.output_shape, response) or {}

    def get(self, operation: str, **request: Any) -> dict[str, Any]:
        """Call an operation whose answer is always there; the parameters are those of :meth:`call`."""
        return self.call(operation, **request) or {}

    def all(self, operation: str, member: str, **request: Any) -> list[Any]:
        """Return one member of every page of a listing operation."""
        model = self._model(operation)
        arguments = to_request(model.input_shape, request)
        retry = AWSRetry.jittered_backoff(
            retries=self._retries, delay=1, max_delay=MAX_DELAY, catch_extra_error_codes=list(PASSING)
        )
        pages = retry(lambda: list(self.botocore.get_paginator(operation).paginate(**arguments)))()
        found: list[Any] = []
        for page in pages:
            found.extend(from_response(model.output_shape, page).get(member) or [])
        return found

    def normal(self, operation: str, member: str, value: Any) -> Any:
        """Return a value given by a person as it would come back: AWS's names in snake_case, AWS's types."""
        inputs: Any = self._model(operation).input_shape
        shape = next(shape for name, shape in inputs.members.items() if snake(name) == member)
        return from_response(shape, to_request(shape, value, member))

    def _model(self, operation: str) -> OperationModel:
        meta = self.botocore.meta
        model: OperationModel = meta.service_model.operation_model(meta.method_to_api_mapping[operation])
        return model
