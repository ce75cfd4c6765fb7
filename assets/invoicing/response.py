"""Peppol Invoice Response (transaction T111, UBL ApplicationResponse): what the buyer says of an invoice."""

from __future__ import annotations

from assets.invoicing.documents import InvoiceResponse, UnreadableDocument
from assets.invoicing.ubl import read_party
from assets.invoicing.xml_tree import Node

ROOTS = ("ApplicationResponse",)

# The subset of UNCL4343 the profile allows: received, in process, under query, conditionally accepted, rejected,
# accepted, payment initiated.
CODES = ("AB", "IP", "UQ", "CA", "RE", "AP", "PD")

# In the order in which a buyer gives them.
ORDER = ("AB", "IP", "UQ", "CA", "AP", "RE", "PD")

# These must say why (rule R001, fatal).
_NEEDS_REASON = ("UQ", "CA", "RE")
_REASONS, _ACTIONS = "OPStatusReason", "OPStatusAction"
_PARTLY_PAID = "PPD"


def read_response(root: Node) -> InvoiceResponse:
    """The one response of the message. Raises UnreadableDocument when it is none of an invoice, or breaks a rule."""
    document_id = _needed(root, "ID")
    issued_on = root.iso_date("IssueDate")
    if issued_on is None:
        raise UnreadableDocument("missing_element", "IssueDate is missing", root.position)
    answers = root.all("DocumentResponse")
    if len(answers) != 1:
        # Message Level Responses and order responses are ApplicationResponses too.
        raise UnreadableDocument(
            "not_an_invoice_response", f"the message answers {len(answers)} documents, not one", root.position
        )
    response = answers[0].need("Response")
    code = _needed(response, "ResponseCode")
    if code not in CODES:
        raise UnreadableDocument(
            "unknown_response_code", f"response code {code[:20]!r} is not one of {', '.join(CODES)}", response.position
        )
    reasons: list[str] = []
    actions: list[str] = []
    texts: list[str] = []
    for status in response.all("Status"):
        if said := status.one("StatusReasonCode"):
            is_action = said.attribute("listID") == _ACTIONS
            (actions if is_action else reasons).append(said.own_text() or "")
        texts.extend(text for node in status.all("StatusReason") if (text := node.own_text()))
    reasons, actions = [reason for reason in reasons if reason], [action for action in actions if action]
    if code in _NEEDS_REASON and not (reasons or actions):
        raise UnreadableDocument(
            "missing_clarification", f"a response {code} must say why (rule R001)", response.position
        )
    if _PARTLY_PAID in reasons and code != "PD":
        raise UnreadableDocument(
            "contradictory_response",
            f"a partial payment ({_PARTLY_PAID}) goes with PD only, not {code}",
            response.position,
        )
    return InvoiceResponse(
        document_id=document_id,
        issued_on=issued_on,
        code=code,
        invoice_number=_needed(answers[0].need("DocumentReference"), "ID"),
        sender=read_party(root.one("SenderParty")),
        receiver=read_party(root.one("ReceiverParty")),
        issued_at=root.text("IssueTime") or "",
        effective_on=response.iso_date("EffectiveDate"),
        reasons=tuple(reasons),
        actions=tuple(actions),
        texts=tuple(texts),
    )


def _needed(node: Node, name: str) -> str:
    text = node.need(name).identifier()
    if not text:
        raise UnreadableDocument("missing_element", f"{name} is empty", node.position)
    return text
