package erase

import (
	"context"
	"fmt"
	"time"

	"customercare/infra/bench/erase/bed"
	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
	"customercare/shared/store"
)

// customerGoal is the part of the floor's rate to reach from customerGoalFrom transactions on.
const (
	customerGoal     = 0.95
	customerGoalFrom = 1000
)

// ofCustomers is table 5: from the request until nothing of the customer but the tombstone is left, on the template's own
// settings, stream and schedules included.
func (p plan) ofCustomers(ctx context.Context, s setup.Setup) (all result.Measured, err error) {
	b, err := bed.Start(ctx, s, "erase-customers-")
	if err != nil {
		return all, err
	}
	defer b.Close()
	floor, err := bed.StartFloor(ctx, s, "erase")
	if err != nil {
		return all, err
	}
	defer floor.Close()
	r := customerRun{b, floor}
	return p.withRun(ctx, s, r)
}

// withRun measures pairs, or, where the plan is deep, one large customer.
func (p plan) withRun(ctx context.Context, s setup.Setup, r customerRun) (all result.Measured, err error) {
	// What is new is slow: functions, connections, DynamoDB Local's code.
	if err := r.bed.Clean(ctx, []string{"nobody"}); err != nil { // starts a worker
		return all, err
	}
	if _, err := r.pairs(ctx, customers{1000, 2}, "warm"); err != nil {
		return all, err
	}
	ours := result.Curve{
		Picture: "erasing-a-customer", Title: "Erasing one customer", XAxis: "transactions", YAxis: "seconds from the request until gone", Name: "ours",
	}
	least := ours
	least.Name = "floor"
	add := func(s series) {
		name := fmt.Sprintf("%d transactions", s.items)
		f := s.figure(5, name, "items/s")
		if s.items >= customerGoalFrom {
			f = atLeast(f, customerGoal)
		}
		if s.floorItems != s.items {
			f.Note = fmt.Sprintf("the floor erased the first %d of the same collection", s.floorItems)
		}
		all.Figures = append(all.Figures, f)
		ours.X, ours.Y = append(ours.X, float64(s.items)), append(ours.Y, result.Median(s.ours))
		if s.floorItems == s.items {
			least.X, least.Y = append(least.X, float64(s.items)), append(least.Y, result.Median(s.floor))
		}
	}
	for _, c := range p.customers {
		s.Say("erasing a customer with %d transactions, %d times ours and the floor's", c.transactions, c.pairs)
		measured, err := r.pairs(ctx, c, "customer")
		if err != nil {
			return all, err
		}
		add(measured)
	}
	if p.deep.transactions > 0 {
		size, err := r.fits(ctx, p.deep)
		if err != nil {
			return all, err
		}
		s.Say("erasing a customer with %d transactions", size.transactions)
		measured, err := r.deep(ctx, size)
		if err != nil {
			return all, err
		}
		add(measured)
	}
	name := "one customer"
	if len(p.customers) == 0 {
		name = "the largest customer"
	}
	all.Figures = append(all.Figures, r.bed.Memory(name)...)
	for _, c := range []result.Curve{ours, least} {
		if len(c.X) > 0 {
			all.Curves = append(all.Curves, c)
		}
	}
	return all, nil
}

// customerRun erases customers in both ways.
type customerRun struct {
	bed   *bed.Bed
	floor *bed.Floor
}

// pairs are erasures of equal customers, each freshly loaded, ours and the floor's in turn.
func (r customerRun) pairs(ctx context.Context, c customers, name string) (series, error) {
	s := series{items: c.transactions, floorItems: c.transactions}
	for i := range c.pairs {
		err := inTurn(i, func() error {
			code := fmt.Sprintf("%s-%d-%d", name, c.transactions, i)
			if err := r.fill(ctx, code, c.transactions); err != nil {
				return err
			}
			took, err := r.bed.Erase(ctx, code)
			s.ours = append(s.ours, took.Seconds())
			return err
		}, func() error {
			code := fmt.Sprintf("%s-%d-%d-floor", name, c.transactions, i)
			if err := r.fill(ctx, code, c.transactions); err != nil {
				return err
			}
			took, err := r.bed.UntilGone(ctx, code, func() error { return r.least(code, 0, c.transactions+1) }) // and the customer itself
			s.floor = append(s.floor, took.Seconds())
			return err
		})
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

const (
	probe = 20_000  // items that tell how fast this machine loads and erases
	spare = 0.85    // the part of the time left that is planned with
	step  = 100_000 // sizes are rounded down to it
)

// fits is d, or as much of it as can be loaded and erased before ctx ends.
func (r customerRun) fits(ctx context.Context, d deep) (deep, error) {
	ends, limited := ctx.Deadline()
	if !limited || d.transactions <= step {
		return d, nil
	}
	began := time.Now()
	if err := r.fill(ctx, "probe", probe); err != nil {
		return d, err
	}
	if _, err := r.bed.Erase(ctx, "probe"); err != nil {
		return d, err
	}
	each := time.Since(began) / probe
	d.transactions = min(d.transactions, int(time.Duration(float64(time.Until(ends))*spare)/each)/step*step)
	if d.transactions < step {
		return d, fmt.Errorf("there is no time left for a customer with %d transactions", step)
	}
	return d, nil
}

// deep loads one collection, of which the floor erases the beginning and we the rest.
func (r customerRun) deep(ctx context.Context, d deep) (series, error) {
	s := series{items: d.transactions, floorItems: d.floor}
	const code = "deep"
	if err := r.fill(ctx, code, d.transactions+d.floor); err != nil {
		return s, err
	}
	began := time.Now()
	if err := r.least(code, d.floor, d.floor); err != nil {
		return s, err
	}
	s.floor = []float64{time.Since(began).Seconds()}
	took, err := r.bed.Erase(ctx, code)
	s.ours = []float64{took.Seconds()}
	return s, err
}

func (r customerRun) fill(ctx context.Context, code string, transactions int) error {
	return bed.FillCustomers(ctx, r.bed.DynamoDB(), r.bed.Table("Customers"), []string{code}, transactions)
}

// least lets the floor erase the first most items of a customer, or all when it is 0; they must be as many as want.
func (r customerRun) least(code string, most, want int) error {
	command := struct {
		Table, Customer string
		Most            int
	}{r.bed.Table("Customers"), store.CustomerKey(bed.Account, code), most}
	var done struct{ Deleted int }
	if err := r.floor.Ask(command, &done); err != nil {
		return err
	}
	if done.Deleted != want {
		return fmt.Errorf("the floor deleted %d of %d items", done.Deleted, want)
	}
	return nil
}
