"""The catalogue: what the shop sells, how it is sorted, and what each thing costs.

Owns products with their options and variants, the category tree, the offers (one per SKU: what a cart needs to know)
and the listings that storefronts browse and search. Words: *slug* (a product's or category's name in addresses),
*option* (size), *variant* (one choice of each option, with its SKU), *offer* (a SKU for sale), *shelf* (a category, as
a list shows it), *listing* (a read model, a moment behind). Says product.changed and category.changed; listens to both
itself, to bring its listings up to date. What can be sold of a SKU, the warehouse tells (``set_availability``).
"""
