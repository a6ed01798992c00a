"""Facts in the past tense, one module per publisher.

Each is a frozen dataclass with its type (``TYPE``) and the name of the field that holds the id of what it is about
(``KEY``): the aggregate under which it stands in the event log. Money is an integer amount of the smallest unit in
circulation, with its currency beside it. Consumers must take a fact twice, and in any order.
"""
