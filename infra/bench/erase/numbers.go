package erase

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/bench/erase/bed"
	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
)

const (
	numbersGoal  = 0.9 // of the floor's rate
	acceptedGoal = 50  // ms, besides one write
	copies       = 2   // of each contact
)

const whyConditional = "all copies of a contact go on condition that its parties are as they were read: a contact filed anew in between would leave a copy " +
	"that nothing finds, and BatchWriteItem knows no conditions. DynamoDB Local takes 16,000 unconditional deletions a second in batches, 3,600 conditional ones " +
	"in transactions and 2,500 in PartiQL batches"

// ofNumbers is table 6. The end is that the worker lets the job wait for its second pass.
func (p plan) ofNumbers(ctx context.Context, s setup.Setup) (all result.Measured, err error) {
	b, err := bed.Start(ctx, s, "erase-numbers-")
	if err != nil {
		return all, err
	}
	defer b.Close()
	floor, err := bed.StartFloor(ctx, s, "numbers")
	if err != nil {
		return all, err
	}
	defer floor.Close()
	r := numbersRun{b, floor}
	write, err := r.write(ctx, p.numbers)
	if err != nil {
		return all, err
	}
	if _, err := r.rounds(ctx, contacts{10, 1, 100}, 100, "warm"); err != nil {
		return all, err
	}
	curves := map[string]*result.Curve{}
	add := func(name string, each int, seconds float64) {
		if curves[name] == nil {
			curves[name] = &result.Curve{
				Picture: "erasing-1000-numbers", Title: fmt.Sprintf("Erasing %d numbers in one call", p.numbers),
				XAxis: "contacts of each number", YAxis: "seconds from the request until gone", Name: name,
			}
		}
		curves[name].X, curves[name].Y = append(curves[name].X, float64(each)), append(curves[name].Y, seconds)
	}
	for _, c := range p.contacts {
		s.Say("erasing %d numbers with %d contacts each, %d times", p.numbers, c.each, c.rounds)
		m, err := r.rounds(ctx, c, p.numbers, "n")
		if err != nil {
			return all, err
		}
		all.Figures = append(all.Figures, m.figures(p.numbers, c, write)...)
		add("ours", c.each, result.Median(m.batches.ours))
		add("floor, batches", c.each, m.batches.floorInAll())
		if c.each > 0 {
			add("floor, transactions with conditions", c.each, m.transactions.floorInAll())
		}
	}
	all.Figures = append(all.Figures, b.Memory(fmt.Sprintf("%d numbers", p.numbers))...)
	for _, name := range []string{"ours", "floor, batches", "floor, transactions with conditions"} {
		if c := curves[name]; c != nil {
			all.Curves = append(all.Curves, *c)
		}
	}
	return all, nil
}

// floorInAll is how long the floor takes, at its rate, for as much as ours erased.
func (s series) floorInAll() float64 {
	return result.Median(s.floor) * float64(s.items) / float64(s.floorItems)
}

// numbersRun erases numbers in each way.
type numbersRun struct {
	bed   *bed.Bed
	floor *bed.Floor
}

// measured is what rounds yield: how many milliseconds the answer took, and ours against each floor.
type measured struct {
	accepted              []float64
	batches, transactions series
}

// figures of c; write is what one write takes, in milliseconds.
func (m measured) figures(numbers int, c contacts, write float64) []result.Figure {
	name := fmt.Sprintf("%d contacts each", c.each)
	accepted := result.Median(m.accepted)
	answer := result.Figure{
		Table: 6, Case: name + ", accepted", Unit: "ms", Ours: accepted, Floor: write, Against: "one write of the same size", Ratio: accepted / write,
		Goal: fmt.Sprintf("<= %d ms + one write", acceptedGoal), Met: accepted <= acceptedGoal+write, Runs: len(m.accepted),
	}
	if c.each == 0 {
		return []result.Figure{answer, atLeast(m.batches.figure(6, name+", gone", "numbers/s"), numbersGoal)}
	}
	batches := atLeast(m.batches.figure(6, name+", gone", "copies/s"), numbersGoal)
	batches.Against, batches.Note = "batches, no conditions", whyConditional
	transactions := atLeast(m.transactions.figure(6, name+", gone", "copies/s"), numbersGoal)
	transactions.Against = "transactions with conditions"
	if c.floor < numbers {
		transactions.Note = fmt.Sprintf("the floors erased %d numbers of their own", c.floor)
	}
	return []result.Figure{answer, batches, transactions}
}

