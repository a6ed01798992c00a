"""Sizes, and what may stand in the code at all."""

import ast
from collections import Counter

from tests.architecture.source import Source, dotted, lines_of, sources

LONGEST_MODULE = 400
LONGEST_FUNCTION = 45
MOST_PARAMETERS = 8
MOST_POSITIONAL = 5
DEEPEST = 4

FLOATS_ALLOWED = {
    "chalicelib.console.store": "a slash between the parts of a path",
    "chalicelib.core.client": "how long to wait for a partner",
    "chalicelib.core.clock": "seconds to sleep",
    "chalicelib.core.db": "seconds to back off",
    "chalicelib.core.limits": "seconds until a token has grown back",
    "chalicelib.payments.gateways.midtrans": "how long to wait for it",
}
EXCEPT_ALL_ALLOWED = {
    "chalicelib.core.api": "a fault of ours is answered as one",
    "chalicelib.core.runs": "that it could not be noted does not undo what ran",
    "chalicelib.core.work": "what went wrong is told, and goes on",
    "chalicelib.core.worker": "one message's fault is not its neighbours'",
    "chalicelib.identity.passkeys": "the library has no one type for an answer that does not fit; it is refused",
    "chalicelib.orders.moves": "one order's fault must not keep the others' stock",
    "chalicelib.privacy.breaches": "one breach's fault must not keep the others'",
    "chalicelib.privacy.erasure": "one customer's fault must not keep the others'",
}
NESTING = ast.If | ast.For | ast.While | ast.With | ast.Try | ast.Match


def functions(source: Source) -> list[ast.FunctionDef]:
    return [node for node in source.nodes() if isinstance(node, ast.FunctionDef)]


def ours() -> list[Source]:
    return [*sources("chalicelib"), *sources("infra")]


def test_modules_stay_below_their_limit():
    long = {each.name: each.text.count("\n") for each in ours() if each.text.count("\n") > LONGEST_MODULE}

    assert long == {}


def test_functions_stay_below_their_limit():
    long = [
        (source.at(function), function.name, lines_of(function))
        for source in ours()
        for function in functions(source)
        if lines_of(function) > LONGEST_FUNCTION
    ]

    assert long == []


def test_functions_take_few_parameters_and_most_of_them_by_name():
    many = []
    for source in sources("chalicelib"):
        for function in functions(source):
            positional = [each for each in function.args.args if each.arg not in {"self", "cls"}]
            if len(positional) > MOST_POSITIONAL + 1 or len(positional + function.args.kwonlyargs) > MOST_PARAMETERS:
                many.append((source.at(function), function.name))

    assert many == []


def depth(node: ast.AST) -> int:
    """How deep statements are nested below ``node``; an elif is no deeper than its if."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        deepest = max(deepest, depth(child) + (isinstance(child, NESTING) and not is_elif))
    return deepest


def test_statements_are_not_nested_deeply():
    deep = [
        (source.at(function), function.name)
        for source in ours()
        for function in functions(source)
        if depth(function) > DEEPEST
    ]

    assert deep == []


def test_every_module_and_public_thing_says_what_it_is():
    silent = [source.at(source.tree) for source in sources("infra") if not ast.get_docstring(source.tree)]
    for source in sources("chalicelib"):
        public = [
            node
            for node in source.tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and "overload" not in map(dotted, node.decorator_list)
        ]
        silent += [source.at(node) for node in [source.tree, *public] if not ast.get_docstring(node)]

    assert silent == []


def test_no_float_comes_near_money():
    floats = [
        source.at(node)
        for source in sources("chalicelib")
        if source.name not in FLOATS_ALLOWED
        for node in source.nodes()
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
    ]

    assert floats == []


def calls(source: Source) -> list[tuple[str, ast.Call]]:
    return [(dotted(node.func), node) for node in source.nodes() if isinstance(node, ast.Call)]


def test_nothing_scans_a_table():
    scans = [
        source.at(node)
        for source in sources("chalicelib")
        for name, node in calls(source)
        if name.rpartition(".")[2] in {"scan", "rate_limited_scan"}
    ]

    assert scans == []


def test_numbers_are_added_to_only_under_a_condition():
    """DynamoDB's ADD makes what is missing: without a condition, a row out of nothing."""
    bare = [
        source.at(function)
        for source in sources("chalicelib")
        for function in functions(source)
        if any(is_add_action(node) for node in ast.walk(function)) and not updates_under_a_condition(function)
    ]

    assert bare == []


