package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"customercare/shared/principal"
	"customercare/shared/store"
)

// removers is how many deletions are under way at once.
const removers = 8

// remove takes everything away that lies at the run's places, whoever has put it there, and those who could call; then it
// looks whether it is gone. A tombstone stays: it is the open job's, which would be stuck without it.
func (p *probe) remove(ctx context.Context) error {
	var wrong []error
	for at := range p.places() {
		wrong = append(wrong, p.clear(ctx, at))
	}
	for _, key := range p.principals() {
		_, err := p.Deployment.DB.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &p.Deployment.Tables.Principals, Key: item{"principal": text(key)}})
		if err != nil {
			wrong = append(wrong, fmt.Errorf("the principal %s is left: %w", key, err))
		}
	}
	var open []string
	for at := range p.places() {
		left, err := p.read(ctx, at)
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case len(left) == 1 && isTombstone(left[0]):
			open = append(open, "the customer, with its tombstone")
		case len(left) > 0:
			wrong = append(wrong, fmt.Errorf("%d items are left at %s", len(left), at))
		}
	}
	if p.cleaned {
		open = append(open, "the contacts")
	}
	if len(open) > 0 {
		p.note("cleanup ends the open erasure of %s by itself, after WriterLifetime, and the ledger keeps a record of it",
			strings.Join(open, " and that of "))
	}
	if p.client.lost {
		p.note("a token whose answer was lost may be left; it ends by itself within an hour")
	}
	return errors.Join(wrong...)
}

// clear deletes all items at a place, but no tombstone.
func (p *probe) clear(ctx context.Context, at place) error {
	items, err := p.read(ctx, at)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(removers)
	for _, i := range items {
		group.Go(func() error {
			in := &dynamodb.DeleteItemInput{
				TableName: &at.table, Key: item{at.attribute: i[at.attribute]},
				ConditionExpression: aws.String("attribute_not_exists(tombstone)"), // also when it comes right now
			}
			for _, sortKey := range []string{"record", "contact"} {
				if value, ok := i[sortKey]; ok {
					in.Key[sortKey] = value
				}
			}
			_, err := p.Deployment.DB.DeleteItem(ctx, in)
			if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("%s cannot be cleared: %w", at, err)
	}
	return nil
}

// principals are the keys of all who could call in this run, and of their tokens.
func (p *probe) principals() []string {
	all := []string{
		store.PrincipalKey(store.Operator, p.operator), store.PrincipalKey(store.APIUser, p.apiUser),
		store.PrincipalKey(store.App, p.app), store.PrincipalKey(store.App, p.otherApp),
	}
	for _, token := range p.client.tokens {
		all = append(all, store.PrincipalKey(store.Token, principal.Hash(token)))
	}
	return all
}
