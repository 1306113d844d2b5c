"""Erases one item collection with one DeleteItem at a time."""

import common
from boto3.dynamodb.conditions import Key


def erase(table, customer, more):
    """Deletes while more() says so, and returns how many items."""
    deleted, page = 0, {}
    while True:
        answer = table.query(KeyConditionExpression=Key("customer").eq(customer), **common.PAGE, **page)
        for item in answer["Items"]:
            if not more():
                return deleted
            table.delete_item(Key=common.key(item))
            deleted += 1
        if "LastEvaluatedKey" not in answer:
            return deleted
        page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


common.main(erase)
