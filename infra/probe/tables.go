package probe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is one item as it is stored.
type item = map[string]types.AttributeValue

// place is all items under one partition key.
type place struct{ table, attribute, key string }

func (p place) String() string { return fmt.Sprintf("%s %s=%s", p.table, p.attribute, p.key) }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// textOf is a text attribute, "" when there is none.
func textOf(i item, name string) string {
	v, _ := i[name].(*types.AttributeValueMemberS)
	if v == nil {
		return ""
	}
	return v.Value
}

// read is what stands at a place now, by strongly consistent reads, in the order of its sort keys.
func (p *probe) read(ctx context.Context, at place) ([]item, error) {
	var items []item
	for pages := dynamodb.NewQueryPaginator(p.Deployment.DB, &dynamodb.QueryInput{
		TableName: &at.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("#key = :key"),
		ExpressionAttributeNames:  map[string]string{"#key": at.attribute},
		ExpressionAttributeValues: item{":key": text(at.key)},
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", at.table, err)
		}
		items = append(items, page.Items...)
	}
	return items, nil
}

// stands checks that exactly what is wanted at a place is there.
func (p *probe) stands(ctx context.Context, at place) error {
	got, err := p.read(ctx, at)
	if err != nil {
		return err
	}
	if at == p.customerPlace() && len(p.want[at]) == 0 && len(got) == 1 && isTombstone(got[0]) {
		return nil // until the job ends
	}
	if differs := difference(got, p.want[at]); differs != "" {
		return fmt.Errorf("%s: %s", at, differs)
	}
	return nil
}

// everythingStands checks all places.
func (p *probe) everythingStands(ctx context.Context) error {
	var wrong []error
	for _, at := range slices.SortedFunc(maps.Keys(p.want), func(a, b place) int { return strings.Compare(a.String(), b.String()) }) {
		if err := p.stands(ctx, at); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// difference says what is other than wanted; "" when every byte is the same.
func difference(got, want []item) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d items stand there, want %d", len(got), len(want))
	}
	for i := range want {
		var names []string
		for name := range want[i] {
			if !reflect.DeepEqual(got[i][name], want[i][name]) {
				names = append(names, name)
			}
		}
		for name := range got[i] {
			if _, ok := want[i][name]; !ok {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			return fmt.Sprintf("item %d of %d is not as it should be in %s", i+1, len(want), strings.Join(names, ", "))
		}
	}
	return ""
}

// isTombstone says whether an item is what stands in place of a customer that is being erased, and holds nothing else.
func isTombstone(i item) bool {
	_, job := i["tombstone"].(*types.AttributeValueMemberS)
	_, at := i["at"].(*types.AttributeValueMemberN)
	return job && at && len(i) == 4 && i["customer"] != nil && i["record"] != nil
}
