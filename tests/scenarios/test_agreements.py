"""What people agree, contest and decide, and how the track goes on afterwards."""

from tests.scenarios.town import Story, Weeks, told

PROMISE = Story("promise_broken_paid_reversed")
PROMISE.invoice("A", "1000.00", "02-27")
PROMISE.tells("03-05", "promise_made", invoices="A", promised_on="2026-03-12", amount="1000.00")
PROMISE.pays("03-17", "1000.00", "A")
PROMISE.takes_back("03-23")

KEPT = Story("promise_kept_then_reversed")
KEPT.invoice("A", "750.00", "02-27")
KEPT.tells("03-05", "promise_made", invoices="A", promised_on="2026-03-12", amount="750.00")
KEPT.pays("03-13", "750.00", "A")
KEPT.takes_back("03-19")

LINE = Story("dispute_on_a_line")
LINE.invoice("A", "1000.00", "02-27", lines=("600.00", "400.00"))
LINE.tells("03-03", "dispute_opened", invoice="A", line_number="2", reason="not delivered")
LINE.tells("03-10", "dispute_closed", invoice="A", line_number="2", outcome="explanation")

REBILL = Story("credit_and_rebill")
REBILL.invoice("A", "800.00", "02-27")
REBILL.tells("03-06", "dispute_opened", invoice="A", reason="wrong price")
REBILL.tells("03-12", "dispute_closed", invoice="A", outcome="credit_and_rebill")
REBILL.credit_note("X", "800.00", "03-13", credits="A", arrives="03-13")
REBILL.invoice("B", "760.00", "04-01", arrives="03-13", replaces_invoice_number=REBILL.number_of("A"))

ARRANGED = Story("arrangement_broken")
ARRANGED.invoice("A", "900.00", "02-27")
ARRANGED.tells(
    "03-05",
    "arrangement_agreed",
    customer="arrangement_broken",
    invoices="A",
    instalments=[
        {"due_on": "2026-03-09", "amount": "300.00"},
        {"due_on": "2026-03-16", "amount": "300.00"},
        {"due_on": "2026-03-30", "amount": "300.00"},
    ],
    method="manual",
    reason="temporarily_tight",
    arrangement_id="R1",
)
ARRANGED.pays("03-09", "300.00", "A")

HELD = Story("hold_on_one_invoice")
HELD.invoice("A", "500.00", "02-27")
HELD.invoice("B", "200.00", "02-27")
HELD.tells("03-03", "hold_placed", invoice="A", reason="sales asked", until="2026-03-11")

SETTLED = Story("pays_everything")
SETTLED.invoice("A", "500.00", "02-27")
SETTLED.invoice("B", "200.00", "02-27")
SETTLED.pays("03-06", "700.00", "AB")

HANDED = Story("handed_over")
HANDED.invoice("A", "5000.00", "02-10", opening=(1, "02-20"))
HANDED.invoice("B", "100.00", "02-27")
HANDED.tells("03-03", "handed_over", customer="handed_over", agency="Incasso N.V.", invoices="AB")

PAUSED_CALL = Story("call_due_during_a_dispute")
PAUSED_CALL.invoice("A", "1200.00", "01-30", opening=(2, "02-24"))
PAUSED_CALL.tells("03-02", "dispute_opened", invoice="A", reason="wrong goods")
PAUSED_CALL.tells("03-12", "dispute_closed", invoice="A", outcome="explanation")

HELD_CALL = Story("call_due_during_a_hold")
HELD_CALL.invoice("A", "1300.00", "01-30", opening=(2, "02-24"))
HELD_CALL.tells("03-02", "hold_placed", customer="call_due_during_a_hold", reason="merger", until="2026-03-12")


