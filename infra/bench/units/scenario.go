package units

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"customercare/infra/bench/erase/bed"
	"customercare/infra/bench/setup"
)

// Operation is what one call of an operation takes.
type Operation struct {
	Name       string
	Function   string // that answers
	Request    []Call // while the caller waits, the authorizer's left out
	Background []Call // until the erasure's record stands
	Workers    int    // invocations in the background
	Bare       Bound  // see bound.go
	Evident    Bound
	ByCaller   bool   // a caller asks, through API Gateway; not so for authorizers and cleanup
	OneBatch   bool   // operation 3 with as many transactions as one batch takes
	Because    string // why it costs more than its bound, should it do so by more than the goal
}

// Counted is the calls' sums.
func (o Operation) Counted() (request, background Count) {
	return count(o.Request), count(o.Background)
}

// The sizes of erasures.
var (
	customers = []int{0, 3, 25, 1000} // transactions
	cleanings = []struct{ numbers, contacts int }{{1, 0}, {10, 0}, {1000, 0}, {1000, 10}}
)

// Scenario makes every operation on a stack of its own and counts.
func Scenario(ctx context.Context, s setup.Setup) ([]Operation, error) {
	st, err := start(ctx, s)
	if err != nil {
		return nil, err
	}
	defer st.close()
	if err := st.arrange(ctx); err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	if err := st.warmUp(ctx); err != nil {
		return nil, fmt.Errorf("warm-up: %w", err)
	}
	small, err := st.small(ctx)
	if err != nil {
		return nil, err
	}
	erasures, err := st.erasures(ctx)
	if err != nil {
		return nil, err
	}
	return append(small, erasures...), st.nothingLeft(ctx)
}

const warm = "warm" // what the first calls are about, which no figure shows

func code(transactions int) string { return fmt.Sprintf("47110000%08d", transactions) }

const repeated = "4711000199999999" // the code that is deleted three times

// numbersOf are those of a cleaning, no two of them the same.
func numbersOf(n, contacts int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("135%04d%02d%04d", n, contacts, i))
	}
	return all
}

func (s *stand) arrange(ctx context.Context) error {
	records := []string{
		`{"kind":"apiUser","name":"` + apiUser + `","key":"` + apiKey + `","accounts":["` + bed.Account + `"]}`,
		`{"kind":"app","name":"` + app + `","secret":"` + appSecret + `","tenantId":"` + bed.Tenant + `"}`,
	}
	for _, name := range []string{warm, "counted"} {
		records = append(records, `{"kind":"operator","name":"`+name+`","password":"`+password+`"}`,
			`{"kind":"user","customerId":"`+name+`","registration":{"registeredAt":"2026-01-02T03:04:05Z","displayName":"Made Up","email":"made.up@example.com"},`+
				`"questions":{"q1":{"question":"First pet?","answerHash":"made up"}},"images":{"site":{"imageId":"tulip"}},"phrases":{"site":{"phrase":"made up"}},`+
				`"devices":{"d1":{"name":"phone"},"d2":{"name":"tablet"}}}`)
	}
	if err := s.load(ctx, records...); err != nil {
		return err
	}
	db, table := s.DynamoDB(), s.Table("Customers")
	if err := bed.FillCustomers(ctx, db, table, []string{warm}, 0); err != nil {
		return err
	}
	if err := bed.FillCustomers(ctx, db, table, []string{repeated}, 3); err != nil {
		return err
	}
	for _, n := range customers {
		if err := bed.FillCustomers(ctx, db, table, []string{code(n)}, n); err != nil {
			return err
		}
	}
	for _, c := range cleanings {
		if err := bed.FillContacts(ctx, db, s.Table("Contacts"), numbersOf(c.numbers, c.contacts), c.contacts); err != nil {
			return err
		}
	}
	return nil
}

// warmUp starts a process of every function, so that no later call has a start of its own in it.
func (s *stand) warmUp(ctx context.Context) error {
	return errors.Join(
		s.provision(ctx, warm, "DELETE", warm, "?reset=true", ""),
		s.provision(ctx, warm, "PUT", warm, "", `{"tempAllowType":1}`),
		s.issue(ctx), s.remove(ctx, warm), s.clean(ctx, []string{warm}), s.cleanup(ctx),
	)
}

// during is the calls that functions make while do runs.
func (s *stand) during(ctx context.Context, do func() error) ([]Call, error) {
	if _, err := s.meter.Take(ctx); err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	return s.meter.Take(ctx)
}

// of are the calls of a function.
func of(calls []Call, function string) (all []Call) {
	for _, c := range calls {
		if c.Function == function {
			all = append(all, c)
		}
	}
	return all
}

// small counts all that erases nothing in the background.
func (s *stand) small(ctx context.Context) (all []Operation, err error) {
	calls := func(name, function string, bare, evident Bound, do func() error) {
		if err != nil {
			return
		}
		var made []Call
		if made, err = s.during(ctx, do); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
			return
		}
		all = append(all, Operation{Name: name, Function: function, Request: of(made, function), Bare: bare, Evident: evident, ByCaller: !strings.HasPrefix(function, "authorize")})
	}
	info := func(operator, query string) func() error {
		return func() error { return s.provision(ctx, operator, "DELETE", "counted", query, "") }
	}
	calls("authorize-operator", "authorize-operator", oneRead, twoReads, info("counted", "?unregisterDevices=true"))
	calls("authorize-operator, cached", "authorize-operator", nothing, nothing, info("counted", "?unregisterDevices=true"))
	calls("authorize-app", "authorize-app", oneRead, twoReads, func() error { return s.clean(ctx, []string{warm, "two"}) })
	calls("1: cancelAllTemporaryAllows", "delete-customer-info", oneWrite, oneWrite, info(warm, "?cancelAllTemporaryAllows=true"))
	calls("1: unregisterDevices", "delete-customer-info", oneWrite, oneWrite, info(warm, "?unregisterDevices=true"))
	calls("1: reset", "delete-customer-info", oneWrite, oneWrite, info(warm, "?reset=true"))
	calls("2: set a temporary allow", "set-temporary-allow", oneWrite, oneWrite, func() error {
		return s.provision(ctx, warm, "PUT", "counted", "", `{"tempAllowType":2}`)
	})
	calls("5: token", "issue-token", readAndWrite, twoReadsAndWrite, func() error { return s.issue(ctx) })
	return all, err
}
