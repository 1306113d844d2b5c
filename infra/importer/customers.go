package importer

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/store"
)

// untouched is the condition under which a customer and its transactions are written: no
// erasure has put its tombstone in the customer's place. A customer that does not exist
// passes.
const untouched = "attribute_not_exists(tombstone)"

// leaveErased finishes a record whose condition untouched failed.
func (l *loader) leaveErased(_ context.Context, r *record) error {
	l.finish(r, errors.New("the customer is being erased, try again later"))
	return nil
}

// byCustomer is an order in which all records of a customer stand side by side: so that
// few transactions have to check it.
func byCustomer(a, b *record) int { return strings.Compare(a.customer, b.customer) }

// customerActions puts every record, and holds each customer to the condition once: by
// the put of the customer itself, or by a check. When it fails, nothing of that customer
// is written.
func (l *loader) customerActions(records []*record) []action {
	byKey := map[string][]*record{}
	for _, r := range records {
		byKey[r.customer] = append(byKey[r.customer], r)
	}
	var actions []action
	for key, all := range byKey {
		held := false
		for _, r := range all {
			put := &types.Put{TableName: &l.Tables.Customers, Item: r.item}
			a := action{write: types.TransactWriteItem{Put: put}, records: []*record{r}}
			if r.kind == customer {
				put.ConditionExpression = aws.String(untouched)
				a.records, held = all, true
			}
			actions = append(actions, a)
		}
		if held {
			continue
		}
		actions = append(actions, action{records: all,
			write: types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
				TableName: &l.Tables.Customers,
				Key: object{"customer": attribute.Text(key),
					"record": attribute.Text(store.CustomerRecord)},
				ConditionExpression: aws.String(untouched),
			}}})
	}
	return actions
}
