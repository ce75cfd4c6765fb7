"""What dbt calls `adapter`, as far as the SQL linter needs it: an engine's own word stands where its macro would.

sqlfluff renders the models with plain Jinja, which knows no adapter. The linter looks at form, so any expression of the right
shape serves; two macros stand for a table and not for a value.
"""

from collections.abc import Callable

TABLES = {"unnested": "unnested_rows as unnested", "date_rows": "select date '2020-01-01' as date_day"}


def dispatch(name: str, *_: object, **__: object) -> Callable[..., str]:
    """The macro called `name`, as something that can stand in its place."""
    return lambda *arguments, **_: TABLES.get(name, f"lint_{name}(1)") if name != "unnested" else f"unnested_rows as {arguments[1]}"
