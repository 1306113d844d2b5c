package units

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/bench"
	"customercare/shared/operation"
	"customercare/shared/store"
)

// worker does the same as cleanup, once that has found a job due.
const worker = "continue-erasure"

var forCustomer, forNumbers = operation.DeleteCustomer.Name, operation.CleanCustomerData.Name

// erasures counts operations 3 and 4: first every request with what follows at once,
// then, when they are due, the passes behind the writers' lifetime. What cleanup reads to
// find them is one figure for all, "cleanup, nothing to do".
func (s *meteredStack) erasures(ctx context.Context) ([]Operation, error) {
	var all []Operation
	jobs := map[string]int{} // index in all, by the job's key
	begin := func(name, function string, bare, evident Bound, ask func() error) error {
		before, err := s.firstPass(ctx)
		if err != nil {
			return err
		}
		op := Operation{
			Counted: bench.Counted{Name: name, Function: function, Bare: bare, Evident: evident, ByCaller: true},
		}
		var after []job
		calls, err := s.during(ctx, func() error {
			if err := ask(); err != nil {
				return err
			}
			after, err = s.firstPass(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		op.request, op.background = callsOf(calls, function), callsOf(calls, worker)
		op.add()
		for _, j := range after {
			if !slices.ContainsFunc(before, func(known job) bool { return known.key == j.key }) {
				jobs[j.key] = len(all)
			}
		}
		all = append(all, op)
		return nil
	}
	remove := func(name, code string, bare, evident Bound) error {
		return begin(name, forCustomer, bare, evident, func() error { return s.remove(ctx, code) })
	}
	for _, n := range customers {
		w, err := s.customerWork(ctx, code(n), n)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("3: %d transactions", n)
		if err := remove(name, code(n), bareCustomer(w), evidentCustomer(w)); err != nil {
			return nil, err
		}
		all[len(all)-1].oneBatch = n == batch
	}
	if err := s.remove(ctx, repeated); err != nil {
		return nil, err
	}
	if err := remove("3: repeat, still open", repeated, bareRepeat, evidentRepeat); err != nil {
		return nil, err
	}
	for _, c := range cleanings {
		w := cleaning{numbers: numbersOf(c.numbers, c.contacts), contacts: c.numbers * c.contacts, copies: 2}
		name := fmt.Sprintf("4: %d numbers", c.numbers)
		if c.numbers == 1 {
			name = "4: 1 number"
		}
		if c.contacts > 0 {
			name += fmt.Sprintf(" with %d contacts each", c.contacts)
		}
		clean := func() error { return s.clean(ctx, w.numbers) }
		if err := begin(name, forNumbers, w.bare(), w.evident(), clean); err != nil {
			return nil, err
		}
	}
	// seal-ledger runs every minute, and an erasure waits for its late writers for six:
	// so its acceptance is sealed before its end.
	if err := s.seal(ctx); err != nil {
		return nil, err
	}
	err := s.finish(ctx, func(key string, calls []Trip) {
		if at, counted := jobs[key]; counted {
			op := &all[at]
			op.background = append(op.background, callsOf(calls, worker)...)
			op.add()
		}
	})
	if err == nil {
		err = remove("3: repeat after the end", repeated, bareRepeat, evidentRepeatLater)
	}
	if err != nil {
		return nil, err
	}
	calls, err := s.during(ctx, func() error { return s.cleanup(ctx) })
	op := Operation{request: callsOf(calls, "cleanup"), Counted: bench.Counted{
		Name: "cleanup, nothing to do", Function: "cleanup", Bare: idle, Evident: idle,
	}}
	op.add()
	return append(all, op), err
}

// invocations is how many made the calls.
func invocations(calls []Trip) int {
	seen := map[string]bool{}
	for _, c := range calls {
		seen[c.Invocation] = true
	}
	return len(seen)
}

// firstPass waits until every open job has had its first pass, in the request or by the
// worker that the stream starts.
func (s *meteredStack) firstPass(ctx context.Context) ([]job, error) {
	for {
		open, err := s.jobs(ctx)
		if err != nil || !slices.ContainsFunc(open, func(j job) bool { return !j.over }) {
			return open, err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// finish gives every open job its passes when they are due, until none is open, and tells
// of each.
func (s *meteredStack) finish(ctx context.Context, tell func(key string, calls []Trip)) error {
	for {
		open, err := s.firstPass(ctx)
		if err != nil || len(open) == 0 {
			return err
		}
		next := slices.MinFunc(open, func(a, b job) int { return a.due.Compare(b.due) })
		if err := pause(ctx, time.Until(next.due)+2*time.Millisecond); err != nil {
			return err
		}
		calls, err := s.during(ctx, func() error { return s.work(ctx, next.key) })
		if err != nil {
			return fmt.Errorf("%s: %w", next.key, err)
		}
		tell(next.key, calls)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// customerWork reads a customer's collection once, past the meter, for what a bound needs
// to know of it.
func (s *meteredStack) customerWork(ctx context.Context, code string, transactions int) (w customer, err error) {
	w.transactions = transactions
	pages := dynamodb.NewQueryPaginator(s.DynamoDB(), &dynamodb.QueryInput{
		TableName: aws.String(
			s.Table("Customers")), ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("customer = :c"),
		ExpressionAttributeValues: attribute.Item{":c": attribute.Text(store.CustomerKey(account, code))},
		ReturnConsumedCapacity:    types.ReturnConsumedCapacityTotal,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return w, err
		}
		w.pages++
		w.reads += aws.ToFloat64(page.ConsumedCapacity.CapacityUnits)
	}
	return w, nil
}

// nothingLeft looks whether all was erased that the figures say it was.
func (s *meteredStack) nothingLeft(ctx context.Context) error {
	for _, id := range []string{"Customers", "Contacts"} {
		out, err := s.DynamoDB().
			Scan(ctx, &dynamodb.ScanInput{
				TableName: aws.String(s.Table(id)), Select: types.SelectCount, ConsistentRead: aws.Bool(true),
			})
		if err != nil {
			return err
		}
		if out.Count > 0 {
			return fmt.Errorf("%d items are left in %s", out.Count, id)
		}
	}
	return nil
}