def is_add_action(node: ast.AST) -> bool:
    """``cls.available.add(1)`` or ``StockRow.available.add(1)``."""
    name = dotted(node.func) if isinstance(node, ast.Call) else ""
    return name.count(".") == 2 and name.endswith(".add") and (name.startswith("cls.") or name[0].isupper())


def updates_under_a_condition(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Call)
        and dotted(node.func) == "tx.update"
        and any(keyword.arg == "condition" for keyword in node.keywords)
        for node in ast.walk(function)
    )


def test_no_attribute_of_a_model_hides_a_method():
    """``row.count`` as a number would hide ``Model.count``."""
    from pynamodb.models import Model

    hiding = [
        (source.at(node), target.id)
        for source in sources("chalicelib")
        for class_ in source.nodes()
        if isinstance(class_, ast.ClassDef) and any(dotted(base).endswith("Row") for base in class_.bases)
        for node in class_.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and hasattr(Model, target.id)
    ]

    assert hiding == []


def test_only_the_edges_catch_everything():
    catching = [
        source.at(node)
        for source in sources("chalicelib")
        if source.name not in EXCEPT_ALL_ALLOWED
        for node in source.nodes()
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or dotted(node.type) in {"Exception", "BaseException"})
    ]

    assert catching == []


def test_the_edges_catch_everything_once():
    caught = Counter(
        source.name
        for source in sources("chalicelib")
        for node in source.nodes()
        if isinstance(node, ast.ExceptHandler) and node.type is not None and dotted(node.type) == "Exception"
    )

    noted_or_made_opaque_on_its_way = {"chalicelib.core.api": 2, "chalicelib.core.runs": 2}
    that_and_kept_from_the_neighbours_of_a_message = {"chalicelib.core.worker": 3}
    by_module = {
        **dict.fromkeys(EXCEPT_ALL_ALLOWED, 1),
        **noted_or_made_opaque_on_its_way,
        **that_and_kept_from_the_neighbours_of_a_message,
    }

    assert caught == by_module


def test_only_config_reads_the_environment():
    readers = {
        source.name
        for source in sources("chalicelib")
        for node in source.nodes()
        if dotted(node) in {"os.environ", "os.getenv", "os.environb"}
    }

    assert readers == {"chalicelib.core.config"}


def test_only_the_clock_knows_the_time_and_sleeps():
    clocks = {
        "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
        "datetime.date.today", "time.time", "time.time_ns", "time.monotonic", "time.sleep",
    }  # fmt: skip
    users = {source.name for source in sources("chalicelib") for node in source.nodes() if dotted(node) in clocks}

    assert users == {"chalicelib.core.clock"}


def test_signatures_are_compared_in_constant_time():
    """A digest, signature or token never meets ``==``: that answers the sooner, the earlier they differ."""
    secret = ("hexdigest", "digest", "signature", "token", "admin_key", "server_key")
    compared = [
        source.at(node)
        for source in sources("chalicelib")
        for node in source.nodes()
        if isinstance(node, ast.Compare)
        and any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops)
        and any(is_secret(side, secret) for side in (node.left, *node.comparators))
    ]

    assert compared == []


def is_secret(node: ast.AST, names: tuple[str, ...]) -> bool:
    name = dotted(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2]
    return name in names


def test_nothing_happens_at_import():
    """No client, connection or file at module level: what all pay for on each cold start, used or not."""
    makers = {"client", "create_client", "get_session", "open", "read_text", "read_bytes", "PoolManager", "urlopen"}
    eager = [
        source.at(statement)
        for source in sources("chalicelib")
        for statement in source.tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in makers
    ]

    assert eager == []
