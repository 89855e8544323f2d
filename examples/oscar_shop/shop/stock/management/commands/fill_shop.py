"""`manage.py fill_shop`: goods with pictures, a voucher, buyers with a past, a shopkeeper."""

import json
import time
from datetime import timedelta
from decimal import Decimal

import httpx
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sites.models import Site
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.text import slugify
from django.utils.timezone import now
from oscar.apps.address.models import Country, UserAddress
from oscar.apps.catalogue.models import (
    Category,
    Product,
    ProductCategory,
    ProductClass,
    ProductImage,
)
from oscar.apps.offer.models import Benefit, Condition, ConditionalOffer, Range
from oscar.apps.order.models import Line, Order, ShippingAddress
from oscar.apps.partner.models import Partner, StockRecord
from oscar.apps.voucher.models import Voucher

from kanhe.client import events
from kanhe.connect.oscar import connection, second_factor, telling
from kanhe.connect.oscar.visit import Visit
from shop.stock.catalogue import CATEGORIES, GOODS
from shop.stock.drawings import drawing
from shop.stock.people import BUYERS, PASSWORD

COUNTRIES = (
    ("AT", "Austria"), ("BE", "Belgium"), ("CN", "China"), ("DE", "Germany"), ("FR", "France"),
    ("NL", "Netherlands"), ("SE", "Sweden"),
)  # fmt: skip

_WAIT_S = 180


