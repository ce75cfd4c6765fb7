"""From payments to the bank's own books: entries with bank references, and one statement per account and bank day."""

from collections import defaultdict
from datetime import date

from simulation import bank_days
from simulation.model import Account, BankEntry, EntryTruth, Invoice, Statement
from simulation.paying import Payment
from simulation.streams import stream


def bank_reference(account: Account, day: date, number: int) -> str:
    """The servicer's reference, in the shape each of the three formats gives it."""
    match account.statement_format:
        case "mt940":
            return f"{day:%y%m%d}{number:08d}"
        case "coda":
            return f"TBO{day:%y%j}{number:08d}OVERS"
        case _:
            return f"{day:%Y%m%d}{number:010d}"


def batch_key(payment: Payment) -> tuple[str, str | None]:
    """Collections of one day and scheme are booked in one amount; everything else alone."""
    return ("collection", payment.scheme) if payment.kind == "collection" else ("", None)


def book(
    seed: int, accounts: tuple[Account, ...], payments: list[Payment], invoices: dict[str, Invoice]
) -> tuple[tuple[BankEntry, ...], tuple[EntryTruth, ...]]:
    """Entries in booking order with what each really is. Within a day the bank's order is its own."""
    by_day: dict[tuple[date, str], list[Payment]] = defaultdict(list)
    for payment in payments:
        by_day[payment.booked_on, payment.account_iban].append(payment)
    account_of = {account.iban: account for account in accounts}
    entries: list[BankEntry] = []
    truths: list[EntryTruth] = []
    for day, iban in sorted(by_day):
        movements = by_day[day, iban]
        stream(seed, "bank order", iban, day.isoformat()).shuffle(movements)
        movements.sort(key=batch_key)
        references: dict[tuple[str, str | None], str] = {}
        for number, payment in enumerate(movements, start=1):
            own_reference = bank_reference(account_of[iban], day, number)
            key = batch_key(payment)
            reference = references.setdefault(key, own_reference) if key[0] else own_reference
            entry_id = f"E{len(entries) + 1:06d}"
            entries.append(
                BankEntry(
                    entry_id=entry_id,
                    account_iban=iban,
                    booked_on=day,
                    valued_on=day,
                    amount_cents=payment.amount_cents,
                    kind=payment.kind,
                    counterparty_name=payment.payer_name or None,
                    counterparty_iban=payment.payer_iban or None,
                    counterparty_bic=payment.payer_bic or None,
                    bank_reference=reference,
                    end_to_end_id=payment.end_to_end_id,
                    mandate_id=payment.mandate_id,
                    scheme=payment.scheme,
                    structured_reference=payment.structured_reference,
                    remittance=payment.remittance,
                    return_reason=payment.return_reason,
                    batch_id=f"INC{day:%Y%m%d}{payment.scheme}" if key[0] else None,
                )
            )
            truths.append(
                EntryTruth(
                    entry_id=entry_id,
                    customer_id=payment.customer_id,
                    noise=payment.noise,
                    allocations=tuple((invoices[draft].invoice_id, cents) for draft, cents in payment.allocations),
                    unapplied_cents=payment.unapplied_cents,
                    needs_clerk=payment.needs_clerk,
                )
            )
    return tuple(entries), tuple(truths)


def make_statements(
    accounts: tuple[Account, ...], entries: tuple[BankEntry, ...], start_on: date, until: date
) -> tuple[Statement, ...]:
    """A statement per account and bank day, also without movement; balances chain, numbers restart every year."""
    by_day: dict[tuple[str, date], list[BankEntry]] = defaultdict(list)
    for entry in entries:
        by_day[entry.account_iban, entry.booked_on].append(entry)
    statements = []
    for account in accounts:
        balance = account.opening_cents
        previous_on = bank_days.bank_days_later(start_on, -1)
        # A year of statements before this world began has numbers of its own.
        sequence_no = sum(1 for _ in bank_days.bank_days_between(date(start_on.year, 1, 1), previous_on))
        for day in bank_days.bank_days_between(start_on, until):
            sequence_no = 1 if day.year != previous_on.year else sequence_no + 1
            movements = tuple(by_day[account.iban, day])
            closing = balance + sum(entry.amount_cents for entry in movements)
            statements.append(
                Statement(
                    account=account,
                    booked_on=day,
                    previous_on=previous_on,
                    statement_id=f"{account.iban}-{day:%Y%m%d}",
                    sequence_no=sequence_no,
                    opening_cents=balance,
                    closing_cents=closing,
                    entries=movements,
                )
            )
            balance, previous_on = closing, day
    statements.sort(key=lambda statement: (statement.booked_on, statement.account.iban))
    return tuple(statements)
