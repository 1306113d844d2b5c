package store_test

import (
	"fmt"
	"strconv"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

// More open jobs than fit into one page of 1 MB are all listed, those due first first; a
// limit cuts off those due last.
func TestListOpenReadsEveryPage(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	const n = 7000
	jobs := make([]item, n)
	for i := range jobs {
		jobs[i] = item{
			"erasureId": text(fmt.Sprintf("customer-1.%0200d", i)),
			"openShard": text(strconv.Itoa(i % 8 / 7)), // seven of eight in shard 0
			"dueAt":     number(strconv.Itoa(n - i)), "requestedAt": number("1"),
		}
	}
	kit.Put(t, kit.Erasures.Table, jobs...)
	kit.Faults.Calls()
	open, err := kit.Erasures.ListOpen(t.Context(), dynamotest.OpenIndex, 100_000)
	if err != nil || len(open) != n {
		t.Fatalf("%d jobs, %v", len(open), err)
	}
	if calls := len(kit.Faults.Calls()); calls != 5 {
		t.Errorf("%d calls, want one for each shard and one for the second page of the first", calls)
	}
	for i := 1; i < n*7/8; i++ {
		if !open[i-1].DueAt.Before(open[i].DueAt) {
			t.Fatalf("%d: %s before %s", i, open[i-1].DueAt, open[i].DueAt)
		}
	}
	open, err = kit.Erasures.ListOpen(t.Context(), dynamotest.OpenIndex, 400)
	if err != nil || len(open) != 200 || open[0].DueAt.UnixMilli() != 2 || open[100].DueAt.UnixMilli() != 1 {
		t.Errorf("%d jobs, %v", len(open), err)
	}
}

// A page that cannot be read takes away what lies behind it in its shard, and nothing
// else.
func TestListOpenGoesOnPastAnUnreadablePage(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	const n = 4000 // of 300 bytes, in two shards: two pages of the first
	jobs := make([]item, n)
	for i := range jobs {
		jobs[i] = item{
			"erasureId": text(fmt.Sprintf("customer-1.%0300d", i)), "openShard": text(strconv.Itoa(i % 8 / 7)),
			"dueAt": number(strconv.Itoa(i + 1)), "requestedAt": number("1"),
		}
	}
	kit.Put(t, kit.Erasures.Table, jobs...)
	for name, spoil := range map[string]func(){
		"refused": func() { kit.Faults.InjectOn("Query", dynamotest.Refused, 5, 5) }, // four are first pages
		"panic":   func() { kit.Faults.Interrupt(5, func() { panic("135****1111") }) },
	} {
		spoil()
		open, err := kit.Erasures.ListOpen(t.Context(), dynamotest.OpenIndex, 100_000)
		kit.Faults.Calls()
		if err == nil || len(open) <= n/8 || len(open) >= n || open[0].DueAt.UnixMilli() != 1 {
			t.Errorf("%s: %d jobs, %v", name, len(open), err)
		}
	}
}
