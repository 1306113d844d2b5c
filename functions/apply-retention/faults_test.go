package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/infra/dryrun"
	"customercare/infra/importer"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/retention"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// Users, principals and records go one by one, and what the condition of their deletion
// keeps is counted as kept.
func TestOneByOne(t *testing.T) {
	w := newWorld(t)
	old := w.since.UnixMilli()
	w.Put(t, w.Users.Table,
		attribute.Item{"customerId": attribute.Text("idle"), "activeAt": attribute.Number(old)},
		attribute.Item{"customerId": attribute.Text("busy"), "activeAt": attribute.Number(time.Now().UnixMilli())},
		attribute.Item{"customerId": attribute.Text("allowed"), "activeAt": attribute.Number(old),
			"tempAllows": attribute.Map(attribute.Item{"1": attribute.Map(attribute.Item{
				"expires": attribute.Number(time.Now().Add(time.Hour).UnixMilli())})})})
	w.Put(t, w.Principals.Table,
		attribute.Item{"principal": attribute.Text("app#over"), "validUntil": attribute.Number(old / 1000)},
		attribute.Item{"principal": attribute.Text("app#on")})
	w.Put(t, w.Erasures.Table,
		attribute.Item{"erasureId": attribute.Text("erasure-1"), "finishedAt": attribute.Number(old), "endSealedAt": attribute.Number(old)},
		attribute.Item{"erasureId": attribute.Text("erasure-2"), "finishedAt": attribute.Number(old)})
	names := []string{"users", "principals", "records"}
	for i, what := range []retention.What{retention.Users, retention.Principals, retention.Records} {
		w.rule(retention.Rule{Name: names[i], What: what, Days: days}, retention.On)
	}
	if err := w.run(t.Context()); err != nil { // a rule of records is for two years at least
		t.Fatal(err)
	}
	for name, want := range map[string]store.Swept{
		"users": {Found: 2, Erased: 1, Kept: 1}, "principals": {Found: 1, Erased: 1},
	} {
		if cursor, err := w.plain.ReadCursor(t.Context(), name); err != nil || cursor.Swept != want || cursor.Ended.IsZero() {
			t.Errorf("%s: %+v, %v, want %+v", name, cursor, err, want)
		}
	}
	if n := len(dynamotest.Items(t, w.Plain, w.Users.Table)); n != 2 {
		t.Errorf("%d users are there", n)
	}
	if n := len(dynamotest.Items(t, w.Plain, w.Principals.Table)); n != 1 {
		t.Errorf("%d principals are there", n)
	}
}

// Whatever call fails once, in every way, or is the last of a run that dies: nothing that
// is young or held is lost, and nothing old is left when the function has run again.
func TestEveryFault(t *testing.T) {
	w := newWorld(t)
	w.rule(oldContacts, retention.On)
	w.rule(oldTransactions, retention.On)
	w.every = 0
	w.pageSize = 50
	w.hold("case-1", store.HoldOfCustomer, "shop", "held")
	w.hold("case-2", store.HoldOfNumber, "acme", "7")
	for _, fault := range []dynamotest.Fault{
		dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Timeout, dynamotest.Refused,
		dynamotest.Unprocessed, dynamotest.Cancelled, "death before", "death after",
	} {
		t.Run(string(fault), func(t *testing.T) {
			moments := dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
				old, young := w.fill(8)
				young = append(young, w.transaction("shop", "held", "1", w.since))
				young = append(young, w.contact("acme", "held", w.since, "7", "8")...)
				before, ctx := w.statements(), context.Background()
				switch fault {
				case "death before", "death after":
					ctx = w.Faults.Die(k, fault == "death after")
				default:
					w.Faults.Inject(fault, k, k)
				}
				_ = w.run(ctx)
				struck = w.Faults.Struck()
				w.Faults.Calls()
				w.expect(young, nil)
				for range 3 {
					if err := w.run(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				w.expect(young, old)
				erased, least := int64(0), false
				for _, s := range w.statements() {
					if !slices.ContainsFunc(before, func(b statement.Statement) bool { return b.ID == s.ID }) {
						erased, least = erased+s.Swept.Erased, least || s.Swept.AtLeast
					}
				}
				if n := int64(len(old)); erased > n || erased < n && !least {
					t.Errorf("%d erased by the statements, %d there were; at least: %t", erased, n, least)
				}
				return struck
			})
			t.Logf("%d calls", moments)
			if moments < 15 {
				t.Error("too few calls were struck")
			}
		})
	}
}

// What a dry run finds is what the sweep erases, when nobody writes in between and
// nothing is held.
func TestDryRunIsTheSweep(t *testing.T) {
	w := newWorld(t)
	w.every = 0
	for n := range 12 {
		random := rand.New(rand.NewPCG(uint64(n), 15))
		for i := range 30 {
			by := time.Duration(random.IntN(5)-2) * time.Hour
			w.transaction([]string{"shop", "mill"}[random.IntN(2)], fmt.Sprint(random.IntN(4)), fmt.Sprint(i), w.since.Add(-by))
			numbers := []string{"1", "2", "3", "4"}[random.IntN(3):]
			w.contact([]string{"acme", "umbrella"}[random.IntN(2)], fmt.Sprint(n, i), w.since.Add(-by), numbers...)
		}
		contacts, transactions := oldContacts, oldTransactions
		if n%2 == 0 {
			contacts.Tenant, transactions.Account = "acme", "shop"
		}
		w.rule(contacts, retention.On)
		w.rule(transactions, retention.On)
		look := dryrun.Look{DB: w.Plain, Digests: digests, Skew: skew, Tables: deployment.Tables{
			Tables: importer.Tables{Customers: w.Customers.Table, Contacts: w.Contacts.Table},
		}}
		want := map[string]int64{}
		for _, rule := range []retention.Rule{contacts, transactions} {
			seen, err := look.Run(t.Context(), rule, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			want[rule.Name] = seen.Found
		}
		w.whole(1, "contacts", "transactions")
		for name, found := range want {
			cursor, err := w.plain.ReadCursor(t.Context(), name)
			if err != nil || found == 0 || cursor.Found != found || cursor.Erased != found {
				t.Errorf("%s: the dry run found %d, the sweep %+v; %v", name, found, cursor.Swept, err)
			}
		}
	}
}
