"""What staff do with customers. Who looks at one is written into the audit trail."""

from chalicelib.core.api import Api
from chalicelib.core.vault import KeysUnavailable
from chalicelib.customers import addresses, consents, desk
from chalicelib.customers.errors import CustomerNotFound, StaleCustomer
from chalicelib.customers.records import CustomerList, CustomerSummary, FindCustomers, StaffCustomer
from chalicelib.customers.rules import phone_number
from chalicelib.customers.schemas import Correction
from chalicelib.identity.service import staff

api = Api(__name__)


@api.get(
    "/",
    access=staff("customers:read"),
    query=FindCustomers,
    answers={200: CustomerList},
    refusals=(KeysUnavailable,),
)
def find_customers(query: FindCustomers) -> CustomerList:
    """Customers by e-mail, phone or id, or all, newest first; names and e-mails masked."""
    if query.id:
        found, cursor = desk.with_id(query.id), None
    elif query.email:
        found, cursor = desk.with_email(query.email), None
    elif query.phone:
        found, cursor = desk.with_phone(phone_number(query.phone, "/phone"), query.limit), None
    else:
        page = desk.page(limit=query.limit, cursor=query.cursor)
        found, cursor = page.items, page.next_cursor
    return CustomerList([CustomerSummary.of(customer, person) for customer, person in found], cursor)


@api.get(
    "/{customer_id}",
    access=staff("customers:read"),
    answers={200: StaffCustomer},
    refusals=(CustomerNotFound, KeysUnavailable),
    recorded=True,
)
def get_customer(customer_id: str) -> StaffCustomer:
    """Who a customer is, with addresses and consents. That it was looked at is recorded."""
    return _view(customer_id)


@api.patch(
    "/{customer_id}",
    access=staff("customers:write"),
    body=Correction,
    answers={200: StaffCustomer},
    refusals=(CustomerNotFound, StaleCustomer, KeysUnavailable),
)
def change_customer(customer_id: str, asked: Correction) -> StaffCustomer:
    """Correct name, phone or language; what is left out stays. Another e-mail the customer has to prove."""
    desk.rectify(customer_id, asked.version, asked.corrected, asked.spoken)
    return _view(customer_id)


def _view(customer_id: str) -> StaffCustomer:
    customer, person = desk.known(customer_id)
    book, standing = addresses.get(customer_id), consents.current(customer_id)
    return StaffCustomer.of(customer, person, book, standing.values())
