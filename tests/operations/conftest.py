from tests.operations.stores import (  # noqa: F401
    clock,
    engine,
    postgresql_url,
    sqlite_engine,
    sqlite_url,
    store_url,
    tmp_path,
)