def test_a_promise_broken_then_paid_then_reversed(weeks: Weeks) -> None:
    """Broken, it is followed by the step that was due; paid late, the promise stays broken. When the money goes back the
    track goes on at the stage it had, in a new cycle, with the full days of the next step from the day of the reversal."""
    assert weeks.track(PROMISE, until="04-08") == told(
        """
        03-02 A wait grace 0 1000.00
        03-04 A message step_due 1 1000.00
        03-05 A hold promise_open 1 1000.00         # promised for the 12th, and two days more
        03-16 A message catch_up 2 1000.00          # the step that was due on the 14th
        03-17 A wait step_not_due 2 1000.00
        03-18 A gone                                # paid on the 17th
        03-25 A hold reallocated 2/2 1000.00        # taken back on the 23rd, which the 25th is the first day to know
        03-27 A wait step_not_due 2/2 1000.00
        03-30 A task step_due 3/2 1000.00           # seven days after the 23rd
        04-01 A task catch_up 3/2 1000.00
        04-06 A wait step_not_due 3/2 1000.00
        """
    )
    assert weeks.letters(PROMISE)[:3] == told(
        """
        03-04 reminder_1 1 email 1000.00 A*
        03-16 reminder_2 2 email 1000.00 A*
        """
    )
    assert weeks.statuses("dunning.promise_statuses", PROMISE) == told(
        """
        03-05 open
        03-16 broken
        """
    )
    assert any(
        task.startswith("broken_promise A of 03-15: open 03-16 gone 03-18 open 03-25") for task in weeks.tasks(PROMISE)
    )


def test_a_promise_kept_is_judged_anew_when_the_money_goes_back(weeks: Weeks) -> None:
    """Paid on the day after the promised one, which is within the two days; taken back on the 19th."""
    assert weeks.statuses("dunning.promise_statuses", KEPT) == told(
        """
        03-05 open
        03-16 kept
        03-20 broken
        """
    )
    assert weeks.track(KEPT, until="04-03") == told(
        """
        03-02 A wait grace 0 750.00
        03-04 A message step_due 1 750.00
        03-05 A hold promise_open 1 750.00
        03-16 A gone
        03-20 A hold reallocated 1/2 750.00
        03-23 A wait step_not_due 1/2 750.00
        03-30 A message catch_up 2/2 750.00         # ten days after the 19th: a Sunday
        04-01 A wait step_not_due 2/2 750.00
        """
    )


def test_a_dispute_on_one_line_lets_the_rest_go_on(weeks: Weeks) -> None:
    """400.00 of 1000.00 is contested, then explained: the first reminder asks for 600.00, the second for all of it."""
    assert weeks.letters(LINE)[:2] == told(
        """
        03-04 reminder_1 1 email 600.00 A*
        03-16 reminder_2 2 email 1000.00 A*
        """
    )
    assert "follow_up A of 03-03: open 03-03 gone 03-10" in weeks.tasks(LINE)


def test_credit_and_rebill_begins_at_stage_nought(weeks: Weeks) -> None:
    assert weeks.track(REBILL, until="04-10") == told(
        """
        03-02 A wait grace 0 800.00
        03-04 A message step_due 1 800.00
        03-05 A wait step_not_due 1 800.00
        03-06 A hold disputed 1 800.00
        03-12 A wait step_not_due 1 800.00
        03-13 A gone                            # the credit note
        03-13 B none not_due 0 760.00           # the new invoice, due on 1 April, from the beginning
        03-27 B message step_due 0 760.00
        03-30 B none not_due 0 760.00
        04-03 B wait grace 0 760.00
        04-06 B message step_due 1 760.00
        04-08 B wait step_not_due 1 760.00
        """
    )
    assert weeks.letters(REBILL)[:3] == told(
        """
        03-04 reminder_1 1 email 800.00 A*
        03-27 pre_due_notice 0 email 760.00 B*
        04-06 reminder_1 1 email 760.00 B*
        """
    )
    assert "follow_up A of 03-06: open 03-06 gone 03-12" in weeks.tasks(REBILL)
    assert "credit_and_rebill A of 03-12: open 03-12 done 03-13 gone 03-23" in weeks.tasks(REBILL)


