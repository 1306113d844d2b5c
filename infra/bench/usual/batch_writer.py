"""Erases one item collection with boto3's batch_writer, in one loop: what its documentation shows."""

import common
from boto3.dynamodb.conditions import Key


def erase(table, customer, more):
    """Deletes while more() says so, and returns how many items."""
    deleted, page = 0, {}
    with table.batch_writer() as batch:
        while True:
            answer = table.query(KeyConditionExpression=Key("customer").eq(customer), **common.PAGE, **page)
            for item in answer["Items"]:
                batch.delete_item(Key=common.key(item))
                deleted += 1
                if deleted % 25 == 0 and not more():
                    return deleted
            if "LastEvaluatedKey" not in answer:
                return deleted
            page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


common.main(erase)
