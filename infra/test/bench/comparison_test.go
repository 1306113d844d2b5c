package bench_test

import (
	"bytes"
	"context"
	"time"

	"customercare/infra/fixture"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// comparison is an invocation beside its floor.
type comparison struct {
	invocation
	ran      *site
	recorded [][]recordedCall // what the floor asks of DynamoDB, by the number of its call
}

// comparisons prepares all comparisons, with so many calls of either side. The caller
// must call end, which ends what they run on.
//
// What the floors make is recorded: the functions themselves do the floors' work once
// before, on tables of the same content, and the floors do it again on the tables on
// which the functions are measured.
func (b *Bench) comparisons(ctx context.Context, calls int) (all []comparison, end func(), err error) {
	recorder, err := record(b.Endpoint)
	if err != nil {
		return nil, nil, err
	}
	defer recorder.Close()
	behind := *b
	behind.through = recorder.URL
	before, err := behind.start(ctx, "recorded", true)
	if err != nil {
		return nil, nil, err
	}
	defer before.close()
	ran, err := b.start(ctx, "warm", true, warmFloor)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			ran.close()
		}
	}()
	for _, s := range []*site{before, ran} {
		if err := s.fill(ctx, calls); err != nil {
			return nil, nil, err
		}
	}
	tokens := principal.Tokens{Principals: ran.principals(), Now: time.Now}
	token, created, err := tokens.Issue(ctx, app, tenant, tokenLife)
	if err != nil {
		return nil, nil, err
	}
	err = before.principals().PutToken(ctx, principal.Hash(token), app, tenant, created.Add(tokenLife))
	if err != nil {
		return nil, nil, err
	}
	invocations, err := newInvocations(b.Root, token)
	if err != nil {
		return nil, nil, err
	}
	for _, i := range invocations {
		recorded, err := before.recorded(ctx, i, recorder, calls)
		if err != nil {
			return nil, nil, err
		}
		for _, calls := range recorded {
			for at := range calls {
				calls[at].Body = bytes.ReplaceAll(calls[at].Body, []byte(before.prefix), []byte(ran.prefix))
			}
		}
		all = append(all, comparison{i, ran, recorded})
	}
	return all, ran.close, nil
}

const tokenLife = time.Hour

func (s *site) principals() store.Principals {
	return store.Principals{DB: s.DynamoDB(), Table: s.Table("Principals")}
}

// fill puts who calls, and whom so many calls of either side are about, into the tables.
func (s *site) fill(ctx context.Context, calls int) error {
	records := append(erasers(), fixture.Operator(operator, password))
	for _, side := range []string{oursSide, theFloorSide} {
		for n := range calls {
			who := whom(side, n)
			records = append(records, fixture.User(userOf(operation.DeleteCustomerInfo, who)))
			records = append(records, fixture.User(userOf(operation.SetTemporaryAllow, who)))
			records = append(records, fixture.CustomerWith(account, codeOf(who), warmTransactions)...)
		}
	}
	return fixture.Load(ctx, s.DynamoDB(), fixture.Tables(s.Table), records...)
}

// recorded lets the function make each call of the floor's side once and returns its
// DynamoDB requests. A function without a request is called once.
func (s *site) recorded(
	ctx context.Context, i invocation, recorder *recorder, calls int,
) (all [][]recordedCall, err error) {
	if i.request == nil {
		calls = 1
	}
	for n := range calls {
		who := whom(theFloorSide, n)
		event, err := i.event(who)
		if err != nil {
			return nil, err
		}
		recorder.take()
		answer, err := s.Invoke(ctx, i.function, event)
		if err != nil {
			return nil, err
		}
		if err := i.right(who, answer); err != nil {
			return nil, err
		}
		all = append(all, recorder.take())
	}
	return all, nil
}