def test_an_arrangement_broken_is_resumed_at_the_stored_stage(weeks: Weeks) -> None:
    """The first instalment is paid, the second, of the 16th, is not: broken on the 24th, the day after seven. The track goes
    on at stage 1 in a new cycle, with the ten days of the second reminder from then."""
    assert weeks.track(ARRANGED, until="04-06") == told(
        """
        03-02 A wait grace 0 900.00
        03-04 A message step_due 1 900.00
        03-05 A hold arrangement_active 1 900.00
        03-10 A hold arrangement_active 1 600.00
        03-25 A wait step_not_due 1/2 600.00
        04-03 A message step_due 2/2 600.00
        04-06 A wait step_not_due 2/2 600.00
        """
    )
    assert weeks.letters(ARRANGED)[:2] == told(
        """
        03-04 reminder_1 1 email 900.00 A*
        04-03 reminder_2 2/2 email 600.00 A*
        """
    )
    assert weeks.statuses("arrangements.arrangement_statuses", ARRANGED) == told(
        """
        03-05 active
        03-25 broken
        """
    )
    assert "arrangement_breach of 03-24: open 03-25" in weeks.tasks(ARRANGED)


def test_a_hold_on_one_invoice_lets_the_other_go_on(weeks: Weeks) -> None:
    assert weeks.track(HELD, until="03-20") == told(
        """
        03-02 A wait grace 0 500.00
        03-02 B wait grace 0 200.00
        03-03 A hold hold_invoice 0 500.00      # until the 11th, that day included
        03-04 B message step_due 1 200.00
        03-05 B wait step_not_due 1 200.00
        03-12 A message catch_up 1 500.00
        03-13 A wait step_not_due 1 500.00
        03-16 B wait min_gap 1 200.00
        03-19 B message catch_up 2 200.00
        03-20 B wait step_not_due 2 200.00
        """
    )


def test_a_customer_that_pays_everything_hears_no_more(weeks: Weeks) -> None:
    assert weeks.track(SETTLED) == told(
        """
        03-02 A wait grace 0 500.00
        03-02 B wait grace 0 200.00
        03-04 A message step_due 1 500.00
        03-04 B message step_due 1 200.00
        03-05 A wait step_not_due 1 500.00
        03-05 B wait step_not_due 1 200.00
        03-09 A gone
        03-09 B gone
        """
    )
    assert weeks.letters(SETTLED) == told("03-04 reminder_1 1 email 700.00 A* B*")
    assert weeks.kindnesses(SETTLED) == told("03-10 thank_you 0 email 0.00 A B")


def test_a_hand_over_stops_everything_of_ours(weeks: Weeks) -> None:
    assert weeks.letters(HANDED) == told("03-02 reminder_2 2 email 5000.00 A*")
    assert not [task for task in weeks.tasks(HANDED) if task.startswith(("call", "follow_up", "release_needed"))]
    assert all("handed_over" in line for line in weeks.track(HANDED) if line > "03-03")


def test_the_stage_stands_still_while_an_invoice_is_handed_over(weeks: Weeks) -> None:
    assert weeks.track(HANDED) == told(
        """
        03-02 A message step_due 2 5000.00
        03-02 B wait grace 0 100.00
        03-03 A done handed_over 2 5000.00
        03-03 B done handed_over 0 100.00
        """
    )


def test_a_call_due_during_a_dispute_is_made_after_it(weeks: Weeks) -> None:
    """Its seven days count anew from the closing on the 12th, and the formal notice comes seven days after the call."""
    assert weeks.track(PAUSED_CALL, until="04-01")[-5:] == told(
        """
        03-12 A wait step_not_due 2 1200.00
        03-19 A task step_due 3 1200.00
        03-20 A task catch_up 3 1200.00
        03-25 A wait step_not_due 3 1200.00
        04-01 A message catch_up 4 1200.00
        """
    )


def test_the_stage_stands_still_during_a_dispute(weeks: Weeks) -> None:
    assert weeks.track(PAUSED_CALL, until="03-11") == told("03-02 A hold disputed 2 1200.00")


def test_a_call_due_during_a_hold_is_made_after_it(weeks: Weeks) -> None:
    """The hold ends on the 12th, and the call that fell due on the 3rd is asked for: no formal notice without it."""
    assert weeks.track(HELD_CALL, until="03-16") == told(
        """
        03-02 A hold hold_customer 2 1300.00
        03-13 A task catch_up 3 1300.00
        """
    )
