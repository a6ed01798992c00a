"""The artifacts bucket: made before the stack, since the stack's own template comes out of it."""

from typing import Any, Final

from infra.deploying.cloud import missing
from infra.deploying.deployment import Deployment

KEPT_DAYS: Final = 90
"""How long what was replaced is kept."""
PRIVATE: Final = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
NO_SUCH: Final = ("404", "NoSuchBucket", "NotFound")


def plan(deployment: Deployment) -> list[str]:
    """What is missing of the bucket."""
    if not exists(deployment):
        return [f"make the private, versioned bucket {deployment.artifacts}"]
    return [f"{said} of the bucket {deployment.artifacts}" for said in _lacking(deployment)]


def apply(deployment: Deployment) -> None:
    """Make the bucket, and make it private, versioned and tidy."""
    s3, bucket = deployment.client("s3"), deployment.artifacts
    if not exists(deployment):
        s3.create_bucket(Bucket=bucket, **_place(deployment.cloud.region))
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=PRIVATE)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [_tidying()]})


def _place(region: str) -> dict[str, Any]:
    """Where a bucket is to be; the oldest region must not be named."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def exists(deployment: Deployment) -> bool:
    """True if the bucket is there. Raises ClientError where it is somebody else's."""
    s3 = deployment.client("s3")
    return missing(lambda: s3.head_bucket(Bucket=deployment.artifacts), *NO_SUCH) is not None


def _lacking(deployment: Deployment) -> list[str]:
    s3, bucket = deployment.client("s3"), deployment.artifacts
    block = missing(lambda: s3.get_public_access_block(Bucket=bucket), "NoSuchPublicAccessBlockConfiguration")
    rules = missing(lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket), "NoSuchLifecycleConfiguration")
    lacking = []
    if block is None or block["PublicAccessBlockConfiguration"] != PRIVATE:
        lacking.append("block public access")
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        lacking.append("keep older versions")
    if rules is None:
        lacking.append(f"let go, after {KEPT_DAYS} days, of what was replaced")
    return lacking


def _tidying() -> dict[str, Any]:
    return {
        "ID": "replaced",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": KEPT_DAYS},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
