"""The billing part of the settings, as the landing wants it."""

from assets.billing.marks import Overlap
from assets.billing.source import BillingSource
from assets.landing.brakes import Brakes
from orchestration.settings import Settings


def billing_source_of(settings: Settings) -> BillingSource:
    """Where the billing extract comes from and how far it is trusted."""
    billing = settings.billing
    return BillingSource(
        url=billing.url,
        queries=dict(billing.queries),
        is_full=billing.mode == "full",
        brakes=Brakes(billing.max_shrink_percent, billing.max_growth_factor, billing.max_sum_change_percent),
        watermarks=dict(billing.watermarks),
        overlap=Overlap(billing.watermark_overlap_minutes, billing.watermark_overlap_numbers),
        # Lists are also typed by hand, with whatever space between table and day.
        accepted=frozenset(" ".join(each.split()) for each in billing.accepted_extracts),
    )
