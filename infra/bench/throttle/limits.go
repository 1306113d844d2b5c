package main

import (
	"fmt"
	"time"
)

// limits are what AWS says of itself, and where.
func (c code) limits(t *table) {
	t.heading("Limits, as AWS documents them")
	t.text("Read on 2026-11-23 (us-east-1); guide: developer guide of the service.")
	t.head("", "limit", left+"where")
	const hotPartitions = "DynamoDB guide, Best practices for designing and using partition keys; Key range throughput exceeded (hot partitions)"
	for _, l := range []struct{ what, limit, where string }{
		{"a partition", fmt.Sprintf("%s write, %s read units a second", whole(partitionWrites), whole(partitionReads)), hotPartitions},
		{"items of one partition key", "one partition, until it is split between sort keys", "DynamoDB guide, Burst and adaptive capacity"},
		{"a partition's data", fmt.Sprintf("about %d GB", partitionGB), "no page of today names it; older editions of the guide did, and it only counts here for how far a full table is from its wall"},
		{"unused units", "kept for 300 s at most, no promise", "DynamoDB guide, Burst and adaptive capacity"},
		{"a new on-demand table or index", fmt.Sprintf("%s write, %s read units a second at once", whole(newTableWrites), whole(newTableWrites*3)), "DynamoDB guide, Understanding DynamoDB warm throughput in different scenarios"},
		{"more than twice its peak so far", "may be throttled within 30 minutes", "DynamoDB guide, Pre-warming a table for on-demand capacity mode"},
		{"a table", fmt.Sprintf("%s write, %s read units a second, quota", whole(tableWrites), whole(tableWrites)), "DynamoDB guide, Quotas"},
		{"BatchWriteItem", "25 items; in part: UnprocessedItems; none: ProvisionedThroughputExceededException", "DynamoDB API reference, BatchWriteItem"},
		{"TransactWriteItems", "100 actions, 2 units a KB, all or none", "DynamoDB guide, Transactions"},
		{"Lambda", fmt.Sprintf("%s processes, quota; 1,000 more every 10 s for each function", whole(accountConcurrency)), "Lambda guide, Quotas; Lambda scaling behavior"},
		{"a stream's shard", "1 to 10 batches at a time (`ParallelizationFactor`), polled 4 times a second", "Lambda guide, Using AWS Lambda with Amazon DynamoDB"},
		{"API Gateway", fmt.Sprintf("%s requests a second, quota (2,500 in some regions)", whole(accountRequests)), "API Gateway guide, Quotas"},
		{"an item's storage", fmt.Sprintf("its size and %d bytes", indexOverhead), "DynamoDB guide, Item sizes and formats"},
	} {
		t.row(l.what, l.limit, l.where)
	}
	t.heading("What is assumed")
	t.head("", "", left+"used for")
	for _, l := range []struct{ what, value, use string }{
		{"peak", fmt.Sprintf("%d times the mean", peak), "a day's calls in six hours"},
		{"bytes of a transaction, customer, user, contact, record of the ledger", fmt.Sprintf("%d, %d, %s, %d, %d", transactionBytes, customerBytes, whole(userBytes), contactBytes, recordBytes), "storage, partitions, pages"},
		{"contacts of a number, each filed under so many parties", fmt.Sprintf("%d, %d", contactsPerNumber, copiesOfContact), "operation 4"},
		{"medians: a call of one item, a batch, a transaction of up to 20 and of 100 actions", fmt.Sprintf("%s, %s, %s, %s", oneCall, oneBatch, fewTogether, manyTogether), "how many passes and workers; the simulation, where 99 of 100 calls take at most 5 times the median (delete.go)"},
		{"processor time of a second pass", processorTime.String(), "three calls; what cleanup's memory allows"},
		{"a worker's start by the stream", fmt.Sprintf("%s at the median", started.median().Round(10*time.Millisecond)), "hand-overs"},
		{"a log line of a call, Lambda's own, the access log's", fmt.Sprintf("%d, %d, %d bytes", lineBytes, platformBytes, accessBytes), "logs"},
	} {
		t.row(l.what, l.value, l.use)
	}
}
