package importer

import (
	"context"
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

// customers is how customers and transactions are written. A transaction needs one check
// for each customer that is not itself put in it, so the records must come in the order
// of byCustomer.
func (l *loader) customers() together {
	return together{
		table: l.Tables.Customers, most: maxActions, actions: l.customerActions,
		key: func(r *record) string {
			return r.customer + " " + r.item["record"].(*types.AttributeValueMemberS).Value
		},
		count: func() func(*record) int {
			checked, put := map[string]bool{}, map[string]bool{}
			return func(r *record) int {
				actions := 1
				if !checked[r.customer] {
					actions++
				}
				if r.kind == customer && !put[r.customer] {
					actions--
					put[r.customer] = true
				}
				checked[r.customer] = true
				return actions
			}
		},
		refused: func(_ context.Context, r *record) error {
			l.fail(r, "the customer is being erased, try again later")
			return nil
		},
	}
}

// byCustomer is an order in which all records of a customer stand side by side.
func byCustomer(a, b *record) int { return strings.Compare(a.customer, b.customer) }

// customerActions puts every record, and holds each customer to the condition once: by
// the put of the customer itself, or by a check. When it fails, nothing of that customer
// is written.
func (l *loader) customerActions(records []*record) []action {
	of := map[string][]*record{}
	put := map[string]bool{}
	for _, r := range records {
		of[r.customer] = append(of[r.customer], r)
		put[r.customer] = put[r.customer] || r.kind == customer
	}
	var actions []action
	for _, r := range records {
		p := &types.Put{TableName: &l.Tables.Customers, Item: r.item}
		a := action{write: types.TransactWriteItem{Put: p}, records: []*record{r}}
		if r.kind == customer {
			p.ConditionExpression = aws.String(untouched)
			a.records = of[r.customer]
		}
		actions = append(actions, a)
	}
	for key, all := range of {
		if put[key] {
			continue
		}
		actions = append(actions, action{records: all,
			write: types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
				TableName:           &l.Tables.Customers,
				Key:                 object{"customer": attribute.Text(key), "record": attribute.Text(store.CustomerRecord)},
				ConditionExpression: aws.String(untouched),
			}}})
	}
	return actions
}
