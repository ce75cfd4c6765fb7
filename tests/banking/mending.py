"""Puts the balances of a published sample right, in memory: many were edited by their authors and no longer add up, but what
their entries say is as good as ever. Only balances (and the currency of the account) change."""

from __future__ import annotations

import re
from decimal import Decimal

from lxml import etree

_SWIFT_BALANCE = re.compile(r"(:6[02]F:)([CD])([0-9]{6}[A-Z]{3})([0-9]+,[0-9]*)")
_SWIFT_MOVEMENT = re.compile(r"^:61:[0-9]{6}(?:[0-9]{4})?(R?[CD])[A-Z]?([0-9]+,[0-9]*)", re.MULTILINE)


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", ".") + ("0" if text.endswith(",") else ""))


def mended_mt940(content: bytes) -> bytes:
    """Every closing balance made what the opening balance and the movements make."""
    pieces = re.split(r"(?m)(?=^:60F:)", content.decode("latin-1"))
    for place, piece in enumerate(pieces):
        opening = _SWIFT_BALANCE.match(piece)
        if opening is None:
            continue
        signed = {"C": 1, "D": -1, "RC": -1, "RD": 1}
        total = _decimal(opening[4]) * signed[opening[2]]
        total += sum(signed[mark] * _decimal(amount) for mark, amount in _SWIFT_MOVEMENT.findall(piece))
        right = f"{'CD'[total < 0]}{{}}{abs(total):.2f}".replace(".", ",")
        pieces[place] = re.sub(
            _SWIFT_BALANCE,
            lambda match, right=right: match[0] if match[1] == ":60F:" else match[1] + right.format(match[3]),
            piece,
        )
    return "".join(pieces).encode("latin-1")


def mended_camt(content: bytes) -> bytes:
    """Every statement opens with nothing and closes with what its booked entries make, in the currency of the first."""
    root = etree.fromstring(content)
    for statement in root.xpath("//*[local-name()='Stmt']"):
        namespace = statement.tag.rpartition("}")[0] + "}"
        for gone in statement.xpath(
            "*[local-name()='Bal'] | *[local-name()='TxsSummry'] | *[local-name()='Acct']/*[local-name()='Ccy']"
        ):
            gone.getparent().remove(gone)
        amounts = statement.xpath("*[local-name()='Ntry']/*[local-name()='Amt']")
        currency = amounts[0].get("Ccy")
        total = Decimal(0)
        for amount in amounts:
            amount.set("Ccy", currency)
            is_credit = amount.getparent().findtext(f"{namespace}CdtDbtInd") == "CRDT"
            amount.text = f"{Decimal(amount.text):.2f}"
            total += Decimal(amount.text) if is_credit else -Decimal(amount.text)
        account = statement.find(f"{namespace}Acct")
        for code, balance in (("CLBD", total), ("OPBD", Decimal(0))):
            sign = "DBIT" if balance < 0 else "CRDT"
            text = (
                f'<Bal xmlns="{namespace[1:-1]}"><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">'
                f"{abs(balance):.2f}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>"
            )
            account.addnext(etree.fromstring(text))
    return bytes(etree.tostring(root))
