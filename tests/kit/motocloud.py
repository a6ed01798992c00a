"""moto's CloudFormation, API Gateway and Lambda, as far as they can be had without what they install besides."""

import json
import logging
import sys
from types import ModuleType
from typing import Any

import yaml


def _never_asked(*_arguments: Any, **_options: Any) -> None:
    raise AssertionError(
        "moto validates OpenAPI documents only where it is asked to fail on warnings, which nobody does"
    )


def make_importable() -> None:
    """Let moto's API Gateway, and with it CloudFormation, be imported without the validator of OpenAPI documents: it
    is never called, and brings twenty packages."""
    if "openapi_spec_validator" not in sys.modules:
        for name in ("openapi_spec_validator", "openapi_spec_validator.validation.exceptions"):
            sys.modules[name] = ModuleType(name)
        vars(sys.modules["openapi_spec_validator"])["validate"] = _never_asked
        vars(sys.modules["openapi_spec_validator.validation.exceptions"])["OpenAPIValidationError"] = ValueError


def teach_firewall() -> None:
    """Let moto's CloudFormation make a web ACL in moto's WAF: it has the one and the other, but not the way between."""
    make_importable()
    logging.getLogger("moto").setLevel(logging.ERROR)  # it tells of each resource that it does not know
    from moto.cloudformation import parsing
    from moto.core.common_models import CloudFormationModel
    from moto.wafv2.models import wafv2_backends

    class Firewall(CloudFormationModel):
        """AWS::WAFv2::WebACL."""

        def __init__(self, arn: str) -> None:
            self.arn = arn

        @property
        def physical_resource_id(self) -> str:
            return self.arn

        @staticmethod
        def cloudformation_type() -> str:
            return "AWS::WAFv2::WebACL"

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr == "Arn"

        def get_cfn_attribute(self, attribute_name: str) -> str:
            return self.arn

        @classmethod
        def create_from_cloudformation_json(
            cls,
            resource_name: str,  # noqa: ARG003
            cloudformation_json: dict[str, Any],
            account_id: str,
            region_name: str,
            **_more: Any,
        ) -> Any:
            backend, about = wafv2_backends[account_id][region_name], cloudformation_json["Properties"]
            made = backend.create_web_acl(
                about["Name"],
                about["VisibilityConfig"],
                about["DefaultAction"],
                about["Scope"],
                "",
                [],
                [],
                *[None] * 5,
            )
            return cls(made.arn)

        @classmethod
        def update_from_cloudformation_json(cls, original_resource: Any, *_arguments: Any, **_more: Any) -> Any:
            return original_resource

    _read_quickly()
    known: dict[str, Any] = parsing.get_model_map()
    known[Firewall.cloudformation_type()] = Firewall


def _read_quickly() -> None:
    """moto reads each template as YAML, in Python, three times a change set; ours are JSON."""
    from moto.cloudformation import models

    class Reader:
        def load(self, text: str, **options: Any) -> Any:
            try:
                return json.loads(text)
            except ValueError:
                return yaml.load(text, **options)

        def __getattr__(self, name: str) -> Any:
            return getattr(yaml, name)

    vars(models)["yaml"] = Reader()
