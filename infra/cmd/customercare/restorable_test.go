package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/fixture"
	"customercare/infra/importer"
	"customercare/infra/testkit/cloudformationtest"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
)

const (
	firstKey  = "the first key of digests in the tests of a restore"
	secondKey = "the second key of digests in the tests of a restore"
	bothKeys  = `{"1":"` + firstKey + `","2":"` + secondKey + `"}`
)

// erasable is what the tables hold at the time that they are restored to. late may be
// erased before that time, and comes back; now, open and the number 222 are erased
// after it.
func erasable() string {
	var lines []string
	for _, code := range []string{"keeps#1", "late", "now", "open", "rotated"} {
		lines = append(lines,
			fmt.Sprintf(`{"kind":"customer","accountId":"shop","code":%q,"name":"a \u003cname\u003e",`+
				`"points":12345678901234567890123456789012345678,"nested":{"list":[1.5,true,null,"x"]}}`, code))
		for i := range 3 {
			lines = append(lines, fmt.Sprintf(`{"kind":"transaction","accountId":"shop","code":%q,"campaignId":"c#%d",`+
				`"transactionId":"t","at":"2026-01-02T03:04:05.5+01:00","amount":"12.50"}`, code, i))
		}
	}
	for i, numbers := range [][]string{{"111", "222"}, {"333", "111"}, {"222", "444"}, {"444", "333"}} {
		lines = append(lines, fixture.Contact("acme", fmt.Sprint("c", i), numbers[0], numbers[1]).String())
	}
	other := fixture.Record{
		"kind": "contact", "tenantId": "other", "contactId": "c", "at": "2026-01-02T03:04:05Z",
		"callingNumber": "222", "customNos": []string{"111", "555"},
	}
	lines = append(lines, other.String())
	return strings.Join(lines, "\n")
}

