// ElectroDB: a query of all pages, and one batch deletion of any length, which says at
// its end what was not taken.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Entity } from "electrodb";

const client = new DynamoDBClient();

export const eraser = (table) => async (customer) => {
  const field = (name) => ({ field: name, composite: [name], template: `\${${name}}`, casing: "none" });
  const records = new Entity({
    model: { entity: "record", service: "loyalty", version: "1" },
    attributes: { customer: { type: "string", required: true }, record: { type: "string", required: true } },
    indexes: { byCustomer: { pk: field("customer"), sk: field("record") } },
  }, { client, table });
  // The items were written by somebody else, without this library's own attributes.
  const { data } = await records.query.byCustomer({ customer }).go({ pages: "all", consistent: true, ignoreOwnership: true });
  const { unprocessed } = await records.delete(data).go();
  return unprocessed.length > 0 ? `${unprocessed.length} unprocessed` : "";
};
