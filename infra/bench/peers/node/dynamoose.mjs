// dynamoose: a query of all pages, and batches one after another, each of which says what
// it did not take.
import dynamoose from "dynamoose";
import { chunks } from "./chunks.mjs";

dynamoose.Table.defaults.set({ create: false, waitForActive: false });
const schema = new dynamoose.Schema({
  customer: { type: String, hashKey: true },
  record: { type: String, rangeKey: true },
});

export const eraser = (table) => async (customer) => {
  const Model = dynamoose.models?.[table] ?? dynamoose.model(table, schema);
  const found = await Model.query("customer").eq(customer).attributes(["customer", "record"]).consistent().all().exec();
  let unprocessed = 0;
  for (const keys of chunks(found.map(({ customer: of, record }) => ({ customer: of, record })))) {
    const { unprocessedItems } = await Model.batchDelete(keys);
    unprocessed += unprocessedItems.length;
  }
  return unprocessed > 0 ? `${unprocessed} unprocessed` : "";
};
