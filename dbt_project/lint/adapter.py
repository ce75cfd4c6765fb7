"""What dbt calls `adapter`, as far as the SQL linter needs it: an engine's own word stands where its macro would.

sqlfluff renders the models with plain Jinja, which knows no adapter. The linter looks at form, so any expression of the
right shape serves; two macros stand for a table and not for a value.
"""

from collections.abc import Callable

TABLES = {"unnested": "unnested_rows as unnested", "date_rows": "select date '2020-01-01' as date_day"}


def dispatch(name: str, *_: object, **__: object) -> Callable[..., str]:
    """The macro called `name`, as something that can stand in its place."""

    def word(*arguments: object, **_: object) -> str:
        if name == "unnested":
            return f"unnested_rows as {arguments[1]}"
        if name == "json_object" and isinstance(arguments[0], dict):
            # Its values are shown: a table may be joined for nothing but what goes into the object.
            return f"lint_json_object({', '.join(map(str, arguments[0].values()))})"
        return TABLES.get(name, f"lint_{name}(1)")

    return word
