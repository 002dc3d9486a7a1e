"""Customers whom the account doesn't know: the known one of nearly the same name is offered, and only that."""

import pytest

from ingest.push.unknown import nearest

KNOWN = [("cus_acme", "cus_acme"), ("Acme Tooling GmbH", "cus_acme"), ("cus_globex", "cus_globex"), ("cus_101", "cus_101"), ("Initech GmbH", "cus_9"), ("c", "c"), ("Two alike", "one"), ("two alike", "another")]


@pytest.mark.parametrize(("unknown", "meant"), [
    ("cus_acmee", "cus_acme"), ("CUS_ACME", "cus_acme"), ("cus_ acme", "cus_acme"), ("cus_glbex", "cus_globex"), ("initech gmbh", "cus_9"), ("Initech, Inc.", "cus_9"), ("ACME Tooling", "cus_acme"), ("Two Alike", ""),
    ("cus_102", ""), ("cus_1010", ""), ("cus_hooli", ""), ("d", ""),
])
def test_the_known_customer_that_may_be_meant(unknown, meant):
    assert {name: found for name, (found, _) in nearest([unknown], KNOWN).items()} == ({unknown: meant} if meant else {})
