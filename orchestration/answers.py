"""Where two slices meet: buyers' answers, read from documents, become events of the register."""

from sqlalchemy import Engine

from assets.invoicing.answers import Answer, Recorder
from assets.operations.clock import Clock
from assets.register.events import record


def answer_recorder(store: Engine, clock: Clock) -> Recorder:
    """Records answers as `invoice_response` events by the rules of the register, each once by its external_id."""

    def recorded(answer: Answer) -> bool:
        event = record(
            store,
            clock,
            kind="invoice_response",
            company_id=answer.company_id,
            effective_on=answer.effective_on,
            recorded_by=answer.recorded_by,
            payload={"invoice": answer.invoice_number, "code": answer.code, "reason": answer.reason},
            external_id=answer.external_id,
        )
        return event.is_new

    return recorded