class Command(BaseCommand):
    """Fill an empty shop; what is there already is left alone."""

    help = "Fill the shop with goods, buyers and a past, and tell Kanhe of that past."

    def add_arguments(self, parser):
        """What can be chosen."""
        parser.add_argument("--tables", action="store_true", help="make the tables first")
        parser.add_argument(
            "--with-kanhe", action="store_true", help="tell Kanhe of the past as well"
        )

    def handle(self, *args, **options):
        """Everything in one transaction, then what Kanhe is told; prints what is shown once as JSON."""
        if options["tables"]:
            call_command("migrate", run_syncdb=True, verbosity=0)
        with transaction.atomic():
            self._goods()
            self._voucher()
            for buyer in BUYERS:
                self._buyer(buyer)
            self._keeper()
        told = self._tell() if options["with_kanhe"] else {}
        self.stdout.write(json.dumps(told))

    def _goods(self):
        Site.objects.update_or_create(pk=1, defaults={"domain": "localhost", "name": "Haishi"})
        for code, name in COUNTRIES:
            Country.objects.get_or_create(
                iso_3166_1_a2=code,
                defaults={
                    "printable_name": name,
                    "name": name.upper(),
                    "is_shipping_country": True,
                },
            )
        kind, _ = ProductClass.objects.get_or_create(
            slug="goods", defaults={"name": "Goods", "track_stock": True}
        )
        partner, _ = Partner.objects.get_or_create(code="haishi", defaults={"name": "Haishi"})
        categories = {
            key: Category.objects.filter(name=name).first()
            or Category.objects.add_root({"name": name})
            for key, name in CATEGORIES.items()
        }
        for goods in GOODS:
            if Product.objects.filter(upc=goods.number).exists():
                continue
            product = Product.objects.create(
                product_class=kind, upc=goods.number, title=f"{goods.en} {goods.zh}", slug=slugify(goods.en),
                description=f"<p>{goods.said_en}</p><p>{goods.said_zh}</p>",
            )  # fmt: skip
            ProductCategory.objects.create(product=product, category=categories[goods.category])
            StockRecord.objects.create(
                product=product, partner=partner, partner_sku=goods.number, price_currency="EUR",
                price=Decimal(goods.price), num_in_stock=500,
            )  # fmt: skip
            picture = ProductImage(product=product, caption=goods.en)
            svg = drawing(*goods.picture).encode()
            picture.original.save(f"{goods.number.lower()}.svg", ContentFile(svg), save=True)

    def _voucher(self):
        if Voucher.objects.filter(code="SPRING10").exists():
            return
        everything, _ = Range.objects.get_or_create(
            name="Everything", defaults={"includes_all_products": True}
        )
        offer = ConditionalOffer.objects.create(
            name="Ten percent in spring 春日九折", offer_type=ConditionalOffer.VOUCHER,
            benefit=Benefit.objects.create(range=everything, type=Benefit.PERCENTAGE, value=10),
            condition=Condition.objects.create(range=everything, type=Condition.COUNT, value=1),
        )  # fmt: skip
        voucher = Voucher.objects.create(
            name="Spring", code="SPRING10", usage=Voucher.MULTI_USE,
            start_datetime=now() - timedelta(days=1), end_datetime=now() + timedelta(days=365),
        )  # fmt: skip
        voucher.offers.add(offer)

    def _buyer(self, buyer):
        if User.objects.filter(email=buyer.mail).exists():
            return
        oldest = max(days for days, _, _ in buyer.past)
        user = User.objects.create_user(
            buyer.key, buyer.mail, PASSWORD, first_name=buyer.first, last_name=buyer.last,
            date_joined=now() - timedelta(days=oldest + 1),
        )  # fmt: skip
        street, city, code, country = buyer.place
        where = {
            "first_name": buyer.first, "last_name": buyer.last, "line1": street, "line4": city,
            "postcode": code, "country": Country.objects.get(iso_3166_1_a2=country),
        }  # fmt: skip
        UserAddress.objects.create(user=user, is_default_for_shipping=True, **where)
        for number, (days, skus, _) in enumerate(buyer.past, 1):
            self._past(
                user, f"{buyer.key}-{number}", days, skus, ShippingAddress.objects.create(**where)
            )

    def _past(self, user, number, days, skus, address):
        stock = list(StockRecord.objects.filter(partner_sku__in=skus))
        total = sum(record.price for record in stock)
        order = Order.objects.create(
            number=number, site_id=1, user=user, currency="EUR", total_incl_tax=total,
            total_excl_tax=total, shipping_address=address, shipping_method="Standard", status="Shipped",
            date_placed=now() - timedelta(days=days),
        )  # fmt: skip
        for record in stock:
            Line.objects.create(
                order=order, partner=record.partner, partner_sku=record.partner_sku,
                stockrecord=record, product=record.product, title=record.product.title, quantity=1,
                line_price_incl_tax=record.price, line_price_excl_tax=record.price,
                line_price_before_discounts_incl_tax=record.price,
                line_price_before_discounts_excl_tax=record.price, unit_price_incl_tax=record.price,
                unit_price_excl_tax=record.price, status="Shipped", num_allocated=0,
            )  # fmt: skip

    def _keeper(self):
        if not User.objects.filter(is_staff=True).exists():
            User.objects.create_superuser("keeper", "keeper@example.com", PASSWORD)

    def _tell(self):
        """Tell Kanhe what happened before it was there, oldest first, and give the app's secrets."""
        self._reach()
        past, secrets = [], {}
        for buyer in BUYERS:
            user = User.objects.get(email=buyer.mail)
            visit = Visit(device=f"d-home-of-{buyer.key}", ip_country=buyer.place[3])
            joined = telling.ms(user.date_joined)
            past.append((joined, events.AccountRegistered(
                id=telling.event_id("sign-up", user.pk), at_ms=joined, **telling.of_user(user),
                **visit.fields(events.AccountRegistered),
            )))  # fmt: skip
            for order in Order.objects.filter(user=user, number__startswith=buyer.key):
                placed = telling.ms(order.date_placed)
                past.append((placed, telling.order_placed(order, visit, f"card_of_{buyer.key}")))
                paid = events.PaymentAttempted(
                    id=telling.event_id("pay", order.number, 1), at_ms=placed - 1000,
                    **telling.of_user(user), **visit.fields(events.PaymentAttempted), card=f"card_of_{buyer.key}",
                    order=order.number, amount_minor=telling.minor(order.total_incl_tax, "EUR"),
                    currency="EUR",
                )  # fmt: skip
                past.append((placed - 1000, paid))
                login = events.AccountLogin(
                    id=telling.event_id("login", order.number), at_ms=placed - 60_000,
                    **telling.of_user(user), **visit.fields(events.AccountLogin), login_method="password",
                )  # fmt: skip
                past.append((placed - 60_000, login))
            past += self._complaints(user, buyer)
            if buyer.has_app:
                secrets[buyer.key] = self._app(user)
        for _, event in sorted(past, key=lambda one: one[0]):
            connection.client().record(event)
        if not connection.client().flush(timeout=30):
            raise CommandError("Kanhe did not take the shop's past; is it running?")
        return secrets

    def _reach(self):
        """Wait for a Kanhe that is starting."""
        until = time.monotonic() + _WAIT_S
        while time.monotonic() < until:
            try:
                if httpx.get(f"{settings.KANHE['url']}/readyz", trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise CommandError(f"Kanhe does not answer at {settings.KANHE['url']}")

    def _complaints(self, user, buyer):
        for number, (days, _, reason) in enumerate(buyer.past, 1):
            if reason:
                order = Order.objects.get(number=f"{buyer.key}-{number}")
                at_ms = telling.ms(order.date_placed + timedelta(days=min(days, 6)))
                yield at_ms, events.RefundRequested(
                    id=telling.event_id("refund", order.number), at_ms=at_ms, order=order.number,
                    user=telling.user_ref(user), amount_minor=telling.minor(order.total_incl_tax, "EUR"),
                    currency="EUR", refund_reason=reason,
                )  # fmt: skip

    def _app(self, user):
        """An authenticator app for this buyer, confirmed; gives its secret, to be typed into a real one."""
        import pyotp

        ref = telling.user_ref(user)
        if any(one["confirmed"] for one in second_factor.factors(ref)):
            return ""
        # The first factor of an account answers nothing for a day, unless somebody vouches for it.
        vouched = {"requires": {"statement": "set up together with the account"}}
        begun = second_factor.enrol(ref, "totp", user.email, vouched)
        code = pyotp.TOTP(begun["secret"]).now()
        second_factor.confirm_factor(ref, begun["factor_id"], {"code": code}, Visit())
        return begun["secret"]
