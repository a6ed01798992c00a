"""Loops of the template written out: names, texts, look-ups, and what is refused."""

import pytest

from infra.expand import expanded

MAPPINGS = {
    "Lists": {"Queues": {"All": ["Orders", "Letters"]}},
    "Queues": {"Orders": {"Name": "orders", "Late": 900}, "Letters": {"Name": "order-letters", "Late": 2400}},
}


def loop(body, *, over=("order-letters",), name="Name"):
    return {"Transform": "AWS::LanguageExtensions", "Resources": {"Fn::ForEach::Loop": [name, list(over), body]}}


def test_each_item_makes_its_own_resource():
    template = {
        "Transform": "AWS::LanguageExtensions",
        "Mappings": MAPPINGS,
        "Resources": {
            "Fn::ForEach::Queues": [
                "Queue",
                {"Fn::FindInMap": ["Lists", "Queues", "All"]},
                {
                    "${Queue}Queue": {
                        "Name": {
                            "Fn::Sub": [
                                "laris-${Stage}-${Name}",
                                {"Name": {"Fn::FindInMap": ["Queues", {"Ref": "Queue"}, "Name"]}},
                            ]
                        },
                        "Late": {"Fn::FindInMap": ["Queues", {"Ref": "Queue"}, "Late"]},
                        "Of": {"Fn::GetAtt": [{"Fn::Sub": "${Queue}DeadLetters"}, "Arn"]},
                    }
                },
            ],
            "Other": {"Ref": "OrdersQueue"},
        },
    }

    assert expanded(template) == {
        "Resources": {
            "OrdersQueue": {
                "Name": {"Fn::Sub": ["laris-${Stage}-${Name}", {"Name": "orders"}]},
                "Late": 900,
                "Of": {"Fn::GetAtt": ["OrdersDeadLetters", "Arn"]},
            },
            "LettersQueue": {
                "Name": {"Fn::Sub": ["laris-${Stage}-${Name}", {"Name": "order-letters"}]},
                "Late": 2400,
                "Of": {"Fn::GetAtt": ["LettersDeadLetters", "Arn"]},
            },
            "Other": {"Ref": "OrdersQueue"},
        }
    }


def test_a_resource_is_named_by_the_letters_and_digits_of_an_item():
    template = loop({"Log&{Name}": {"Text": {"Fn::Sub": "/aws/${Stage}/${Name}"}}})

    assert expanded(template)["Resources"] == {"Logorderletters": {"Text": {"Fn::Sub": "/aws/${Stage}/order-letters"}}}


def test_what_is_no_name_of_a_loop_stays():
    template = loop({"A&{Name}": {"Path": {"Fn::Sub": "${!day}/${Bucket}"}, "Ref": {"Ref": "Stage"}}})

    assert expanded(template)["Resources"] == {
        "Aorderletters": {"Path": {"Fn::Sub": "${!day}/${Bucket}"}, "Ref": {"Ref": "Stage"}}
    }


def test_a_loop_inside_a_loop_knows_both_items():
    inner = {"Fn::ForEach::Inner": ["Two", ["X", "Y"], {"${Name}${Two}": {"Is": {"Ref": "Two"}}}]}

    assert expanded(loop(inner, over=("A", "B")))["Resources"] == {
        "AX": {"Is": "X"},
        "AY": {"Is": "Y"},
        "BX": {"Is": "X"},
        "BY": {"Is": "Y"},
    }


def test_a_name_that_is_made_twice_is_refused():
    with pytest.raises(ValueError, match="Same twice"):
        expanded(loop({"Same": {}}, over=("A", "B")))


def test_a_look_up_that_finds_nothing_is_refused():
    with pytest.raises(LookupError):
        expanded({"Mappings": MAPPINGS, "Resources": {"A": {"Fn::FindInMap": ["Queues", "Payments", "Name"]}}})


def test_the_template_that_is_written_is_not_touched():
    template = loop({"${Name}": {}}, over=("A",))

    expanded(template)

    assert template == loop({"${Name}": {}}, over=("A",))
