"""The shape of the rules: chapter order, contracts, keys, words, and no clock. Read from dbt's own manifest."""

import re
from collections.abc import Iterator
from typing import Any

CHAPTERS = (
    "staging",
    "banking",
    "reconciliation",
    "receivables",
    "arrangements",
    "dunning",
    "tasks",
    "communications",
    "insight",
)

# The day comes from one row; anything that reads a clock would make yesterday unrepeatable.
CLOCKS = re.compile(
    r"\b(current_date|current_timestamp|now\s*\(|today\s*\(|getdate|localtime|random\s*\()", re.IGNORECASE
)

# Money stays exact: no binary fractions, and no bare division, which gives them.
FLOATS = re.compile(r"(::|\bas\s+)(double|float|real)\b|\bavg\s*\(", re.IGNORECASE)

GRAIN = re.compile(r"^(One|The one) row\b|^One ")


def models(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "model")


def published(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (node for node in models(manifest) if node["schema"] != "staging" and not node["name"].startswith("int_"))


def test_the_chapters_are_the_schemas_the_groups_and_the_folders(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        assert node["schema"] == node["group"] == node["path"].split("/")[0], node["name"]
    assert {node["schema"] for node in models(manifest)} == set(CHAPTERS)


def test_a_chapter_refers_only_to_earlier_chapters_and_their_published_tables(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        for parent_id in node["depends_on"]["nodes"]:
            parent = manifest["nodes"].get(parent_id)
            if parent is None or parent["resource_type"] == "seed":
                continue
            here, there = CHAPTERS.index(node["schema"]), CHAPTERS.index(parent["schema"])
            assert there <= here, f"{node['name']} refers to the later {parent['name']}"
            assert there == here or not parent["name"].startswith("int_"), (
                f"{node['name']} refers to the private {parent['name']}"
            )


def test_only_staging_reads_sources(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        if node["schema"] != "staging":
            assert not [parent for parent in node["depends_on"]["nodes"] if parent.startswith("source.")], node["name"]


def test_private_steps_are_private_and_published_tables_have_contracts(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        if node["name"].startswith("int_"):
            assert node["access"] == "private", node["name"]
    for node in published(manifest):
        assert node["config"]["contract"]["enforced"], f"{node['name']} has no contract"


def test_published_tables_say_their_grain_and_describe_every_column(manifest: dict[str, Any]) -> None:
    for node in published(manifest):
        assert GRAIN.match(node["description"]), (
            f"{node['name']}: {node['description'][:60]!r} does not begin with its grain"
        )
        for column in node["columns"].values():
            assert column["description"], f"{node['name']}.{column['name']} is not described"


def test_published_tables_carry_their_day_and_company_and_exact_amounts(manifest: dict[str, Any]) -> None:
    for node in published(manifest):
        columns = node["columns"]
        assert {"as_of_date", "company_id"} <= set(columns), node["name"]
        amounts = [column for column in columns.values() if column["name"].endswith("amount")]
        for column in amounts:
            assert column["data_type"].replace(" ", "") == "decimal(18,2)", f"{node['name']}.{column['name']}"
        assert not amounts or "currency" in columns, f"{node['name']} has amounts and no currency"


def test_every_published_table_has_a_key(manifest: dict[str, Any]) -> None:
    keyed = {
        parent
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and (test.get("test_metadata") or {}).get("name") in ("unique", "unique_combination")
        for parent in test["depends_on"]["nodes"]
    }
    for node in published(manifest):
        assert node["unique_id"] in keyed, f"{node['name']} has no key test"


def test_nothing_reads_a_clock_or_counts_money_in_floats(manifest: dict[str, Any]) -> None:
    code = {
        node["unique_id"]: node["raw_code"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "test") and node["raw_code"]
    }
    code |= {
        macro["unique_id"]: macro["macro_sql"]
        for macro in manifest["macros"].values()
        if macro["package_name"] == "tijdig"
    }
    for name, text in code.items():
        bare = re.sub(r"\{#.*?#\}|--[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
        assert not CLOCKS.search(bare), f"{name} reads a clock"
        assert not FLOATS.search(bare), f"{name} computes in floats"


def test_policies_are_dated_and_named(manifest: dict[str, Any]) -> None:
    """A seed that decides something says from when until when, and under which name."""
    from assets.warehouse.versions import ROOT

    for node in manifest["nodes"].values():
        if node["resource_type"] != "seed":
            continue
        header = (
            (ROOT / "dbt_project" / node["original_file_path"]).read_text(encoding="utf-8").splitlines()[0].split(",")
        )
        if "policy_id" in header:
            assert {"valid_from", "valid_to"} <= set(header), node["name"]
