"""DynamoDB Local accepts every expression that a purchase sends: the flow's own tests again."""

from tests.flows.test_purchase import *  # noqa: F403
from tests.properties.ring2.cloud import aws, dynamodb_local, pumps  # noqa: F401
