"""Addresses of the app: `path("kanhe/", include("kanhe.connect.oscar.urls"))`."""

from django.urls import path

from kanhe.connect.oscar import confirming, own_factors, webhook

app_name = "kanhe"
urlpatterns = [
    path("sign-in/", confirming.sign_in, name="sign-in"),
    path("confirm/", confirming.confirm, name="confirm"),
    path("factors/", own_factors.show, name="factors"),
    path("factors/add/", own_factors.add, name="factor-add"),
    path("factors/remove/", own_factors.remove, name="factor-remove"),
    path("desk/", webhook.desk, name="desk"),
]
