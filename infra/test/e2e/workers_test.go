package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// What the background does, each worker by itself: the call that began it, the worker
// that the stream starts, cleanup.

// startWithoutWaiting starts a stack with tables of its own on which nobody waits for
// late writers, so that whoever drains a customer also ends the job; with hardly any time
// for the call itself, and no schedule.
func startWithoutWaiting(t *testing.T) *stack.Stack {
	t.Helper()
	return startUnscheduled(t, "brisk", func(o *stack.Options) {
		o.Parameters = map[string]string{"WriterLifetime": "1ms", "ClockSkew": "1ms",
			"DrainBudget": "100ms", "AllowSweepMinutes": "1"}
	})
}

// startUnscheduled starts a stack with tables of its own on which cleanup runs only when
// a test invokes it. change makes its other options of those of the shared stack.
func startUnscheduled(t *testing.T, name string, change func(*stack.Options)) *stack.Stack {
	t.Helper()
	own := options
	own.TablePrefix = fmt.Sprintf("%s-%d-", name, time.Now().UnixNano())
	own.ScheduleEvery = -1
	change(&own)
	s, err := stack.Start(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// A customer that the call itself cannot finish is finished by the worker that the stream
// starts, without cleanup; one that it can, by the call. Who writes a customer over the
// tombstone meanwhile is found by the worker, and counted.
func TestWorkersFinishWhatIsHandedOver(t *testing.T) {
	s := startWithoutWaiting(t)
	const account, small, large, transactions = "w-brisk", "brisk-small", "brisk-large", 4000
	loadInto(t, s, append(customerRecords(account, 25, small), append(customerRecords(account, transactions, large),
		record(map[string]any{"kind": "apiUser", "name": userOf(account), "key": keyOf(account),
			"accounts": []string{account}}))...)...)
	for _, code := range []string{small, large} {
		if body := sendTo(t, s.URL, "POST", "/", formOf(account, code), urlencoded).Body; body != goneXML(code) {
			t.Fatal(body)
		}
		if code == large { // a writer that asks no condition
			put(t, s.Table("Customers"), map[string]string{"customer": store.CustomerKey(account, code),
				"record": store.CustomerRecord, "name": "written over it"})
		}
	}
	eventually(t, "both are finished without cleanup", func() bool {
		lines := dynamotest.Dump(t, database, s.Table("Erasures"))
		return strings.Count(strings.Join(lines, "\n"), `"statement":{"Value":"`) == 2
	})
	all := strings.Join(dynamotest.Dump(t, database, s.Table("Erasures")), "\n")
	for _, want := range []string{number("deleted", 26), number("deleted", transactions+2)} {
		if !strings.Contains(all, want) {
			t.Errorf("no record has %s: %s", want, all)
		}
	}
	if left := dynamotest.Dump(t, database, s.Table("Customers")); len(left) != 0 {
		t.Errorf("%d records are left, the first: %s", len(left), left[0])
	}
}

// put writes an item of texts as a writer that asks no condition would.
func put(t *testing.T, table string, texts map[string]string) {
	t.Helper()
	item := map[string]types.AttributeValue{}
	for name, value := range texts {
		item[name] = &types.AttributeValueMemberS{Value: value}
	}
	if _, err := database.PutItem(t.Context(),
		&dynamodb.PutItemInput{TableName: aws.String(table), Item: item}); err != nil {
		t.Fatal(err)
	}
}

// Cleanup takes expired temporary allows out of the table, and no others.
func TestCleanupSweepsExpiredAllows(t *testing.T) {
	s := startWithoutWaiting(t)
	loadInto(t, s, `{"kind":"user","customerId":"swept-user"}`,
		`{"kind":"operator","name":"swept-operator","password":"swept-password-1"}`)
	allowed := func() int {
		return strings.Count(strings.Join(dynamotest.Dump(t, database, s.Table("Users")), "\n"), `"grantedBy"`)
	}
	set := func(kind int, until string) {
		t.Helper()
		r := sendTo(t, s.URL, "PUT", at(bases[0], "swept-user"),
			fmt.Sprintf(`{"tempAllowType":%d,"expirationDate":%q}`, kind, until),
			basic("swept-operator", "swept-password-1"), bodyJSON)
		if r.Body != doneJSON {
			t.Fatal(r.Body)
		}
	}
	const both = time.Hour // until both would expire by themselves
	set(1, time.Now().Add(both).UTC().Format(time.RFC3339Nano))
	set(2, time.Now().Add(both).UTC().Format(time.RFC3339Nano))
	if n := allowed(); n != 2 {
		t.Fatalf("%d allows are set", n)
	}
	user := scan(t, s.Table("Users"), "attribute_exists(tempAllows)")[0]
	first := user["tempAllows"].(*types.AttributeValueMemberM).Value["1"].(*types.AttributeValueMemberM).Value
	first["expires"] = millis(moment(t, first["expires"]).Add(-both - time.Second))
	replaceItem(t, s.Table("Users"), user)
	event, err := os.ReadFile(filepath.Join(dynamotest.Root(), "infra", "events", "cleanup.json"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Invoke(t.Context(), "cleanup", event); err != nil {
		t.Fatal(err)
	}
	user = scan(t, s.Table("Users"), "attribute_exists(tempAllows)")[0]
	if left := user["tempAllows"].(*types.AttributeValueMemberM).Value; len(left) != 1 || left["2"] == nil {
		t.Errorf("the allows %s are left, want the one that has not expired", repr.String(left))
	}
}

// Writers that were under way at the request are found by cleanup's second pass: a
// transaction, and a contact's copy.
func TestCleanupFindsLateWriters(t *testing.T) {
	t.Parallel()
	const account, code, tenant, late = "w-late", "late-customer", "w-late-tenant", "late-number"
	openAccount(t, account, 2, code)
	if r := send(t, "POST", "/", formOf(account, code), urlencoded); r.Body != goneXML(code) {
		t.Fatal(r.Body)
	}
	put(t, running.Table("Customers"), map[string]string{"customer": store.CustomerKey(account, code),
		"record": "txn#late#1", "note": "mark of " + account})

	bearer := app(t, "w-late-app", tenant)
	clean(t, bearer, late).verified(t)
	eventually(t, "the first pass is over", func() bool {
		return strings.Contains(strings.Join(dump(t, `"scope":{"Value":"`+tenant), "\n"), `"passes":{"Value":"1"}`)
	})
	loadContacts(t, tenant, contact{"late-contact", late, "other-number", "late content"})
	finished(t, tenant, 1)
	if left := filed(t, tenant); len(left) != 0 {
		t.Errorf("left: %s", left)
	}
	passWriterLifetime(t, account)
	if records := recordsOf(t, account); len(records) != 1 {
		t.Errorf("the customer is not finished: %s", records)
	}
	if left := dump(t, "mark of "+account); len(left) != 0 {
		t.Errorf("left: %s", left)
	}
}
