package probe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// place is all items under one partition key.
type place struct{ table, attribute, key string }

func (p place) String() string { return fmt.Sprintf("%s %s=%s", p.table, p.attribute, p.key) }

// read is what stands at a place now, by strongly consistent reads, in the order of its
// sort keys.
func (r *run) read(ctx context.Context, at place) ([]attribute.Item, error) {
	var items []attribute.Item
	for pages := dynamodb.NewQueryPaginator(r.Deployment.DB, &dynamodb.QueryInput{
		TableName: &at.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("#key = :key"),
		ExpressionAttributeNames:  map[string]string{"#key": at.attribute},
		ExpressionAttributeValues: attribute.Item{":key": attribute.Text(at.key)},
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", at.table, err)
		}
		items = append(items, page.Items...)
	}
	return items, nil
}

// stands checks that exactly what is wanted at a place is there. In the place of the
// customer that was deleted a tombstone may stand, until the job ends. A user with whom
// operation 1 or 2 has done something is on record as active then.
func (r *run) stands(ctx context.Context, at place) error {
	got, err := r.read(ctx, at)
	if err != nil {
		return err
	}
	if r.acted[at] && len(got) == 1 && len(r.want[at]) == 1 {
		active := time.UnixMilli(attribute.ReadNumber(got[0], "activeAt"))
		if off := time.Since(active).Abs(); off > maxClockDifference {
			return fmt.Errorf("%s: the user's activity is not on record", at)
		}
		r.want[at][0]["activeAt"] = got[0]["activeAt"] // the time is the product's own
	}
	ours := at == r.customerPlace(r.by.Account, r.code) || at == r.customerPlace(r.by.Account, r.heldCode)
	if ours && len(r.want[at]) == 0 && len(got) == 1 && isTombstone(got[0]) {
		return nil
	}
	if differs := difference(got, r.want[at]); differs != "" {
		return fmt.Errorf("%s: %s", at, differs)
	}
	return nil
}

// everythingStands checks all places.
func (r *run) everythingStands(ctx context.Context) error {
	var wrong []error
	for at := range r.want {
		wrong = append(wrong, r.stands(ctx, at))
	}
	return errors.Join(wrong...)
}

// difference says what is other than wanted; "" when every byte is the same.
func difference(got, want []attribute.Item) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d items stand there, want %d", len(got), len(want))
	}
	for i := range want {
		differing := maps.Clone(want[i])
		maps.Copy(differing, got[i])
		maps.DeleteFunc(differing, func(name string, _ types.AttributeValue) bool {
			return reflect.DeepEqual(got[i][name], want[i][name])
		})
		if len(differing) > 0 {
			return fmt.Sprintf("item %d of %d is not as it should be in %s", i+1, len(want),
				strings.Join(slices.Sorted(maps.Keys(differing)), ", "))
		}
	}
	return ""
}

// isTombstone says whether an item is what stands in place of a customer that is being
// erased, and holds nothing else.
func isTombstone(item attribute.Item) bool {
	_, job := item["tombstone"].(*types.AttributeValueMemberS)
	_, at := item["at"].(*types.AttributeValueMemberN)
	return job && at && len(item) == 4 && item["customer"] != nil && item["record"] != nil
}

// remove takes everything away that lies at the run's places, whoever has put it there,
// and those who could call. Then it looks whether it is gone. A tombstone stays, because
// the open job would be stuck without it.
func (r *run) remove(ctx context.Context) error {
	all := slices.AppendSeq(r.principals(), maps.Keys(r.places()))
	var wrong []error
	if r.held {
		wrong = append(wrong, r.release(ctx))
	}
	for _, at := range all {
		wrong = append(wrong, r.clear(ctx, at))
	}
	var open []string
	for _, at := range all {
		left, err := r.read(ctx, at)
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case len(left) == 1 && isTombstone(left[0]):
			open = append(open, "a customer, with its tombstone")
		case len(left) > 0:
			wrong = append(wrong, fmt.Errorf("%d items are left at %s", len(left), at))
		}
	}
	if r.refused && len(open) == 0 {
		open = append(open, "the customer who was held")
	}
	if r.cleaned {
		open = append(open, "the contacts")
	}
	if len(open) > 0 {
		r.note("cleanup ends the open erasure of %s by itself, after WriterLifetime, and the ledger keeps a record of it",
			strings.Join(open, " and that of "))
	}
	if r.lost {
		r.note("a token whose answer was lost may be left; it ends by itself within an hour")
	}
	return errors.Join(wrong...)
}

// clear deletes all items at a place, but no tombstone, also when that comes right now.
func (r *run) clear(ctx context.Context, at place) error {
	items, err := r.read(ctx, at)
	if err != nil {
		return err
	}
	for _, item := range items {
		key := attribute.Item{at.attribute: item[at.attribute]}
		for _, sortKey := range []string{"record", "contact"} {
			if value, ok := item[sortKey]; ok {
				key[sortKey] = value
			}
		}
		_, err := r.Deployment.DB.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &at.table, Key: key, ConditionExpression: aws.String("attribute_not_exists(tombstone)"),
		})
		if _, isTombstone := errors.AsType[*types.ConditionalCheckFailedException](err); err != nil && !isTombstone {
			return fmt.Errorf("%s cannot be cleared: %w", at, err)
		}
	}
	return nil
}

// principals are where all stand who could call in this run, and their tokens.
func (r *run) principals() (all []place) {
	add := func(kind, name string) {
		all = append(all, place{r.Deployment.Tables.Principals, "principal", store.PrincipalKey(kind, name)})
	}
	add(operation.Operator, r.operator)
	add(operation.APIUser, r.by.Name)
	add(operation.App, r.app)
	add(operation.App, r.otherApp)
	for _, token := range r.tokens {
		add(store.Token, principal.Hash(token))
	}
	return all
}
