// Deletes a customer with one of the libraries beside this file, whose name is the
// argument: node peer.mjs electrodb. It works as infra/bench/peers/go/main.go says.
// Region, keys and the engine's address come from the environment.
import { createInterface } from "node:readline";

const { eraser } = await import(`./${process.argv[2]}.mjs`);
for await (const line of createInterface({ input: process.stdin })) {
  const { table, customer } = JSON.parse(line);
  let said = "";
  try {
    said = (await eraser(table)(customer)) ?? "";
  } catch (error) {
    said = `${error.name}: ${error.message}`;
  }
  console.log(JSON.stringify(said));
}
