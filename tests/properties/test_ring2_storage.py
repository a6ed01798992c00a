"""DynamoDB Local, stricter than moto about names and expressions, keeps what the storage's own tests say of it."""

from tests.feature.test_db import *  # noqa: F403
from tests.properties.ring2.cloud import aws, dynamodb_local  # noqa: F401
