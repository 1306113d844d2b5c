// The AWS SDK alone: a query page by page, batches one after another, and what a batch
// did not take is sent again after a while, as DynamoDB's own guide asks.
import { setTimeout } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { BatchWriteCommand, DynamoDBDocumentClient, paginateQuery } from "@aws-sdk/lib-dynamodb";
import { chunks } from "./chunks.mjs";

const client = DynamoDBDocumentClient.from(new DynamoDBClient());

export const eraser = (table) => async (customer) => {
  const pages = paginateQuery({ client }, {
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: "customer = :customer",
    ProjectionExpression: "customer, #record",
    ExpressionAttributeNames: { "#record": "record" },
    ExpressionAttributeValues: { ":customer": customer },
  });
  for await (const { Items } of pages) {
    for (const keys of chunks(Items)) {
      let requests = { [table]: keys.map((Key) => ({ DeleteRequest: { Key } })) };
      for (let wait = 50; Object.keys(requests).length > 0; wait *= 2) {
        const { UnprocessedItems } = await client.send(new BatchWriteCommand({ RequestItems: requests }));
        requests = UnprocessedItems ?? {};
        if (Object.keys(requests).length > 0) {
          await setTimeout(wait * Math.random());
        }
      }
    }
  }
};
