"""Metrics as CloudWatch takes them out of what a function prints, by the specification of the embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

NAME = {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": r"^[^:\s][^:]*$"}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 0},
                "CloudWatchMetrics": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "properties": {
                            "Namespace": NAME,
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {"type": "array", "maxItems": 30, "items": {**NAME, "maxLength": 250}},
                            },
                            "Metrics": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "properties": {"Name": NAME, "Unit": {"enum": ["Count", "Seconds", "None"]}},
                                    "additionalProperties": False,
                                },
                            },
                        },
                        "additionalProperties": False,
                    },
                },
            },
        }
    },
}
"""The specification's own schema, held to what we use of it."""


@dataclass(frozen=True)
class Metric:
    """One sample as CloudWatch stores it: two with the same identity are one metric, and cost as one."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    value: float

    @property
    def identity(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        return self.namespace, self.name, self.dimensions


def read(printed: str) -> list[Metric]:
    """All samples in what was printed; other lines are of no account to CloudWatch."""
    return [sample for line in printed.splitlines() if '"_aws"' in line for sample in _samples(json.loads(line))]


def _samples(line: dict[str, Any]) -> Iterator[Metric]:
    jsonschema_rs.Draft202012Validator(SCHEMA).validate(line)
    for about in line["_aws"]["CloudWatchMetrics"]:
        for dimensions in about["Dimensions"]:
            places = tuple((name, line[name]) for name in dimensions)
            assert all(isinstance(value, str) and 0 < len(value) <= 1024 for _, value in places), places
            for metric in about["Metrics"]:
                value = line[metric["Name"]]
                assert type(value) is int, metric
                yield Metric(about["Namespace"], metric["Name"], places, metric["Unit"], value)
