package dryrun

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/infra/fixture"
	"customercare/infra/importer"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/retention"
	"customercare/shared/store"
)

var (
	now     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	digests = digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key that only these tests know of")}}
)

// days is so many days before now, as a record says it.
func days(n int) string { return now.AddDate(0, 0, -n).Format(time.RFC3339) }

// look is at a kit's tables.
func look(kit *dynamotest.Kit) Look {
	return Look{DB: kit.DB, Digests: digests, Skew: time.Minute, Tables: deployment.Tables{
		Tables: importer.Tables{
			Users: kit.Users.Table, Customers: kit.Customers.Table, Contacts: kit.Contacts.Table,
			Principals: kit.Principals.Table,
		},
		Erasures: kit.Erasures.Table,
	}}
}

// load puts records into a table as the import stores them.
func load(t *testing.T, kit *dynamotest.Kit, table string, records ...fixture.Record) {
	t.Helper()
	for _, record := range records {
		items, err := importer.Items([]byte(record.String()))
		if err != nil {
			t.Fatal(err)
		}
		kit.Put(t, table, items...)
	}
}

func transactionOf(account, code string, n int, at string) fixture.Record {
	return fixture.Record{"kind": "transaction", "accountId": account, "code": code, "campaignId": "c#",
		"transactionId": fmt.Sprint(n), "at": at}
}

func customerOf(account, code string) fixture.Record {
	return fixture.Record{"kind": "customer", "accountId": account, "code": code}
}

