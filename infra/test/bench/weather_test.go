package bench_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/bench"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// patience is for how long ours is waited for. What is there then is left.
const patience = 2 * time.Minute

// weather is ours and every library in bad weather: what each left of a customer, how
// long it took, and what it said. In each round each has the weather of one seed.
func (p plan) weather(ctx context.Context, b *Bench) (all []bench.Figure, err error) {
	proxy, weather, err := dynamotest.NewWeather(b.Endpoint)
	if err != nil {
		return nil, err
	}
	defer proxy.Close()
	behind := *b
	behind.through = proxy.URL
	s, err := behind.whole(ctx, "weather")
	if err != nil {
		return nil, err
	}
	defer s.close()
	libraries, err := behind.libraries(ctx)
	if err != nil {
		return nil, err
	}
	defer closeAll(libraries)
	results := []*endured{{name: "ours", erase: s.endure}}
	for _, l := range libraries {
		results = append(results, &endured{name: l.name, erase: func(ctx context.Context, code string) (time.Duration, string, error) {
			return l.erase(ctx, s.Table("Customers"), code)
		}})
	}
	b.Say("erasing a customer with %d transactions in bad weather, %d times each", p.weatherSize.transactions, p.weatherSize.pairs)
	for round := range 1 + p.weatherSize.pairs {
		for at, r := range results {
			code := fmt.Sprintf("weather-%d-%d", round, at)
			if err := s.fillCustomers(ctx, p.weatherSize.transactions, code); err != nil {
				return nil, err
			}
			if round > 0 { // the first is in good weather, because what is new is slow
				weather.Begin(uint64(round))
			}
			took, said, err := r.erase(ctx, code)
			weather.End()
			left, leftErr := s.left(ctx, code)
			if err := errors.Join(err, leftErr); err != nil {
				return nil, fmt.Errorf("%s: %w", r.name, err)
			}
			if round > 0 {
				r.add(left, took, said)
			}
		}
	}
	return figuresOf(results), nil
}

// endured is what one side left of each customer, how long it took, and all that it said.
type endured struct {
	name          string
	erase         func(ctx context.Context, code string) (took time.Duration, said string, err error)
	left, seconds []float64
	said          []string
}

func (e *endured) add(left int, took time.Duration, said string) {
	e.left, e.seconds = append(e.left, float64(left)), append(e.seconds, took.Seconds())
	said, _, _ = strings.Cut(cmp.Or(said, "that it is done"), "\n")
	const most = 70
	if len(said) > most {
		said = said[:most] + "..."
	}
	if !slices.Contains(e.said, said) {
		e.said = append(e.said, said)
	}
}

func (e *endured) most() float64 { return slices.Max(e.left) }

// figuresOf is a figure for each side. Ours is first, then come those that left least.
func figuresOf(results []*endured) (all []bench.Figure) {
	ours := results[0]
	slices.SortStableFunc(results[1:], func(x, y *endured) int {
		return cmp.Or(cmp.Compare(x.most(), y.most()), cmp.Compare(median(x.seconds), median(y.seconds)))
	})
	best := ours.most() == 0
	for _, r := range results {
		f := bench.Figure{
			Table: "weather", Case: r.name, Unit: "s", Ours: median(r.seconds), Met: true, Runs: len(r.seconds),
			Said: strings.Join(r.said, "; "),
		}
		for i, n := range r.left {
			f.Also = append(f.Also, bench.Number{Name: fmt.Sprint("round ", i+1), Value: n, Unit: "items"})
		}
		all = append(all, f)
		if r != ours && r.most() == 0 && median(r.seconds) <= median(ours.seconds) {
			best = false
		}
	}
	all[0].Goal, all[0].Met = "0 left, and ahead of all others that leave 0", best
	return all
}

// endure lets ours erase a customer, and waits until nothing is left, or it has been
// waited for long enough. A caller that gets a failure asks again.
func (s *site) endure(ctx context.Context, code string) (took time.Duration, said string, err error) {
	const asks = 10
	began, calls := time.Now(), 1
	for err = s.remove(ctx, code); err != nil && calls < asks; calls++ {
		err = s.remove(ctx, code)
	}
	switch {
	case err != nil:
		said = "that it failed"
	case calls > 1:
		said = fmt.Sprintf("that it is done, asked %d times", calls)
	}
	for time.Since(began) < patience {
		if gone, err := s.gone(ctx, code); gone || err != nil {
			return time.Since(began), said, err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began), said, nil
}

// left is how many items of a customer are there, but for a tombstone.
func (s *site) left(ctx context.Context, code string) (n int, err error) {
	pages := dynamodb.NewQueryPaginator(s.DynamoDB(), &dynamodb.QueryInput{
		TableName: aws.String(s.Table("Customers")), ConsistentRead: aws.Bool(true), Select: types.SelectCount,
		KeyConditionExpression: aws.String("customer = :customer"), FilterExpression: aws.String("attribute_not_exists(tombstone)"),
		ExpressionAttributeValues: attribute.Item{":customer": attribute.Text(store.CustomerKey(account, code))},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return n, err
		}
		n += int(page.Count)
	}
	return n, nil
}
