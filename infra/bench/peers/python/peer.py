"""Deletes a customer with boto3 or pynamodb, whose name is the argument. It works as
infra/bench/peers/go/main.go says: both as the libraries' own pages show it, a query for the
keys and a batch writer. Region, keys and the engine's address come from the environment."""

import json
import os
import sys


def boto3_eraser():
    import boto3
    from boto3.dynamodb.conditions import Key

    tables = boto3.resource("dynamodb")

    def erase(name, customer):
        table, more = tables.Table(name), {}
        with table.batch_writer() as batch:
            while True:
                page = table.query(
                    KeyConditionExpression=Key("customer").eq(customer), ConsistentRead=True,
                    ProjectionExpression="customer, #record", ExpressionAttributeNames={"#record": "record"}, **more)
                for key in page["Items"]:
                    batch.delete_item(Key=key)
                if "LastEvaluatedKey" not in page:
                    return
                more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    return erase


def pynamodb_eraser():
    from pynamodb.attributes import UnicodeAttribute
    from pynamodb.models import Model

    def erase(name, customer):
        class Record(Model):
            class Meta:
                table_name = name
                host = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
                region = os.environ["AWS_REGION"]

            customer = UnicodeAttribute(hash_key=True)
            record = UnicodeAttribute(range_key=True)

        with Record.batch_write() as batch:
            for key in Record.query(customer, consistent_read=True, attributes_to_get=["customer", "record"]):
                batch.delete(key)

    return erase


erase = {"boto3": boto3_eraser, "pynamodb": pynamodb_eraser}[sys.argv[1]]()
for line in sys.stdin:
    asked, said = json.loads(line), ""
    try:
        erase(asked["table"], asked["customer"])
    except Exception as error:  # whatever the library raises is what it said
        said = f"{type(error).__name__}: {error}"
    print(json.dumps(said), flush=True)