// Of each kind a dry run counts what is older than the rule says, in its scope and by its
// kind's own age, and nothing else; it names nobody, and changes no byte.
func TestDryRun(t *testing.T) {
	kit := dynamotest.Open(t)
	load(t, kit, kit.Customers.Table,
		customerOf("shop", "idle"), transactionOf("shop", "idle", 1, days(50)), transactionOf("shop", "idle", 2, days(40)),
		customerOf("shop", "busy"), transactionOf("shop", "busy", 1, days(50)), transactionOf("shop", "busy", 2, days(1)),
		customerOf("shop", "fresh"), // of no age
		transactionOf("shop", "nobody", 1, days(60)),
		customerOf("mill", "idle"), transactionOf("mill", "idle", 1, days(90)),
	)
	for code, n := range map[string]int{"shop#idle": 40, "shop#busy": 1, "mill#idle": 90} {
		kit.Put(t, kit.Customers.Table, attribute.Item{"customer": attribute.Text(code), "record": attribute.Text("customer"),
			"activeAt": attribute.Number(now.AddDate(0, 0, -n).UnixMilli())})
	}
	kit.Put(t, kit.Customers.Table,
		attribute.Item{"customer": attribute.Text("shop#gone"), "record": attribute.Text("customer"),
			"tombstone": attribute.Text(store.CustomerJob("x"))},
		attribute.Item{"customer": attribute.Text("shop#odd"), "record": attribute.Text("customer")},
		attribute.Item{"customer": attribute.Text("shop#odd"), "record": attribute.Text("txn#c#1"),
			"data": attribute.Map(attribute.Item{"at": attribute.Text("yesterday")})},
		attribute.Item{"customer": attribute.Text("shop#odd"), "record": attribute.Text("note#1")})
	contact := func(id, tenant, at string, numbers ...string) fixture.Record {
		return fixture.Record{"kind": "contact", "tenantId": tenant, "contactId": id, "at": at, "customNos": numbers}
	}
	load(t, kit, kit.Contacts.Table, contact("1", "acme", days(50), "111", "222"), contact("2", "acme", days(2), "111"),
		contact("3", "umbrella", days(50), "333"))
	kit.Put(t, kit.Contacts.Table, attribute.Item{"party": attribute.Text("acme#444"), "contact": attribute.Text("old#9")})
	kit.Put(t, kit.Users.Table,
		attribute.Item{"customerId": attribute.Text("u1"), "activeAt": attribute.Number(now.AddDate(0, 0, -31).UnixMilli())},
		attribute.Item{"customerId": attribute.Text("u2"), "activeAt": attribute.Number(now.AddDate(0, 0, -29).UnixMilli())},
		attribute.Item{"customerId": attribute.Text("u3")})
	kit.Put(t, kit.Principals.Table,
		attribute.Item{"principal": attribute.Text("app#ak"), "validUntil": attribute.Number(now.AddDate(0, 0, -31).Unix())},
		attribute.Item{"principal": attribute.Text("app#bk")},
		attribute.Item{"principal": attribute.Text("token#x"), "validUntil": attribute.Number(1)})
	ended := attribute.Number(now.AddDate(0, 0, -31).UnixMilli())
	kit.Put(t, kit.Erasures.Table,
		attribute.Item{"erasureId": attribute.Text("erasure-a"), "finishedAt": ended, "endSealedAt": ended},
		attribute.Item{"erasureId": attribute.Text("erasure-b"), "finishedAt": ended},
		attribute.Item{"erasureId": attribute.Text("erasure-c")},
		attribute.Item{"erasureId": attribute.Text("customer-1"), "finishedAt": ended, "endSealedAt": ended})
	before := kit.Dump(t, kit.All()...)
	for _, c := range []struct {
		rule                   retention.Rule
		found, outOf, ageless  int64
		first                  string // what the oldest's digest is of
		firstScope, identifier string
	}{
		{rule: retention.Rule{What: retention.Transactions}, found: 5, outOf: 7, ageless: 1, first: "customer", firstScope: "mill", identifier: "idle"},
		{rule: retention.Rule{What: retention.Transactions, Account: "shop"}, found: 4, outOf: 7, ageless: 1, first: "customer", firstScope: "shop", identifier: "nobody"},
		{rule: retention.Rule{What: retention.Customers}, found: 2, outOf: 5, ageless: 2, first: "customer", firstScope: "mill", identifier: "idle"},
		{rule: retention.Rule{What: retention.Customers, Account: "shop"}, found: 1, outOf: 5, ageless: 2, first: "customer", firstScope: "shop", identifier: "idle"},
		{rule: retention.Rule{What: retention.Contacts, Tenant: "umbrella"}, found: 1, outOf: 5, first: "number", firstScope: "umbrella", identifier: "333"},
		{rule: retention.Rule{What: retention.Contacts}, found: 3, outOf: 5, ageless: 1},
		{rule: retention.Rule{What: retention.Users}, found: 1, outOf: 3, ageless: 1},
		{rule: retention.Rule{What: retention.Principals}, found: 1, outOf: 2, ageless: 1},
		{rule: retention.Rule{What: retention.Records}, found: 1, outOf: 3, ageless: 2},
	} {
		c.rule.Days = 30
		seen, err := look(kit).Run(t.Context(), c.rule, now)
		if err != nil || seen.Found != c.found || seen.OutOf != c.outOf || seen.Ageless != c.ageless ||
			len(seen.Oldest) != int(c.found) {
			t.Errorf("%+v: %+v, %v", c.rule, seen, err)
			continue
		}
		if c.first != "" && seen.Oldest[0].Digest != digests.Subject(c.first, c.firstScope, c.identifier) {
			t.Errorf("%+v: the oldest is %+v", c.rule, seen.Oldest[0])
		}
		text, _ := json.Marshal(seen)
		for _, name := range []string{"idle", "nobody", "111", "333", "u1", "ak"} {
			if strings.Contains(string(text), `"`+name+`"`) {
				t.Errorf("%+v names %s: %s", c.rule, name, text)
			}
		}
	}
	if after := kit.Dump(t, kit.All()...); !slices.Equal(before, after) {
		t.Error("the tables have changed")
	}
}

// The ten oldest are told in their order, however many there are and in whichever order
// they come; a cutoff lies as much earlier as clocks may differ.
func TestTenOldest(t *testing.T) {
	kit := dynamotest.Open(t)
	var want []time.Time
	for n := range 40 {
		at := now.AddDate(0, 0, -30).Add(time.Duration(n*17%40-20) * 30 * time.Second)
		load(t, kit, kit.Customers.Table, transactionOf("shop", "c", n, at.Format(time.RFC3339)))
		if at.Before(now.AddDate(0, 0, -30).Add(-time.Minute)) {
			want = append(want, at)
		}
	}
	slices.SortFunc(want, time.Time.Compare)
	seen, err := look(kit).Run(t.Context(), retention.Rule{What: retention.Transactions, Days: 30}, now)
	var got []time.Time
	for _, old := range seen.Oldest {
		got = append(got, old.At)
	}
	if err != nil || seen.Found != int64(len(want)) || !reflect.DeepEqual(got, want[:shown]) {
		t.Errorf("%d found of %d, %v, want %v; %v", seen.Found, len(want), got, want[:shown], err)
	}
	kit.Faults.FailOn("Scan")
	if _, err := look(kit).Run(t.Context(), retention.Rule{What: retention.Transactions, Days: 30}, now); err == nil {
		t.Error("a table that cannot be read is empty")
	}
}