// rounds of erasures of numbers with contacts, freshly loaded each time and alone in the table.
func (r numbersRun) rounds(ctx context.Context, c contacts, numbers int, name string) (m measured, err error) {
	items, floorItems := numbers*c.each*copies, c.floor*c.each*copies
	if c.each == 0 {
		items, floorItems = numbers, c.floor
	}
	m.batches, m.transactions = series{items: items, floorItems: floorItems}, series{items: items, floorItems: floorItems}
	for i := range c.rounds {
		list := func(way string, n int) []string { return listOf(fmt.Sprintf("%s-%d-%d-%s-", name, c.each, i, way), n) }
		steps := []func() error{func() error {
			accepted, gone, err := r.ours(ctx, list("ours", numbers), c.each)
			m.accepted = append(m.accepted, accepted.Seconds()*1000)
			m.batches.ours, m.transactions.ours = append(m.batches.ours, gone.Seconds()), append(m.transactions.ours, gone.Seconds())
			return err
		}, func() error {
			took, err := r.least(ctx, list("batches", c.floor), c.each, false)
			m.batches.floor = append(m.batches.floor, took.Seconds())
			return err
		}}
		if c.each > 0 {
			steps = append(steps, func() error {
				took, err := r.least(ctx, list("transactions", c.floor), c.each, true)
				m.transactions.floor = append(m.transactions.floor, took.Seconds())
				return err
			})
		}
		if err := inTurn(i, steps...); err != nil {
			return m, err
		}
	}
	return m, nil
}

func listOf(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(prefix, i)
	}
	return list
}

// ours is how long operation 4 takes from the request to its answer, and to the end of the erasure.
func (r numbersRun) ours(ctx context.Context, numbers []string, each int) (accepted, gone time.Duration, err error) {
	if err := r.fill(ctx, numbers, each); err != nil {
		return 0, 0, err
	}
	before, err := r.settled(ctx)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := r.bed.Clean(ctx, numbers); err != nil {
		return 0, 0, err
	}
	accepted = time.Since(began)
	if err := r.untilSettled(ctx, before); err != nil {
		return 0, 0, err
	}
	gone = time.Since(began)
	return accepted, gone, r.nothingLeft(ctx)
}

// least is how long the floor takes.
func (r numbersRun) least(ctx context.Context, numbers []string, each int, conditional bool) (time.Duration, error) {
	if err := r.fill(ctx, numbers, each); err != nil {
		return 0, err
	}
	command := struct {
		Table, Tenant string
		Numbers       []string
		Conditional   bool
	}{r.bed.Table("Contacts"), bed.Tenant, numbers, conditional}
	var done struct{ Deleted int }
	began := time.Now()
	if err := r.floor.Ask(command, &done); err != nil {
		return 0, err
	}
	took := time.Since(began)
	if want := len(numbers) * each * copies; done.Deleted != want {
		return 0, fmt.Errorf("the floor deleted %d of %d copies", done.Deleted, want)
	}
	return took, r.nothingLeft(ctx)
}

func (r numbersRun) fill(ctx context.Context, numbers []string, each int) error {
	return bed.FillContacts(ctx, r.bed.DynamoDB(), r.bed.Table("Contacts"), numbers, each)
}

// nothingLeft is an error when any copy of any contact is left.
func (r numbersRun) nothingLeft(ctx context.Context) error {
	out, err := r.bed.DynamoDB().Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(r.bed.Table("Contacts")), ConsistentRead: aws.Bool(true), Limit: aws.Int32(1)})
	if err == nil && len(out.Items) > 0 {
		err = fmt.Errorf("contacts are left, one is %v", out.Items[0]["contact"])
	}
	return err
}
