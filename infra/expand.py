"""The template as plain CloudFormation: what ``Fn::ForEach`` repeats written out, what a mapping holds put in.

CloudFormation could do that itself (``Transform: AWS::LanguageExtensions``), emulators cannot. So nobody is sent
anything but the expanded template, and all of them get the same.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

REPEAT: Final = "Fn::ForEach::"


def expanded(template: Mapping[str, Any]) -> dict[str, Any]:
    """``template`` without ``Fn::ForEach``, ``Fn::FindInMap``, mappings and the transform that allows them.

    Raises ValueError where a loop makes a name a second time, LookupError where a mapping lacks what is looked up.
    """
    mappings = template.get("Mappings", {})
    kept = {key: value for key, value in template.items() if key not in {"Mappings", "Transform"}}
    written: dict[str, Any] = _walk(kept, {}, mappings)
    return written


def _walk(value: Any, names: Mapping[str, str], mappings: Mapping[str, Any]) -> Any:
    walk = partial(_walk, names=names, mappings=mappings)
    match value:
        case {"Ref": str(name)} if name in names:
            return names[name]
        case {"Fn::Sub": str(text)}:
            return _text(text, names)
        case {"Fn::Sub": [str(text), dict(variables)]}:
            return {"Fn::Sub": [_replaced(text, names), walk(variables)]}
        case {"Fn::FindInMap": [mapping, first, second]}:
            return mappings[walk(mapping)][walk(first)][walk(second)]
        case dict():
            return _members(value, names, mappings)
        case list():
            return [walk(part) for part in value]
    return value


def _members(value: Mapping[str, Any], names: Mapping[str, str], mappings: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, part in value.items():
        if key.startswith(REPEAT):
            _add(made, _repeated(part, names, mappings))
        else:
            _add(made, {_replaced(key, names): _walk(part, names, mappings)})
    return made


def _repeated(loop: list[Any], names: Mapping[str, str], mappings: Mapping[str, Any]) -> dict[str, Any]:
    identifier, collection, body = loop
    made: dict[str, Any] = {}
    for item in _walk(collection, names, mappings):
        _add(made, _members(body, {**names, identifier: item}, mappings))
    return made


def _add(made: dict[str, Any], more: Mapping[str, Any]) -> None:
    if twice := made.keys() & more.keys():
        raise ValueError(f"The template makes {', '.join(sorted(twice))} twice.")
    made.update(more)


def _text(text: str, names: Mapping[str, str]) -> Any:
    filled = _replaced(text, names)
    return {"Fn::Sub": filled} if "${" in filled else filled


def _replaced(text: str, names: Mapping[str, str]) -> str:
    """``${Name}`` becomes the item, ``&{Name}`` what of it may stand in a resource's name."""
    for name, item in names.items():
        text = text.replace(f"${{{name}}}", item)
        text = text.replace(f"&{{{name}}}", "".join(filter(str.isalnum, item)))
    return text
