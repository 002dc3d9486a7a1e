"""The customers of the sample files (docs/samples): what a newcomer's practice account knows from the start."""

from datetime import datetime

from ingest.sandbox import customers
from ingest.sandbox.store import Store

SAMPLE_CUSTOMERS = {
    "cus_acme": "Acme Tooling", "cus_globex": "Globex & Sons", "cus_initech": "Initech Solutions",
    "cus_hooli": "Hooli", "cus_stark": "Stark Building Services", "cus_umbrella": "Umbrella Testing",
}
"""Names by external id. `cus_acmee` in problems.csv is nobody, on purpose."""


def add_sample_customers(store: Store, now: datetime) -> None:
    """Adds them all, or none where the sandbox holds anything already: what people made there is never touched."""
    with store.writing() as writer:
        if store.next_number(writer, "customers") > 1 or store.next_number(writer, "metrics") > 1:
            return
        for external_id, name in SAMPLE_CUSTOMERS.items():
            customers.add(store, writer, {"customer_name": name, "external_id": external_id}, now)
