// chunks gives the parts of a list that fit into one batch of deletions: 25 items, which
// is DynamoDB's limit.
export function* chunks(list) {
  for (let at = 0; at < list.length; at += 25) {
    yield list.slice(at, at + 25);
  }
}
