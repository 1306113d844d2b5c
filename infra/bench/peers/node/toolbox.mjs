// dynamodb-toolbox: a query of all pages, and batches that are tried up to ten times,
// which is an option of its batch write.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { BatchDeleteRequest, BatchWriteCommand, Entity, QueryCommand, Table, executeBatchWrite, item, string } from "dynamodb-toolbox";
import { chunks } from "./chunks.mjs";

const documentClient = DynamoDBDocumentClient.from(new DynamoDBClient());

export const eraser = (name) => async (customer) => {
  const table = new Table({
    name, documentClient, partitionKey: { name: "customer", type: "string" }, sortKey: { name: "record", type: "string" },
  });
  const record = new Entity({
    name: "record", table, schema: item({ customer: string().key(), record: string().key() }),
    timestamps: false, entityAttribute: false,
  });
  const { Items } = await table.build(QueryCommand).query({ partition: customer })
    .options({ consistent: true, maxPages: Infinity }).send();
  for (const found of chunks(Items)) {
    const requests = found.map((key) => record.build(BatchDeleteRequest).key({ customer: key.customer, record: key.record }));
    const { UnprocessedItems = {} } = await executeBatchWrite({ maxAttempts: 10 }, table.build(BatchWriteCommand).requests(...requests));
    if (Object.keys(UnprocessedItems).length > 0) {
      throw new Error("items are unprocessed after ten tries");
    }
  }
};