func load(t *testing.T, kit *dynamotest.Kit, lines string) {
	t.Helper()
	_, err := importer.Load(t.Context(), importer.Options{
		Client: kit.Plain, Report: func(line int, sentence string) { t.Errorf("line %d: %s", line, sentence) },
		Tables: importer.Tables{
			Users: kit.Users.Table, Customers: kit.Customers.Table, Contacts: kit.Contacts.Table,
			Principals: kit.Principals.Table,
		},
	}, strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
}

// What is printed of a restored table and loaded again is all that nobody has erased
// since, exactly as it was.
func TestARestoreBringsNobodyBack(t *testing.T) {
	restored, inUse := dynamotest.Open(t), dynamotest.Open(t)
	load(t, restored, erasable())
	load(t, inUse, erasable())

	restored.Put(t, restored.Customers.Table, attribute.Item{ // of an erasure that the ledger does not know
		"customer":  &types.AttributeValueMemberS{Value: "shop#ghost"},
		"record":    &types.AttributeValueMemberS{Value: "customer"},
		"tombstone": &types.AttributeValueMemberS{Value: "customer-1.0"},
		"at":        &types.AttributeValueMemberN{Value: "1"},
	})

	clock := &dynamotest.Clock{Time: time.UnixMilli(time.Now().Add(-time.Hour).UnixMilli())}
	engineClock := erasure.NewClock(clock.Now, clock.AfterFunc)
	// open puts the erasure of a customer on record, whose digest is made with this key.
	open := func(code, key string, timing erasure.Timing) {
		t.Helper()
		digests := digest.Digester{Current: key, Keys: map[string][]byte{"1": []byte(firstKey),
			"2": []byte(secondKey)}}
		intake := erasure.NewCustomerIntake(inUse.Erasures, inUse.Customers, inUse.Holds, digests, timing, engineClock)
		asked := erasure.CustomerRequest{Account: "shop", Code: code, By: "john"}
		if _, err := intake.Customer(t.Context(), asked, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	// erase does that and ends the erasure, as no writer is late.
	erase := func(code, key string) {
		t.Helper()
		open(code, key, erasure.Timing{})
		worker := erasure.NewWorker(inUse.Erasures, inUse.Customers, inUse.Contacts, inUse.Holds, nil, erasure.Timing{}, time.Minute,
			engineClock)
		if _, err := worker.Due(t.Context(), dynamotest.OpenIndex); err != nil {
			t.Fatal(err)
		}
	}
	erase("late", "1") // and comes back under the same code before the time
	clock.Advance(2 * time.Minute)
	since := clock.Time
	clock.Advance(time.Second)
	erase("now", "1")
	erase("rotated", "2")
	digests := digest.Digester{Current: "2", Keys: map[string][]byte{"2": []byte(secondKey)}}
	numbers := erasure.NewNumbersIntake(inUse.Erasures, digests, clock.Now)
	many := []string{"222"} // whose digests are an item of their own
	for i := range 20 {
		many = append(many, fmt.Sprint("nobody", i))
	}
	asked := erasure.NumbersRequest{Tenant: "acme", Numbers: many, By: "app"}
	if _, err := numbers.Numbers(t.Context(), asked); err != nil { // no worker has taken it up
		t.Fatal(err)
	}
	open("open", "2", erasure.Timing{WriterLifetime: time.Hour})

	t.Setenv("ERASURES_TABLE", inUse.Erasures.Table)
	restorable := func(table, keys string) result {
		return call(t, keys, "restorable", "--table", table, "--since", since.UTC().Format(time.RFC3339Nano), "--keys",
			"-")
	}
	var all string
	for _, table := range []string{restored.Customers.Table, restored.Contacts.Table} {
		r := restorable(table, bothKeys)
		if r.code != 0 || !strings.Contains(r.errs, " are left out because they were erased since ") {
			t.Fatal(r)
		}
		all += r.out
	}
	// Each contact once, numbers as numbers, and a tombstone is nobody's record.
	if strings.Count(all, `"kind":"contact"`) != 3 ||
		strings.Count(all, `"points":12345678901234567890123456789012345678}`) != 2 || strings.Contains(all, "ghost") {
		t.Errorf("printed:\n%s", all)
	}
	// Into tables of its own, to compare.
	again := dynamotest.Open(t)
	load(t, again, all)
	want := func(line string) bool {
		for _, erased := range []string{
			"shop#now", "shop#rotated", "shop#open", "shop#ghost", `"acme#222"`, `"acme#111"},"`, `{"Value":"222"}`,
		} {
			if strings.Contains(line, erased) && !strings.Contains(line, "other#") {
				return false
			}
		}
		return true
	}
	for _, tables := range [][2]string{
		{restored.Customers.Table, again.Customers.Table}, {restored.Contacts.Table, again.Contacts.Table},
	} {
		var before, after []string
		for _, line := range restored.Dump(t, tables[0]) {
			if want(line) {
				before = append(before, strings.TrimPrefix(line, tables[0]))
			}
		}
		for _, line := range again.Dump(t, tables[1]) {
			after = append(after, strings.TrimPrefix(line, tables[1]))
		}
		if !slices.Equal(before, after) || len(after) < 7 {
			t.Errorf("restored:\n%s\nwant:\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
		}
	}

	// A key that is missing must not look like nobody.
	if r := restorable(restored.Customers.Table, `{"1":"`+firstKey+`"}`); r.code != 1 ||
		!strings.Contains(r.errs, `the key "2"`) || r.out != "" {
		t.Errorf("without a key: %v", r)
	}
	for _, keys := range []string{"", "{}", "null", "[]", firstKey} {
		if r := restorable(restored.Customers.Table, keys); r.code != 1 ||
			strings.Contains(r.errs, "first key") || r.out != "" {
			t.Errorf("keys %q: %v", keys, r)
		}
	}
	// What import could not load again is counted, and the exit code tells.
	restored.Put(t, restored.Customers.Table, attribute.Item{
		"customer": &types.AttributeValueMemberS{Value: "shop#odd"},
		"record":   &types.AttributeValueMemberS{Value: "customer"},
		"picture":  &types.AttributeValueMemberB{Value: []byte{1}},
	})
	if r := restorable(restored.Customers.Table, bothKeys); r.code != 3 ||
		!strings.Contains(r.errs, "1 item is left out because it cannot be loaded") || strings.Contains(r.out, "odd") {
		t.Error(r)
	}
	cloudformationtest.Unconfigured(t)
	t.Setenv("DYNAMODB_PORT", "1")
	if r := restorable(restored.Customers.Table, bothKeys); r.code != 1 ||
		!strings.Contains(r.errs, "nothing answers") {
		t.Errorf("without a ledger: %v", r)
	}
}

// With --missing nothing is printed that stands in the table in use, changed or not.
func TestOnlyWhatIsMissingIsRestored(t *testing.T) {
	restored, inUse := dynamotest.Open(t), dynamotest.Open(t)
	keysSecret(t, inUse, bothKeys, "2")
	transaction := `{"kind":"transaction","accountId":"shop","code":"1","campaignId":"c","transactionId":"t",` +
		`"at":"2026-01-02T03:04:05Z"}`
	customers := fixture.Customer("shop", "1").String() + "\n" + fixture.Customer("shop", "2").String() + "\n"
	moved := fixture.Contact("acme", "moved", "1", "2").String()
	kept := fixture.Contact("acme", "kept", "5", "6").String()
	lost := fixture.Contact("acme", "lost", "3", "4").String()
	load(t, restored, strings.Join([]string{customers + transaction, moved, lost, kept}, "\n"))
	load(t, inUse, customers+`{"kind":"customer","accountId":"shop","code":"2","points":9}`)
	load(t, inUse, fixture.Contact("acme", "moved", "2", "7").String()+"\n"+kept)
	for table, c := range map[string]struct{ key, told string }{
		restored.Customers.Table: {`"transactionId":"t"`, "2 records are left out, in the table in use already"},
		restored.Contacts.Table:  {`"contactId":"lost"`, "2 records are left out, in the table in use already"},
	} {
		args := []string{"restorable", "--table", table, "--since", "2026-01-02T03:04:05Z"}
		if all := call(t, "", args...); strings.Count(all.out, "\n") != 3 {
			t.Error(all)
		}
		r := call(t, "", append(args, "--missing")...)
		r.is(t, 0, c.told)
		if strings.Count(r.out, "\n") != 1 || !strings.Contains(r.out, c.key) {
			t.Error(r)
		}
	}
}
