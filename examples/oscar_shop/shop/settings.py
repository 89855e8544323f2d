"""Settings of the shop. What differs from place to place comes by the environment (`SHOP_…`).

Where django-oscar and Kanhe meet is marked; everything else is as any shop made with oscar has it.
"""

import os
from pathlib import Path

from django.utils.translation import gettext_lazy as _
from oscar.defaults import *  # noqa: F403

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("SHOP_DATA", HERE.parent / "shop-data"))
"""Everything the shop writes lies here."""

SECRET_KEY = os.environ["SHOP_SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = os.environ.get("SHOP_HOSTS", "127.0.0.1,localhost").split(",")
ORIGIN = os.environ.get("SHOP_ORIGIN", "http://localhost:8082")
SITE_ID = 1
ROOT_URLCONF = "shop.urls"
ASGI_APPLICATION = "shop.asgi.application"
# The tables of shipping are oscar's, though this shop has an app of that name.
MIGRATION_MODULES = {"shipping": "oscar.apps.shipping.migrations"}
if os.environ.get("SHOP_PLAIN_TABLES"):  # for tests, which need no history of them

    class _NoHistory(dict):
        def __contains__(self, app):
            return True

        def __getitem__(self, app):
            return None

    MIGRATION_MODULES = _NoHistory()
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.flatpages",
    "kanhe.connect.oscar",  # Kanhe
    "shop.stock",
    "shop.aftersales",
    "oscar.config.Shop",
    "oscar.apps.analytics.apps.AnalyticsConfig",
    "shop.checkout.apps.CheckoutConfig",
    "oscar.apps.address.apps.AddressConfig",
    "shop.shipping.apps.ShippingConfig",
    "oscar.apps.catalogue.apps.CatalogueConfig",
    "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig",
    "oscar.apps.communication.apps.CommunicationConfig",
    "oscar.apps.partner.apps.PartnerConfig",
    "oscar.apps.basket.apps.BasketConfig",
    "oscar.apps.payment.apps.PaymentConfig",
    "oscar.apps.offer.apps.OfferConfig",
    "oscar.apps.order.apps.OrderConfig",
    "oscar.apps.customer.apps.CustomerConfig",
    "shop.search.apps.SearchConfig",
    "oscar.apps.voucher.apps.VoucherConfig",
    "oscar.apps.wishlists.apps.WishlistsConfig",
    "oscar.apps.dashboard.apps.DashboardConfig",
    "oscar.apps.dashboard.reports.apps.ReportsDashboardConfig",
    "oscar.apps.dashboard.users.apps.UsersDashboardConfig",
    "oscar.apps.dashboard.orders.apps.OrdersDashboardConfig",
    "oscar.apps.dashboard.catalogue.apps.CatalogueDashboardConfig",
    "oscar.apps.dashboard.offers.apps.OffersDashboardConfig",
    "oscar.apps.dashboard.partners.apps.PartnersDashboardConfig",
    "oscar.apps.dashboard.pages.apps.PagesDashboardConfig",
    "oscar.apps.dashboard.ranges.apps.RangesDashboardConfig",
    "oscar.apps.dashboard.reviews.apps.ReviewsDashboardConfig",
    "oscar.apps.dashboard.vouchers.apps.VouchersDashboardConfig",
    "oscar.apps.dashboard.communications.apps.CommunicationsDashboardConfig",
    "oscar.apps.dashboard.shipping.apps.ShippingDashboardConfig",
    "widget_tweaks",
    "haystack",
    "treebeard",
    "django_tables2",
    "phonenumber_field",
]

MIDDLEWARE = [
    "kanhe.connect.django.DeviceMiddleware",  # Kanhe: knows devices and sessions by signed cookies
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "kanhe.connect.oscar.middleware.KanheMiddleware",  # Kanhe: after sessions, users and messages
    "oscar.apps.basket.middleware.BasketMiddleware",
]

if os.environ.get("SHOP_PRETEND_ADDRESSES"):  # on one machine only, see the module
    MIDDLEWARE.insert(0, "shop.stock.addresses.PretendedAddress")

AUTHENTICATION_BACKENDS = ["kanhe.connect.oscar.login.KanheBackend"]  # Kanhe: in place of oscar's

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
            ],
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA / "shop.db",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
        },
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
HAYSTACK_SIGNAL_PROCESSOR = "haystack.signals.BaseSignalProcessor"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if os.environ.get("SHOP_FAST_PASSWORDS"):  # for tests, which sign in a hundred times
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [HERE / "locale"]

STATIC_URL = "/static/"
STATICFILES_DIRS = [HERE / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA / "media"

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = DATA / "mail"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ORIGIN.startswith("https:")
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

# How oscar is to behave.
OSCAR_SHOP_NAME = "Haishi"
OSCAR_SHOP_TAGLINE = _("Tea and what it is drunk from")
OSCAR_DEFAULT_CURRENCY = "EUR"
OSCAR_ALLOW_ANON_CHECKOUT = True
OSCAR_ALLOW_ANON_REVIEWS = False
OSCAR_FROM_EMAIL = "shop@example.com"
OSCAR_THUMBNAILER = "shop.stock.thumbnails.AsDrawn"
OSCAR_MISSING_IMAGE_URL = "image_not_found.jpg"
OSCAR_USE_LESS = False
OSCAR_SEND_REGISTRATION_EMAIL = False
OSCAR_INITIAL_ORDER_STATUS = OSCAR_INITIAL_LINE_STATUS = "Pending"
OSCAR_ORDER_STATUS_PIPELINE = {
    "Pending": ("Paid", "Held for review", "Cancelled"),
    "Held for review": ("Pending", "Paid", "Cancelled"),  # Kanhe
    "Paid": ("Held for review", "Shipped", "Cancelled"),
    "Shipped": (),
    "Cancelled": (),
}
OSCAR_LINE_STATUS_PIPELINE = {"Pending": ("Cancelled",), "Cancelled": ()}
OSCAR_ORDER_STATUS_CASCADE = {"Cancelled": "Cancelled"}

# The payment gateway.
GATEWAY_URL = os.environ.get("SHOP_GATEWAY_URL", "http://127.0.0.1:8083")
GATEWAY_PUBLISHABLE_KEY = os.environ.get("SHOP_GATEWAY_PUBLISHABLE_KEY", "")
GATEWAY_SECRET_KEY = os.environ.get("SHOP_GATEWAY_SECRET_KEY", "")
GATEWAY_NOTICE_SECRET = os.environ.get("SHOP_GATEWAY_NOTICE_SECRET", "")

# Kanhe: by what device and session are known, see docs/device.md.
KANHE_DEVICE = {"keys": [SECRET_KEY]}

# Kanhe: where it is, and what to do while it cannot be reached.
KANHE = {
    "url": os.environ.get("SHOP_KANHE_URL", "http://127.0.0.1:8080"),
    "key": os.environ.get("SHOP_KANHE_KEY", ""),
    "queue": DATA / "kanhe-queue.db",
    "payee": "Haishi",
    "webhook_secrets": [s for s in os.environ.get("SHOP_KANHE_WEBHOOK_SECRET", "").split() if s],
    "fallback": {"payment.attempted": "allow", "refund.requested": "hold", "*": "allow"},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {
        "file": {
            "class": "logging.handlers.RotatingFileHandler", "filename": DATA / "shop.log",
            "maxBytes": 5_000_000, "backupCount": 2, "formatter": "line", "delay": True,
        }
    },
    "root": {"handlers": ["file"], "level": "INFO"},
    "loggers": {"httpx": {"level": "WARNING"}},
}  # fmt: skip
