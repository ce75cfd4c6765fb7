"""Statement files against their formats' own arithmetic, read here with nothing but string handling."""

import itertools
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from simulation import bank_days
from simulation.camt_file import camt_053
from simulation.coda_file import coda, field, record
from simulation.customers import COMPANY
from simulation.model import Statement, World
from simulation.mt940_file import mt940, wrapped


def of_format(world: World, statement_format: str) -> list[Statement]:
    return [statement for statement in world.statements if statement.account.statement_format == statement_format]


def cents_of(text: str) -> int:
    """Cents of a decimal amount with a dot or a comma."""
    value = Decimal(text.replace(",", ".")) * 100
    assert value == value.to_integral_value()
    return int(value)


def test_balances_chain_on_every_account_from_the_first_to_the_last_bank_day(world: World) -> None:
    by_account: dict[str, list[Statement]] = defaultdict(list)
    for statement in world.statements:
        by_account[statement.account.iban].append(statement)
    assert len(by_account) == 3
    days = list(bank_days.bank_days_between(world.start_on, world.until))
    for account in COMPANY.accounts:
        statements = by_account[account.iban]
        assert [statement.booked_on for statement in statements] == days
        assert statements[0].opening_cents == account.opening_cents
        for before, after in itertools.pairwise(statements):
            assert after.opening_cents == before.closing_cents
            assert after.previous_on == before.booked_on
            restarts = after.booked_on.year != before.booked_on.year
            assert after.sequence_no == (1 if restarts else before.sequence_no + 1)
        assert any(not statement.entries for statement in statements)
        for statement in statements:
            booked = sum(entry.amount_cents for entry in statement.entries)
            assert statement.opening_cents + booked == statement.closing_cents


def test_every_entry_is_on_exactly_one_statement(world: World) -> None:
    stated = [entry.entry_id for statement in world.statements for entry in statement.entries]
    assert sorted(stated) == [entry.entry_id for entry in world.entries]


@pytest.mark.parametrize("version", ["02", "08"])
def test_camt_totals_and_balances_agree(world: World, version: str) -> None:
    statements = of_format(world, "camt.053")
    root = etree.fromstring(camt_053(statements, version=version))
    name = f"{{urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}}}"
    assert root.tag == f"{name}Document"

    def text(node: etree._Element, path: str) -> str:
        found = node.findtext("/".join(f"{name}{part}" for part in path.split("/")))
        assert found is not None, path
        return found

    def signed(node: etree._Element) -> int:
        return cents_of(text(node, "Amt")) * (1 if text(node, "CdtDbtInd") == "CRDT" else -1)

    elements = root.findall(f".//{name}Stmt")
    assert len(elements) == len(statements)
    batches = 0
    for element, statement in zip(elements, statements, strict=True):
        balances = {text(one, "Tp/CdOrPrtry/Cd"): signed(one) for one in element.findall(f"{name}Bal")}
        assert balances == {"OPBD": statement.opening_cents, "CLBD": statement.closing_cents}
        booked = [signed(one) for one in element.findall(f"{name}Ntry")]
        assert sum(booked) == statement.closing_cents - statement.opening_cents
        assert int(text(element, "TxsSummry/TtlNtries/NbOfNtries")) == len(booked)
        assert cents_of(text(element, "TxsSummry/TtlCdtNtries/Sum")) == sum(cents for cents in booked if cents > 0)
        assert cents_of(text(element, "TxsSummry/TtlDbtNtries/Sum")) == -sum(cents for cents in booked if cents < 0)
        for entry in element.findall(f"{name}Ntry"):
            batch = entry.find(f"{name}NtryDtls/{name}Btch")
            if batch is None:
                continue
            batches += 1
            details = entry.findall(f"{name}NtryDtls/{name}TxDtls")
            path = "Amt" if version == "08" else "AmtDtls/TxAmt/Amt"
            assert int(text(batch, "NbOfTxs")) == len(details)
            assert cents_of(text(batch, "TtlAmt")) == sum(cents_of(text(one, path)) for one in details) == signed(entry)
    assert batches > 50
    assert re.search(r"<RtrInf><Rsn><Cd>(AM04|MS03|MD06)</Cd></Rsn></RtrInf>", etree.tostring(root, encoding="unicode"))


def test_camt_2019_wraps_parties_and_status_where_2009_does_not(world: World) -> None:
    statement = next(one for one in of_format(world, "camt.053") if len(one.entries) > 3)
    old, new = (camt_053([statement], version=version).decode() for version in ("02", "08"))
    assert "<Sts>BOOK</Sts>" in old
    assert "<Pty>" not in old
    assert "<BIC>" in old
    assert "<BICFI>" not in old
    assert "<Sts><Cd>BOOK</Cd></Sts>" in new
    assert "<Pty>" in new
    assert "<BICFI>" in new
    assert "<BIC>" not in new


