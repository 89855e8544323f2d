"""This shop's payment step: the card form in the gateway's frame, its token here, and no card number ever."""

from django import forms
from django.conf import settings
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from oscar.apps.checkout import views
from oscar.apps.checkout.views import *  # noqa: F403
from oscar.apps.payment.exceptions import PaymentError
from oscar.apps.payment.models import Source, SourceType

from kanhe.connect.oscar.checkout import KanhePayment, PaymentDeclined
from kanhe.connect.oscar.telling import minor
from shop.checkout import gateway

DECLINED = {
    "insufficient_funds": _("The bank says that there is not enough money on this card."),
    "expired_card": _("The bank says that this card has expired."),
    "invalid_cvv": _("The bank says that the security code is not right."),
    "invalid_number": _("The bank does not know this card."),
    "processing_error": _("The bank could not answer. Please try again in a moment."),
}
"""What buyers are told. Of lost and stolen cards they are told no more than of any other."""
DECLINED_OTHERWISE = _("The bank has declined this card. Please use another one, or ask your bank.")


class CardForm(forms.Form):
    """What the gateway's frame leaves in the page."""

    card_token = forms.CharField(max_length=100, widget=forms.HiddenInput)
    card_shown = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)


class PaymentDetailsView(KanhePayment, views.PaymentDetailsView):
    """Behind Kanhe's gate."""

    kanhe_fields = ("card_token", "card_shown")

    def get_context_data(self, **kwargs):
        """For the templates: the frame's address, and the form that is sent on."""
        kwargs.setdefault("card_form", CardForm(self.request.POST or None))
        lang = "zh" if get_language().startswith("zh") else "en"
        kwargs["card_frame"] = (
            f"{settings.GATEWAY_URL}/fields?key={settings.GATEWAY_PUBLISHABLE_KEY}&lang={lang}"
        )
        kwargs["gateway_origin"] = settings.GATEWAY_URL
        return super().get_context_data(**kwargs)

    def handle_payment_details_submission(self, request):
        """The card is there: show what will be ordered."""
        form = CardForm(request.POST)
        if not form.is_valid():
            return self.render_payment_details(
                request, card_form=form, error=_("Please enter a card.")
            )
        return self.render_preview(request, card_form=form)

    def handle_place_order_submission(self, request):
        """Place the order with the card that came along."""
        form = CardForm(request.POST)
        if not form.is_valid():
            return redirect("checkout:payment-details")
        token = form.cleaned_data["card_token"]
        return self.submit(**self.build_submission(payment_kwargs={"card_token": token}))

    def render_payment_details(self, request, **kwargs):
        """Again: the token of a card that was tried is not offered once more."""
        kwargs.pop("card_token", None)
        kwargs.setdefault("card_form", CardForm())
        return super().render_payment_details(request, **kwargs)

    def render_preview(self, request, **kwargs):
        """What `submit` passes on is the token, which stands in the form already."""
        kwargs.pop("card_token", None)
        return super().render_preview(request, **kwargs)

    def kanhe_payment(self, order_number, total, card_token="", **kwargs):
        """What the gateway says of the card behind the token."""
        card = gateway.card(card_token)
        return {
            "card": card["card"], "card_brand": card["brand"], "card_country": card["country"],
            "card_funding": card["funding"],
        }  # fmt: skip

    def take_payment(self, order_number, total, card_token="", **kwargs):
        """Have the gateway set the money aside; it is captured once the order is released."""
        amount = minor(total.incl_tax, total.currency)
        paid = gateway.authorise(order_number, card_token, amount, total.currency)
        if paid["status"] == "declined":
            reason = paid["decline_reason"]
            raise PaymentDeclined(
                DECLINED.get(reason, DECLINED_OTHERWISE), reason, payment=paid["payment"],
                cvv_result=paid["cvv_result"],
            )  # fmt: skip
        if paid["status"] != "authorized":
            raise PaymentError(f"payment {paid['payment']} is {paid['status']}")
        self._authorised = paid["payment"]
        kind, _made = SourceType.objects.get_or_create(name="Card")
        self.add_payment_source(
            Source(
                source_type=kind, currency=total.currency, amount_allocated=total.incl_tax,
                reference=paid["payment"], label=paid["card"],
            )
        )  # fmt: skip
        self.add_payment_event("Authorised", total.incl_tax, reference=paid["payment"])
        return {"payment": paid["payment"], "cvv_result": paid["cvv_result"]}

    def handle_order_placement(self, order_number, *args, **kwargs):
        """An order that cannot be placed after all leaves no money set aside."""
        try:
            return super().handle_order_placement(order_number, *args, **kwargs)
        except Exception:
            gateway.let_go(self._authorised)
            raise
