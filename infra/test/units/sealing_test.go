package units

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/bench"
	"customercare/infra/fixture"
)

const sealer = "seal-ledger"

// sealed is how many erasures are sealed together in the figure.
const sealed = 100

// seal seals all statements that are not sealed.
func (s *meteredStack) seal(ctx context.Context) error {
	_, err := s.Invoke(ctx, sealer, []byte(`{"source":"aws.events"}`))
	return err
}

// leaves is how many statements are sealed.
func (s *meteredStack) leaves(ctx context.Context) (int, error) {
	out, err := s.DynamoDB().GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(s.Table("Log")), Key: attribute.Item{"part": attribute.Text("head")},
	})
	if err != nil {
		return 0, err
	}
	return int(attribute.ReadNumber(out.Item, "size")), nil
}

// sealing counts what the log costs behind erasures: a run that finds nothing new, and
// the two runs that seal the acceptances and the ends of customers without transactions.
// All that was erased before is sealed first.
func (s *meteredStack) sealing(ctx context.Context) ([]Operation, error) {
	seal := func() error { return s.seal(ctx) }
	if err := seal(); err != nil {
		return nil, err
	}
	before, err := s.leaves(ctx)
	if err != nil {
		return nil, err
	}
	quiet, err := s.during(ctx, seal)
	if err != nil {
		return nil, err
	}
	codes := make([]string, sealed)
	for n := range codes {
		codes[n] = fmt.Sprintf("47110002%08d", n)
		customer := fixture.CustomerWith(account, codes[n], 0)
		if err := fixture.Fill(ctx, s.DynamoDB(), s.Table("Customers"), slices.Values(customer)); err != nil {
			return nil, err
		}
		if err := s.remove(ctx, codes[n]); err != nil {
			return nil, err
		}
	}
	accepted, err := s.during(ctx, seal)
	if err == nil {
		err = s.finish(ctx, func(string, []Trip) {})
	}
	if err != nil {
		return nil, err
	}
	ended, err := s.during(ctx, seal)
	all := []Operation{
		{request: callsOf(quiet, sealer), Counted: bench.Counted{
			Name: "seal-ledger, nothing new", Function: sealer, Bare: quietSealing, Evident: quietSealing,
		}},
		{request: callsOf(append(accepted, ended...), sealer), Counted: bench.Counted{
			Name: fmt.Sprintf("seal-ledger, %d erasures", sealed), Function: sealer,
			Bare: bareSealing(sealed, before), Evident: bareSealing(sealed, before),
		}},
	}
	for i := range all {
		all[i].add()
	}
	return all, err
}
