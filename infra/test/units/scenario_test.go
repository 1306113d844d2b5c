package units

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"customercare/infra/bench"
	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/shared/operation"
)

// Operation is what one call of an operation takes, call by call.
type Operation struct {
	bench.Counted
	request, background []Trip // the authorizer's left out
	oneBatch            bool   // operation 3 with as many transactions as one batch takes
}

// add fills in the sums.
func (o *Operation) add() {
	o.Request, o.Background, o.Workers = count(o.request), count(o.background), invocations(o.background)
}

// The sizes of erasures.
var (
	customers = []int{0, 3, 25, 1000} // transactions
	cleanings = []struct{ numbers, contacts int }{{1, 0}, {10, 0}, {1000, 0}, {1000, 10}}
)

// Scenario makes every operation on a stack of its own and counts, then what the stack
// does by itself.
func Scenario(ctx context.Context, endpoint string, log io.Writer) (_ []Operation, own bench.Own, err error) {
	st, err := start(ctx, endpoint, log)
	if err != nil {
		return nil, own, err
	}
	defer st.close()
	if err := st.arrange(ctx); err != nil {
		return nil, own, fmt.Errorf("records: %w", err)
	}
	if err := st.warmUp(ctx); err != nil {
		return nil, own, fmt.Errorf("warm-up: %w", err)
	}
	simple, err := st.simple(ctx)
	if err != nil {
		return nil, own, err
	}
	erasures, err := st.erasures(ctx)
	if err != nil {
		return nil, own, err
	}
	sealing, err := st.sealing(ctx)
	if err != nil {
		return nil, own, err
	}
	if own, err = st.own(ctx); err != nil {
		return nil, own, err
	}
	return slices.Concat(simple, erasures, sealing), own, st.nothingLeft(ctx)
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

func (s *meteredStack) arrange(ctx context.Context) error {
	records := []fixture.Record{fixture.APIUser(apiUser, apiKey, account), fixture.App(app, appSecret, tenant)}
	for _, name := range []string{warm, "counted"} {
		records = append(records, fixture.Operator(name, password), fixture.User(name))
	}
	if err := fixture.Load(ctx, s.DynamoDB(), fixture.Tables(s.Table), records...); err != nil {
		return err
	}
	for code, transactions := range s.customers() {
		customer := fixture.CustomerWith(account, code, transactions)
		if err := fixture.Fill(ctx, s.DynamoDB(), s.Table("Customers"), slices.Values(customer)); err != nil {
			return err
		}
	}
	for _, c := range cleanings {
		numbers := numbersOf(c.numbers, c.contacts)
		var contacts []fixture.Record
		for n := range c.numbers * c.contacts {
			number := numbers[n/c.contacts]
			id, agent := fmt.Sprintf("%s-%d", number, n%c.contacts), fmt.Sprintf("agent%d", n%agents)
			contacts = append(contacts, fixture.Contact(tenant, id, number, agent))
		}
		if err := fixture.Fill(ctx, s.DynamoDB(), s.Table("Contacts"), slices.Values(contacts)); err != nil {
			return err
		}
	}
	return nil
}

// agents are with whom the numbers have contacts.
const agents = 7

// customers are the transactions of all that are deleted, by their codes.
func (s *meteredStack) customers() map[string]int {
	all := map[string]int{warm: 0, repeated: 3}
	for _, n := range customers {
		all[code(n)] = n
	}
	return all
}

// warmUp starts a process of every function, so that no later call has a start of its own
// in it.
func (s *meteredStack) warmUp(ctx context.Context) error {
	return errors.Join(s.send(ctx, client.DeleteCustomerInfo(warm, "reset=true").As(warm, password)),
		s.send(ctx, allow(warm, warm, "1")), s.issue(ctx), s.remove(ctx, warm), s.clean(ctx, []string{warm}),
		s.cleanup(ctx))
}

// during is the calls that functions make while do runs.
func (s *meteredStack) during(ctx context.Context, do func() error) ([]Trip, error) {
	if _, err := s.meter.Take(ctx); err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	return s.meter.Take(ctx)
}

// callsOf are the calls of a function.
func callsOf(calls []Trip, function string) (all []Trip) {
	for _, c := range calls {
		if c.Function == function {
			all = append(all, c)
		}
	}
	return all
}

// simple counts all that erases nothing in the background.
func (s *meteredStack) simple(ctx context.Context) (all []Operation, err error) {
	calls := func(name, function string, bare, evident Bound, do func() error) {
		if err != nil {
			return
		}
		var made []Trip
		if made, err = s.during(ctx, do); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
			return
		}
		op := Operation{request: callsOf(made, function), Counted: bench.Counted{
			Name: name, Function: function, Bare: bare, Evident: evident,
			ByCaller: !strings.HasPrefix(function, "authorize"),
		}}
		op.add()
		all = append(all, op)
	}
	info := func(operator, query string) func() error {
		return func() error {
			return s.send(ctx, client.DeleteCustomerInfo("counted", query+"=true").As(operator, password))
		}
	}
	deletes, sets := operation.DeleteCustomerInfo.Name, operation.SetTemporaryAllow.Name
	issues := operation.IssueToken.Name
	asksOperator, asksApp := operation.SetTemporaryAllow.Authorizer, operation.CleanCustomerData.Authorizer
	calls("authorize-operator", asksOperator, oneRead, twoReads, info("counted", "unregisterDevices"))
	calls("authorize-operator, cached", asksOperator, nothing, nothing, info("counted", "unregisterDevices"))
	calls("authorize-app", asksApp, oneRead, twoReads, func() error { return s.clean(ctx, []string{warm, "two"}) })
	calls("1: cancelAllTemporaryAllows", deletes, oneWrite, oneWrite, info(warm, "cancelAllTemporaryAllows"))
	calls("1: unregisterDevices", deletes, oneWrite, oneWrite, info(warm, "unregisterDevices"))
	calls("1: reset", deletes, oneWrite, oneWrite, info(warm, "reset"))
	calls("2: set a temporary allow", sets, oneWrite, oneWrite, func() error {
		return s.send(ctx, allow("counted", warm, "2"))
	})
	calls("5: token", issues, readAndWrite, twoReadsAndWrite, func() error { return s.issue(ctx) })
	return all, err
}

// allow is a call of operation 2 for a user by an operator.
func allow(user, operator, kind string) client.Request {
	return client.SetTemporaryAllow(user, client.Allow{Type: kind}, client.JSON).As(operator, password)
}
