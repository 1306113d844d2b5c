package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/store"
)

// A customer in whose collection another writer has put so much that the first page does
// not show the customer is deleted like any other, and what was put there goes, too.
func TestCustomerBehindForeignRecords(t *testing.T) {
	t.Parallel()
	const account = "c-behind"
	collections := map[string]struct {
		records int
		bytes   int
	}{"many": {10_000, 10}, "large": {3, 390 << 10}}
	openAccount(t, account, 30, "many", "large", "stays")
	for code, c := range collections {
		putForeign(t, store.CustomerKey(account, code), c.records, c.bytes)
	}
	putForeign(t, store.CustomerKey(account, "stays"), 2, 10)
	before := dump(t, account+"#stays")
	for code := range collections {
		for range 2 { // and again, as after a lost answer
			if r := send(t, "POST", "/", formOf(account, code), urlencoded); r.Body != goneXML(code) {
				t.Fatalf("%s: %s", code, r.Body)
			}
		}
	}
	passWriterLifetime(t, account)
	for code, c := range collections {
		if left := dump(t, account+"#"+code); len(left) != 0 {
			t.Errorf("%s: %d left", code, len(left))
		}
		want := fmt.Sprintf(`"deleted":{"Value":"%d"}`, 1+30+c.records)
		if records := strings.Join(recordsOf(t, account), "\n"); !strings.Contains(records, want) {
			t.Errorf("%s: no record with %s: %s", code, want, records)
		}
	}
	if after := dump(t, account+"#stays"); strings.Join(after, "\n") != strings.Join(before, "\n") || len(after) != 33 {
		t.Errorf("another customer has %d items, had %d", len(after), len(before))
	}
}

// putForeign puts records that sort before the customer item.
func putForeign(t testing.TB, customer string, records, bytes int) {
	t.Helper()
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	table, bulk := running.Table("Customers"), text(strings.Repeat("x", bytes))
	var requests []types.WriteRequest
	for i := range records {
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item{
			"customer": text(customer), "record": text(fmt.Sprintf("audit#%05d", i)), "bulk": bulk,
		}}})
	}
	for len(requests) > 0 {
		n := min(25, len(requests))
		out, err := database.BatchWriteItem(t.Context(),
			&dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests[:n]}})
		if err != nil {
			t.Fatal(err)
		}
		requests = append(requests[n:len(requests):len(requests)], out.UnprocessedItems[table]...)
	}
}
