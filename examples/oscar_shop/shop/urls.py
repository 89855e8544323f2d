"""Addresses of the shop."""

from django.apps import apps
from django.conf import settings
from django.urls import include, path, re_path
from django.views.static import serve

from shop.aftersales import views as aftersales
from shop.checkout.notices import gateway_notice

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("kanhe/", include("kanhe.connect.oscar.urls")),  # Kanhe
    path("gateway/notices/", gateway_notice, name="gateway-notice"),
    path("accounts/orders/<str:number>/refund/", aftersales.ask_refund, name="ask-refund"),
    path("accounts/orders/<str:number>/cancel/", aftersales.cancel, name="cancel-order"),
    re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
