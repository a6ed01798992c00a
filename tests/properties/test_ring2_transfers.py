"""DynamoDB Local accepts what transfers and their verification send: the department's own tests again."""

from tests.feature.test_transfers import *  # noqa: F403
from tests.properties.ring2.cloud import aws, dynamodb_local, pumps  # noqa: F401
