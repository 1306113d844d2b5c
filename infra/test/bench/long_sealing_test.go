package bench_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/bench"
	"customercare/infra/bulk"
	"customercare/infra/fixture"
	"customercare/shared/store"
)

// sealing is what seal-ledger takes for the acceptances of so many erasures, which all
// wait when it begins, and what it asks of DynamoDB. Nothing else works on the tables.
func (p plan) sealing(ctx context.Context, b *Bench) ([]bench.Figure, error) {
	counter, err := countUnits(b.Endpoint)
	if err != nil {
		return nil, err
	}
	defer counter.Close()
	behind := *b
	behind.through = counter.URL
	s, err := behind.start(ctx, "sealing", true)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.withoutStream(ctx, "Erasures"); err != nil {
		return nil, err
	}
	codes := make([]string, p.statements)
	for i := range codes {
		codes[i] = fmt.Sprint("sealed-", i)
	}
	if err := errors.Join(s.loadErasers(ctx), s.fillCustomers(ctx, 0, codes...), s.seal(ctx)); err != nil { // the empty log
		return nil, err
	}
	b.Say("erasing %d customers, whose statements are to be sealed", p.statements)
	if _, _, err := s.attack(ctx, codes, bulk.AtOnce); err != nil {
		return nil, err
	}
	b.Say("sealing %d statements", p.statements)
	log := store.Log{DB: s.DynamoDB(), Table: s.Table("Log")}
	counter.take()
	began, runs, failed := time.Now(), 0, 0
	for sealed := int64(0); sealed < int64(p.statements); runs++ {
		unfinished := s.seal(ctx) // one whose time is over fails, and the next goes on
		head, err := log.Head(ctx)
		if err != nil {
			return nil, errors.Join(unfinished, err)
		}
		if unfinished != nil {
			failed++
		}
		if head.Sealed <= sealed {
			return nil, errors.Join(unfinished,
				fmt.Errorf("a run sealed nothing, of %d statements %d are sealed", p.statements, sealed))
		}
		sealed = head.Sealed
	}
	took, count, n := time.Since(began), counter.take(), float64(p.statements)
	return []bench.Figure{{
		Table: "sealing", Case: fmt.Sprintf("%d statements", p.statements), Unit: "statements/s", Ours: n / took.Seconds(),
		Met: true, Runs: 1, Also: []bench.Number{
			{Name: "in all", Value: took.Seconds(), Unit: "s"}, {Name: "runs", Value: float64(runs)},
			{Name: "that failed", Value: float64(failed)},
			{Name: "write units a statement", Value: count.Writes / n}, {Name: "read units a statement", Value: count.Reads / n},
			{Name: "memory of seal-ledger", Value: b.peakOf("seal-ledger"), Unit: "MB"},
		},
	}}, nil
}

// withoutStream ends the stream of a table, which nobody reads: an engine gets slower
// with every record that its streams have had.
func (s *site) withoutStream(ctx context.Context, table string) error {
	_, err := s.DynamoDB().UpdateTable(ctx, &dynamodb.UpdateTableInput{
		TableName: aws.String(s.Table(table)), StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)},
	})
	return err
}

// loadErasers puts who asks for erasures into the stack's tables.
func (s *site) loadErasers(ctx context.Context) error {
	return fixture.Load(ctx, s.DynamoDB(), fixture.Tables(s.Table), erasers()...)
}

// seal is a run of seal-ledger.
func (s *site) seal(ctx context.Context) error {
	_, err := s.Invoke(ctx, "seal-ledger", []byte(`{"source":"aws.events"}`))
	return err
}
