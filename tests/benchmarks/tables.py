"""Tables for a terminal."""

from collections.abc import Iterable, Sequence


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table under its title: the first column to the left, the others to the right."""
    lines = [[str(cell) for cell in row] for row in [heads, *rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    head, *body = [_line(line, widths) for line in lines]
    rule = "-" * len(head)
    return "\n".join(["", title, rule, head, rule, *body])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])