def test_mt940_adds_up_in_integer_cents_and_keeps_to_its_width(world: World) -> None:
    statements = of_format(world, "mt940")
    messages = mt940(statements).decode("ascii").split("-}\r\n")
    assert messages.pop() == ""
    assert len(messages) == len(statements)
    balance = re.compile(r"^:(60F|62F|64):([CD])(\d{6})EUR(\d+,\d\d)$", re.MULTILINE)
    movement = re.compile(
        r"^:61:(\d{6})(\d{4})([CD])(\d+,\d\d)N(?:TRF|CHG|DDT|RTI)(?:EREF|NONREF)//(\d{14})$", re.MULTILINE
    )
    for message, statement in zip(messages, statements, strict=True):
        lines = message.replace("\r\n", "\n")
        assert all(len(line) <= 65 for line in lines.split("\n"))
        found = {tag: cents_of(amount) * (1 if mark == "C" else -1) for tag, mark, _, amount in balance.findall(lines)}
        assert found == {"60F": statement.opening_cents, "62F": statement.closing_cents, "64": statement.closing_cents}
        booked = [cents_of(amount) * (1 if mark == "C" else -1) for _, _, mark, amount, _ in movement.findall(lines)]
        assert booked == [entry.amount_cents for entry in statement.entries]
        assert lines.count(":61:") == len(booked)
        debits = [-cents for cents in booked if cents < 0]
        credits = [cents for cents in booked if cents > 0]
        summed = re.search(r":86:/SUM/(\d+)/(\d+)/([\d,]+)/([\d,]+)/\n", lines)
        assert summed is not None
        assert (int(summed[1]), int(summed[2])) == (len(debits), len(credits))
        assert (cents_of(summed[3]), cents_of(summed[4])) == (sum(debits), sum(credits))
        assert f":28C:{statement.sequence_no:05d}\n" in lines


def test_mt940_breaks_long_information_in_the_middle_of_words() -> None:
    assert wrapped(":86:" + "x" * 70) == ":86:" + "x" * 61 + "\r\n" + "x" * 9


def test_coda_records_have_128_characters_and_trailers_that_agree(world: World) -> None:
    statements = of_format(world, "coda")
    lines = coda(statements).decode("ascii").split("\r\n")
    assert lines.pop() == ""
    assert {len(line) for line in lines} == {128}
    blocks: list[list[str]] = []
    for line in lines:
        if line[0] == "0":
            blocks.append([])
        blocks[-1].append(line)
    assert len(blocks) == len(statements)
    empty = 0
    for block, statement in zip(blocks, statements, strict=True):
        head, old, *middle, trailer = block
        assert head[:5] == "00000"
        assert head[127] == "2"
        assert head[5:11] == f"{statement.booked_on:%d%m%y}"
        assert old[1] == "2"
        assert old[5:21] == statement.account.iban
        assert old[39:42] == "EUR"
        assert signed(old[42], old[43:58]) == statement.opening_cents
        assert old[58:64] == f"{statement.previous_on:%d%m%y}"
        movements = [line for line in middle if line[:2] == "21"]
        booked = [signed(line[31], line[32:47]) for line in movements]
        assert booked == [entry.amount_cents for entry in statement.entries]
        assert [int(line[2:6]) for line in movements] == list(range(1, len(booked) + 1))
        assert {line[121:124] for line in movements} <= {f"{statement.sequence_no:03d}"}
        *_, new = middle
        assert new[0] == "8"
        assert signed(new[41], new[42:57]) == statement.closing_cents
        assert new[57:63] == f"{statement.booked_on:%d%m%y}"
        empty += len(middle) == 1
        assert trailer[0] == "9"
        assert int(trailer[16:22]) == len(block) - 2
        assert signed("0", trailer[22:37]) == -sum(cents for cents in booked if cents < 0)
        assert signed("0", trailer[37:52]) == sum(cents for cents in booked if cents > 0)
    assert empty > 20
    assert [block[-1][127] for block in blocks] == ["1"] * (len(blocks) - 1) + ["2"]


def signed(sign: str, digits: str) -> int:
    """Cents of a CODA amount of fifteen digits, three of them decimals."""
    assert len(digits) == 15
    thousandths = int(digits)
    assert thousandths % 10 == 0
    return thousandths // 10 * (-1 if sign == "1" else 1)


def test_coda_link_codes_announce_exactly_the_records_that_follow(world: World) -> None:
    lines = coda(of_format(world, "coda")).decode("ascii").split("\r\n")
    for line, following in itertools.pairwise(lines):
        if line[:2] in {"21", "22", "23"}:
            continues = following[0] == line[0] and following[2:10] == line[2:10]
            assert (line[125] == "1") == continues, line
            if not continues:
                assert (line[127] == "1") == (following[0] == "3"), line


def test_coda_carries_structured_communications_of_type_101(world: World) -> None:
    statements = of_format(world, "coda")
    lines = coda(statements).decode("ascii").split("\r\n")
    carried = [line[65:77] for line in lines if line[:2] == "21" and line[61:65] == "1101"]
    expected = [
        entry.structured_reference
        for statement in statements
        for entry in statement.entries
        if entry.structured_reference and not entry.structured_reference.startswith("RF")
    ]
    assert len(expected) > 100
    assert carried == expected


def test_a_coda_record_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="128 characters, not 127"):
        record("9", " " * 126)
    assert field("Prénoire", 5) == "Preno"


def test_collections_are_booked_in_one_amount_per_day_and_scheme(world: World) -> None:
    batches: dict[tuple[date, str | None], set[str]] = defaultdict(set)
    for entry in world.entries:
        if entry.kind == "collection":
            assert entry.mandate_id
            assert entry.batch_id
            assert entry.end_to_end_id
            batches[entry.booked_on, entry.scheme].add(entry.bank_reference)
        else:
            assert entry.batch_id is None
    assert all(len(references) == 1 for references in batches.values())
    alone = [entry.bank_reference for entry in world.entries if not entry.batch_id]
    assert len(set(alone)) == len(alone)
