package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/fixture"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/statement"
)

// After a restore the table in use is gone through once more. Nothing left of anybody
// erased since is put on record, with figures, as a statement for the log; anything left
// is named, and nothing is on record. DynamoDB may restore a part of what one transaction
// wrote: a tombstone without its job, transactions without their customer, half of the
// copies of a contact.
func TestARestoreIsProved(t *testing.T) {
	restored, inUse, empty := dynamotest.Open(t), dynamotest.Open(t), dynamotest.Open(t)
	keysSecret(t, inUse, bothKeys, "2")
	half := `{"kind":"transaction","accountId":"shop","code":%q,"campaignId":"c","transactionId":"t","at":"2026-01-02T03:04:05Z"}`
	customers := strings.Join([]string{
		fixture.Customer("shop", "gone").String(), fixture.Customer("shop", "living").String(),
		fmt.Sprintf(half, "gone"), fmt.Sprintf(half, "half"), fmt.Sprintf(half, "halfGone"),
	}, "\n")
	load(t, restored, customers)
	load(t, restored, fixture.Contact("acme", "c", "111", "222").String()+"\n"+fixture.Contact("acme", "d", "111", "333").String())
	restored.Put(t, restored.Customers.Table, attribute.Item{
		"customer": attribute.Text("shop#ghost"), "record": attribute.Text("customer"),
		"tombstone": attribute.Text("customer-1.0"), "at": attribute.Number(1),
	})
	_, err := restored.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{ // one copy of two is there
		TableName: &restored.Contacts.Table, Key: attribute.Item{
			"party": attribute.Text("acme#222"), "contact": attribute.Text("2026-01-02T03:04:05.000000000Z#c"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	load(t, inUse, fixture.Customer("shop", "gone").String()+"\n"+fixture.Customer("shop", "halfGone").String())

	clock := &dynamotest.Clock{Time: time.Now().Add(-time.Hour)}
	since := clock.Time.UTC().Format(time.RFC3339Nano)
	clock.Advance(2 * time.Minute)
	engineClock := erasure.NewClock(clock.Now, clock.AfterFunc)
	digests := digest.Digester{Current: "2", Keys: map[string][]byte{"2": []byte(secondKey)}}
	intake := erasure.NewCustomerIntake(inUse.Erasures, inUse.Customers, inUse.Holds, digests, erasure.Timing{}, engineClock)
	worker := erasure.NewWorker(inUse.Erasures, inUse.Customers, inUse.Contacts, inUse.Holds, nil, erasure.Timing{}, time.Minute, engineClock)
	for _, code := range []string{"gone", "halfGone"} {
		if _, err := intake.Customer(t.Context(), erasure.CustomerRequest{Account: "shop", Code: code, By: "john"}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	numbers := erasure.NewNumbersIntake(inUse.Erasures, digests, clock.Now)
	if _, err := numbers.Numbers(t.Context(), erasure.NumbersRequest{Tenant: "acme", Numbers: []string{"222"}, By: "app"}); err != nil {
		t.Fatal(err)
	}
	if _, err := worker.Due(t.Context(), dynamotest.OpenIndex); err != nil {
		t.Fatal(err)
	}
	records := func() (all []statement.Statement) {
		t.Helper()
		out, err := inUse.Plain.Scan(t.Context(), &dynamodb.ScanInput{
			TableName: &inUse.Erasures.Table, ConsistentRead: aws.Bool(true),
			FilterExpression:          aws.String("kind = :kind AND attribute_exists(#unlogged) AND attribute_exists(unloggedAt)"),
			ExpressionAttributeNames:  map[string]string{"#unlogged": "unlogged"},
			ExpressionAttributeValues: attribute.Item{":kind": attribute.Text("restored")},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range out.Items {
			s, err := statement.Parse([]byte(attribute.ReadText(found, "statement")))
			if err != nil || attribute.ReadText(found, "erasureId") != "erasure-"+s.ID {
				t.Errorf("%s, %v", repr.String(found), err)
			}
			all = append(all, s)
		}
		return all
	}
	prove := func(table string, more ...string) result {
		return call(t, "", append([]string{"restored", "--table", table, "--since", since, "--by", "ops"}, more...)...)
	}
	want := map[string]statement.Restored{
		restored.Customers.Table: {Read: 6, LeftOut: 4, Loaded: 2}, // gone with a transaction, halfGone's, the tombstone
		restored.Contacts.Table:  {Read: 3, LeftOut: 1, Loaded: 2},
	}
	for _, table := range []string{restored.Customers.Table, restored.Contacts.Table} {
		lines := call(t, "", "restorable", "--table", table, "--since", since, "--missing")
		lines.is(t, 0, "")
		call(t, lines.out, "import", "-", "--since", since).is(t, 0, "")
		before := len(records())
		r := prove(table)
		r.is(t, 0, "")
		all := records()
		if len(all) != before+1 {
			t.Fatalf("%d records: %v", len(all), r)
		}
		for _, s := range all {
			if s.Restored == nil || s.Restored.Table != table {
				continue
			}
			got := *s.Restored
			if !strings.Contains(r.out, s.ID) || s.By != "ops" || s.Type != statement.Restore || !got.To.Equal(clockMillis(since)) {
				t.Errorf("%s: %v", repr.String(s), r)
			}
			got.Table, got.To = "", statement.Time{}
			if got != want[table] {
				t.Errorf("%s: %+v, want %+v", table, got, want[table])
			}
			if shown := call(t, "", "erasures", "show", s.ID); shown.code != 0 || !strings.Contains(shown.out, "restored") {
				t.Error(shown)
			}
		}
	}
	for _, c := range []struct {
		table, name string
		item        attribute.Item
		words       string
	}{
		{restored.Customers.Table, inUse.Customers.Table, attribute.Item{
			"customer": attribute.Text("shop#gone"), "record": attribute.Text("of another program"),
		}, "1 item is left in"},
		{restored.Contacts.Table, inUse.Contacts.Table, attribute.Item{
			"party": attribute.Text("acme#222"), "contact": attribute.Text("2026-01-02T03:04:05.000000000Z#c"),
		}, "1 item is left in"}, // its parties cannot be read, its own number can
	} {
		before := len(records())
		inUse.Put(t, c.name, c.item)
		r := prove(c.table)
		r.is(t, 3, c.words)
		if len(records()) != before || !strings.Contains(r.errs, ": it is about somebody who was erased since") ||
			strings.Contains(r.String(), "gone") || strings.Contains(r.String(), "222") {
			t.Errorf("%d records: %v", len(records()), r)
		}
	}
	_, err = inUse.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: &inUse.Contacts.Table, Key: attribute.Item{
			"party": attribute.Text("acme#222"), "contact": attribute.Text("2026-01-02T03:04:05.000000000Z#c"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	inUse.Put(t, inUse.Contacts.Table, attribute.Item{ // nobody can say who else it is about
		"party": attribute.Text("acme#999"), "contact": attribute.Text("2026-01-02T03:04:05.000000000Z#x"),
	})
	prove(restored.Contacts.Table).is(t, 3, "1 item of the table in use cannot be read, as the statement says")
	if all := records(); len(all) != 3 {
		t.Errorf("%d records", len(all))
	}
	prove(empty.Contacts.Table).is(t, 1, "the restored table holds no item")
	prove(restored.Contacts.Table, "--by", "").is(t, 2, "--by")
	call(t, "", "restored", "--table", "t", "--since", "2999-01-02T03:04:05Z", "--by", "ops").is(t, 2, "--since is in the future")
}

// clockMillis is a time as a statement has it.
func clockMillis(text string) time.Time {
	at, _ := time.Parse(time.RFC3339Nano, text)
	return statement.TimeOf(at).Time
}
