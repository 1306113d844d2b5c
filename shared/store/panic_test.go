package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/invocation"
	"customercare/shared/store"
)

// A deleting call that panics is an error, and gives its place among the streams back: the process lives on, and would
// else delete nothing any more.
func TestPanicGivesTheStreamBack(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	streams := store.NewLimiter(1)
	kit.Customers.Limiter, kit.Contacts.Limiter = streams, streams
	var records []string
	for i := range 30 {
		records = append(records, fmt.Sprint("txn#", i))
	}
	job := &store.Job{Scope: "acme", Identifiers: []string{"4711"}}
	kit.Put(t, kit.Contacts.Table, map[string]types.AttributeValue{
		"party":   &types.AttributeValueMemberS{Value: store.PartyKey("acme", "135")},
		"contact": &types.AttributeValueMemberS{Value: "c"},
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for what, remove := range map[string]func() error{
		"transactions": func() error { return kit.Customers.Delete(ctx, job, records, 2) },
		"contacts": func() error {
			_, _, err := kit.Contacts.Erase(ctx, job, []store.Erasable{{Contact: "c", Own: "135", Copies: []string{"135"}}}, 2)
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
