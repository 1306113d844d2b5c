package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/invocation"
	"customercare/shared/store"
)

// A deleting call that panics is an error, and gives its place at the limiter back: the
// process lives on, and would otherwise delete nothing any more.
func TestPanicGivesThePlaceBack(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	limiter := store.NewLimiter(1)
	kit.Customers.Limiter, kit.Contacts.Limiter = limiter, limiter
	var records []string
	for i := range 30 {
		records = append(records, fmt.Sprint("txn#", i))
	}
	job := &store.Job{Scope: "acme", Identifiers: []string{"4711"}}
	kit.Put(t, kit.Contacts.Table, item{
		"party":   text(store.PartyKey("acme", "135")),
		"contact": text("c"),
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for what, remove := range map[string]func() error{
		"transactions": func() error { return kit.Customers.Delete(ctx, job, records, 2) },
		"contacts": func() error {
			contacts := []store.Erasable{{Contact: "c", Own: "135", Copies: []string{"135"}}}
			_, err := kit.Contacts.Erase(ctx, job, contacts, 2)
			return err
		},
	} {
		kit.Faults.Interrupt(1, func() { panic("135****1111") })
		if err := remove(); err != invocation.ErrPanicked {
			t.Errorf("%s: %v", what, err)
		}
		kit.Faults.Calls()
		if err := remove(); err != nil {
			t.Errorf("%s, the next time: %v", what, err)
		}
	}
}
