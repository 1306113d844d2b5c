package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/shared/store"
)

// customerGoal is the part of the floor's rate to reach, from customerGoalFrom
// transactions on.
const (
	customerGoal     = 0.95
	customerGoalFrom = 1000
	eraseFloor       = "erase" // see infra/bench/floor/erase
)

// customers is one erasure after the other, from the request until nothing of the
// customer but the tombstone is left, on the template's own settings, stream and
// schedules included.
func (p plan) customers(ctx context.Context, b *Bench) (all []Figure, err error) {
	s, err := b.site(ctx, "customers", eraseFloor)
	if err != nil {
		return nil, err
	}
	defer s.close()
	// What is new is slow: processes, connections, the engine's code.
	if _, err := s.customerPairs(ctx, "warm-up", customerSize{1000, 2}); err != nil {
		return nil, err
	}
	for _, size := range p.customerSizes {
		b.Say("erasing a customer with %d transactions, %d times ours and the floor's", size.transactions, size.pairs)
		seconds, err := s.customerPairs(ctx, "measured", size)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("%d transactions", size.transactions)
		f := seconds.rates(float64(size.transactions)).figure("customers", name, "items/s")
		if size.transactions >= customerGoalFrom {
			f = f.atLeast(customerGoal)
		}
		f.Also = []Number{{"in all", median(seconds.ours), "s"}}
		all = append(all, f)
	}
	return append(all, b.memory("one customer")...), nil
}

// customerSize is how many transactions a customer has and how many are erased of that
// size.
type customerSize struct{ transactions, pairs int }

// rates are so many items through each number of seconds.
func (p pairs) rates(items float64) (rates pairs) {
	for i := range p.ours {
		rates.add(items/p.ours[i], items/p.floor[i])
	}
	return rates
}

// customerPairs erases equal customers, each freshly loaded, ours and the floor's in
// turn, and gives the seconds that each took.
func (s *site) customerPairs(ctx context.Context, name string, size customerSize) (seconds pairs, err error) {
	for i := range size.pairs {
		var ours, floor time.Duration
		code := fmt.Sprintf("%s-%d-%d", name, size.transactions, i)
		err := inTurn(i, func() (err error) {
			if err = s.fillCustomers(ctx, size.transactions, code); err == nil {
				ours, err = s.untilGone(ctx, code, func() error { return s.remove(ctx, code) })
			}
			return err
		}, func() (err error) {
			code := code + "-floor"
			if err = s.fillCustomers(ctx, size.transactions, code); err == nil {
				floor, err = s.untilGone(ctx, code, func() error {
					return s.least(ctx, 1+size.transactions, 1, code)
				})
			}
			return err
		})
		if err != nil {
			return seconds, err
		}
		seconds.add(ours.Seconds(), floor.Seconds())
	}
	return seconds, nil
}

// least lets the floor erase customers, so many at once. They must have so many items.
func (s *site) least(ctx context.Context, items, atOnce int, codes ...string) error {
	customers := make([]string, len(codes))
	for i, code := range codes {
		customers[i] = store.CustomerKey(account, code)
	}
	var done struct{ Deleted int }
	command := object{"Table": s.Table("Customers"), "Customers": customers, "AtOnce": atOnce}
	err := s.ask(ctx, eraseFloor, command, &done)
	if err == nil && done.Deleted != items {
		err = fmt.Errorf("the floor deleted %d of %d items", done.Deleted, items)
	}
	return err
}

// untilGone is how long it takes from the start of erase, which may return before the
// end, until the customer is gone.
func (s *site) untilGone(ctx context.Context, code string, erase func() error) (took time.Duration, err error) {
	began := time.Now()
	if err := erase(); err != nil {
		return 0, err
	}
	// A look is a query of two items: less than a hundredth of the engine's time.
	err = until(ctx, 50*time.Millisecond, func() (bool, error) {
		took = time.Since(began)
		return s.gone(ctx, code)
	})
	return took, err
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
