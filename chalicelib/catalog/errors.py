"""What the catalogue refuses."""

from chalicelib.core.errors import Conflict, Invalid, NotFound


class ProductNotFound(NotFound):
    """There is no such product, or it is not for sale."""

    code = "product_not_found"


class CategoryNotFound(NotFound):
    """There is no such category."""

    code = "category_not_found"


class UnknownSku(NotFound):
    """No product has this SKU."""

    code = "unknown_sku"


class NotForSale(Conflict):
    """This SKU is not for sale at the moment: its product is a draft or archived."""

    code = "not_for_sale"


class SlugTaken(Conflict):
    """Another product or category has this slug."""

    code = "slug_taken"


class SkuTaken(Conflict):
    """Another product has this SKU; ``sku`` says which."""

    code = "sku_taken"


class StaleVersion(Conflict):
    """It changed since you read it; ``version`` is the current one. Read it again and repeat."""

    code = "stale_version"


class IllegalMove(Conflict):
    """The product's state does not allow this; ``legal`` names the states that may follow."""

    code = "illegal_product_move"


class CategoryCycle(Conflict):
    """A category cannot stand below itself."""

    code = "category_cycle"


class CategoryTooDeep(Conflict):
    """Categories stand at most ``most`` levels deep."""

    code = "category_too_deep"


class TooManyCategories(Conflict):
    """The shop has as many categories as it may."""

    code = "too_many_categories"


class TooManyVariants(Invalid):
    """A product has at most ``most`` variants."""

    code = "too_many_variants"
