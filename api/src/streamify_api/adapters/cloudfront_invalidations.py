# SPDX-License-Identifier: Apache-2.0
"""Has CloudFront forget what its edges hold below a path.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html
"""

from functools import partial

from botocore.exceptions import ClientError

from streamify_api.adapters.aws import Client, error_code
from streamify_api.adapters.dependency import Dependency
from streamify_api.domain.errors import UnavailableError

SERVICE = "CloudFront"


class CloudFrontInvalidations:
    """Implements services.ports.CdnCache on a distribution."""

    def __init__(self, client: Client, dependency: Dependency, distribution_id: str) -> None:
        self._client = client
        self._call = dependency.call
        self._distribution_id = distribution_id

    async def forget(self, media_root: str, reference: str) -> None:
        """Invalidate `/<media_root>/*`; under a reference that CloudFront knows, nothing new happens."""
        batch = {"Paths": {"Quantity": 1, "Items": [f"/{media_root}/*"]}, "CallerReference": reference}
        create = partial(
            self._client.create_invalidation, DistributionId=self._distribution_id, InvalidationBatch=batch
        )
        try:
            await self._call(create)
        except ClientError as error:
            # Refused: a grant or the distribution is missing. Somebody has to mend it, and then it is made up for.
            raise UnavailableError(
                "DEPENDENCY_UNAVAILABLE",
                f"CloudFront refuses an invalidation: {error_code(error)}.",
                {"dependency": SERVICE},
            ) from error
