package bench_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/bench"
	"customercare/shared/store"
)

// customerGoal is the part of the floor's rate to reach, from customerGoalFrom
// transactions on.
const (
	customerGoal     = 0.95
	customerGoalFrom = 1000
	eraseFloor       = "erase" // see infra/bench/floor/erase
)

// customerSize is how many transactions a customer has and how many are erased of that
// size.
type customerSize struct{ transactions, pairs int }

// customers is one erasure after the other, from the request until nothing of the
// customer but the tombstone is left, on the template's own settings, stream and
// schedules included.
func (p plan) customers(ctx context.Context, b *Bench) (all []bench.Figure, err error) {
	s, err := b.whole(ctx, "customers")
	if err != nil {
		return nil, err
	}
	defer s.close()
	erase := func(name string, size customerSize) (pairs, error) {
		return s.run(ctx, race{
			name: fmt.Sprintf("%s-%d", name, size.transactions), items: 1, table: "Customers",
			fill: func(codes []string) error { return s.fillCustomers(ctx, size.transactions, codes...) },
			ours: func(codes []string) (time.Duration, error) {
				// A look is a query of two items, and takes less than a hundredth of the
				// engine's time.
				_, gone, err := untilGone(ctx, 50*time.Millisecond,
					func() error { return s.remove(ctx, codes[0]) },
					func() (bool, error) { return s.gone(ctx, codes[0]) })
				return gone, err
			},
			floor: func(codes []string) (time.Duration, error) {
				return s.runFloor(ctx, 1+size.transactions, s.floorCommand(1, codes...))
			},
		}, size.pairs)
	}
	// What is new is slow: processes, connections, the engine's code.
	if _, err := erase("warm-up", customerSize{1000, 2}); err != nil {
		return nil, err
	}
	for _, size := range p.customerSizes {
		b.Say("erasing a customer with %d transactions, %d times ours and the floor's", size.transactions, size.pairs)
		seconds, err := erase("measured", size)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("%d transactions", size.transactions)
		f := seconds.rates(size.transactions).figure("customers", name, "items/s")
		if size.transactions >= customerGoalFrom {
			f = f.AtLeast(customerGoal)
		}
		f.Also = []bench.Number{{Name: "in all", Value: median(seconds.ours), Unit: "s"}}
		all = append(all, f)
	}
	return append(all, b.memory("one customer")...), nil
}

// floorCommand is the floor's command that erases customers, atOnce of them together.
func (s *site) floorCommand(atOnce int, codes ...string) object {
	keys := make([]string, len(codes))
	for i, code := range codes {
		keys[i] = store.CustomerKey(account, code)
	}
	return object{"Table": s.Table("Customers"), "Customers": keys, "AtOnce": atOnce}
}

// gone says whether nothing of the customer but perhaps a tombstone is left.
func (s *site) gone(ctx context.Context, code string) (bool, error) {
	out, err := s.DynamoDB().Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String(s.Table("Customers")), ConsistentRead: aws.Bool(true), Limit: aws.Int32(2),
		KeyConditionExpression:    aws.String("customer = :customer"),
		ExpressionAttributeValues: attribute.Item{":customer": attribute.Text(store.CustomerKey(account, code))},
	})
	if err != nil {
		return false, err
	}
	return len(out.Items) == 0 || len(out.Items) == 1 && out.Items[0]["tombstone"] != nil, nil
}
