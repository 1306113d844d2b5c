"""What both ways have in common: python3 <way>.py <endpoint> <table> <customer> <seconds> prints one line of JSON."""

import json
import sys
import time

import boto3

# DynamoDB Local reads a whole collection for every query without a limit, which DynamoDB does not. Pages of 1,000, so that the
# seconds that a script is given hold many of them.
PAGE = {"Limit": 1000}


def key(item):
    """The key of an item."""
    return {"customer": item["customer"], "record": item["record"]}


def main(erase):
    """Times erase, without imports and the client's making, for some seconds at most."""
    endpoint, table, customer, seconds = sys.argv[1:]
    table = boto3.resource(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIAUSUAL",
        aws_secret_access_key="made-up",
    ).Table(table)
    table.get_item(Key={"customer": customer, "record": "customer"})  # opens the connection
    began = time.monotonic()
    deleted = erase(table, customer, lambda: time.monotonic() - began < float(seconds))
    print(json.dumps({"deleted": deleted, "seconds": time.monotonic() - began}))
