"""The shop's front door: what is mounted where."""

from typing import Final

from chalice.app import Chalice

from chalicelib.carts import store as carts_store
from chalicelib.catalog import admin as catalog_admin
from chalicelib.catalog import store as catalog_store
from chalicelib.checkout import store as checkout_store
from chalicelib.console import letters as console_letters
from chalicelib.console import status as console_status
from chalicelib.console import store as console_store
from chalicelib.console import switches as console_switches
from chalicelib.core.api import problems_for_chalice
from chalicelib.core.config import settings
from chalicelib.customers import admin as customers_admin
from chalicelib.customers import store as customers_store
from chalicelib.identity import admin as identity_admin
from chalicelib.identity import auditdesk
from chalicelib.identity import desk as identity_desk
from chalicelib.inventory import admin as inventory_admin
from chalicelib.notices import hooks as notices_hooks
from chalicelib.orders import admin as orders_admin
from chalicelib.orders import desk as orders_desk
from chalicelib.orders import store as orders_store
from chalicelib.payments import admin as payments_admin
from chalicelib.payments import hooks as payments_hooks
from chalicelib.privacy import admin as privacy_admin
from chalicelib.privacy import store as privacy_store

app: Final = Chalice(app_name="laris", configure_logs=False)
app.register_middleware(problems_for_chalice, "http")
app.register_blueprint(carts_store.api, url_prefix="/store/carts")
app.register_blueprint(carts_store.mine, url_prefix="/store/me")
app.register_blueprint(catalog_admin.api, url_prefix="/admin")
app.register_blueprint(catalog_store.api, url_prefix="/store")
app.register_blueprint(checkout_store.api, url_prefix="/store")
app.register_blueprint(console_letters.api, url_prefix="/admin")
app.register_blueprint(console_status.api, url_prefix="/admin")
app.register_blueprint(console_status.health, url_prefix="/")
app.register_blueprint(console_store.api, url_prefix="/")
app.register_blueprint(console_switches.api, url_prefix="/admin/switches")
app.register_blueprint(console_switches.services, url_prefix="/store/services")
app.register_blueprint(customers_admin.api, url_prefix="/admin/customers")
app.register_blueprint(customers_store.api, url_prefix="/store")
app.register_blueprint(customers_store.me, url_prefix="/store/me")
app.register_blueprint(auditdesk.api, url_prefix="/admin/audit")
app.register_blueprint(identity_admin.api, url_prefix="/admin")
app.register_blueprint(identity_desk.api, url_prefix="/admin")
app.register_blueprint(inventory_admin.api, url_prefix="/admin/stock")
app.register_blueprint(notices_hooks.api, url_prefix="/webhooks/notices")
app.register_blueprint(orders_admin.api, url_prefix="/admin/orders")
app.register_blueprint(orders_desk.api, url_prefix="/admin/refund-requests")
app.register_blueprint(orders_store.api, url_prefix="/store/orders")
app.register_blueprint(orders_store.mine, url_prefix="/store/me")
app.register_blueprint(payments_admin.api, url_prefix="/admin/payments")
app.register_blueprint(payments_hooks.api, url_prefix="/webhooks/payments")
app.register_blueprint(privacy_admin.api, url_prefix="/admin")
app.register_blueprint(privacy_store.api, url_prefix="/store/me")

if settings.packaging:  # workers start from their own modules; only packaging needs to see them
    from chalicelib.catalog import workers as catalog_workers
    from chalicelib.console import workers as console_workers
    from chalicelib.core import workers as core_workers
    from chalicelib.identity import workers as identity_workers
    from chalicelib.inventory import workers as inventory_workers
    from chalicelib.notices import workers as notices_workers
    from chalicelib.orders import workers as orders_workers
    from chalicelib.payments import workers as payments_workers
    from chalicelib.privacy import workers as privacy_workers

    app.register_blueprint(catalog_workers.workers)
    app.register_blueprint(console_workers.workers)
    app.register_blueprint(core_workers.workers)
    app.register_blueprint(identity_workers.workers)
    app.register_blueprint(inventory_workers.workers)
    app.register_blueprint(notices_workers.workers)
    app.register_blueprint(orders_workers.workers)
    app.register_blueprint(payments_workers.workers)
    app.register_blueprint(privacy_workers.workers)
