"""What both ways have in common: python3 <way>.py <endpoint> <table> <customer> <seconds> prints one line of JSON."""

import json
import sys
import time

import boto3

# Keys only, and pages with a limit: DynamoDB Local reads a whole collection for every query without one, which DynamoDB does
# not. Pages of 1,000, so that the seconds that a script is given hold many of them.
KEYS = {
    "ProjectionExpression": "customer, #record",
    "ExpressionAttributeNames": {"#record": "record"},
    "Limit": 1000,
}


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
