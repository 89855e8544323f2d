"""The pages that list products. Oscar's own ask a search server; this shop has none."""

from typing import NamedTuple

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.generic import ListView
from oscar.apps.catalogue.models import Category, Product


class Found(NamedTuple):
    """A product, as oscar's templates expect a result of a search."""

    object: Product


class CatalogueView(ListView):
    """All products."""

    template_name = "oscar/catalogue/browse.html"
    context_object_name = "products"
    paginate_by = 24

    def products(self):
        """Those that are shown."""
        return Product.objects.browsable()

    def get_queryset(self):
        """As results."""
        found = self.products().base_queryset().order_by("upc")
        return [Found(product) for product in found]

    def get_context_data(self, **kwargs):
        """With what the page is called."""
        return super().get_context_data(summary=_("All products"), **kwargs)


class ProductCategoryView(CatalogueView):
    """Those of a category."""

    template_name = "oscar/catalogue/category.html"

    def products(self):
        """Those of the category and of those below it."""
        self.category = get_object_or_404(Category, pk=self.kwargs["pk"], is_public=True)
        below = self.category.get_descendants_and_self()
        return super().products().filter(categories__in=below).distinct()

    def get_context_data(self, **kwargs):
        """With the category."""
        return super().get_context_data(category=self.category, **kwargs)


class FacetedSearchView(CatalogueView):
    """Those that words are found in."""

    template_name = "oscar/search/results.html"

    def products(self):
        """Every word has to be in name or description."""
        found = super().products()
        for word in self.request.GET.get("q", "")[:100].split()[:8]:
            found = found.filter(Q(title__icontains=word) | Q(description__icontains=word))
        return found

    def get_context_data(self, **kwargs):
        """With what was looked for, as oscar's template expects it."""
        context = super().get_context_data(query=self.request.GET.get("q", "")[:100], **kwargs)
        return {**context, "page": context["page_obj"]}
