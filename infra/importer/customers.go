package importer

import (
	"context"
	"slices"
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

// writeCustomers writes customers and transactions in as few transactions as their limits
// allow: side by side what is of one customer, in order, because each customer costs a
// transaction a check.
func (l *loader) writeCustomers(ctx context.Context, records []*record) error {
	slices.SortStableFunc(records, func(a, b *record) int { return strings.Compare(a.customer, b.customer) })
	for len(records) > 0 {
		n := fitCustomers(records)
		refused, err := l.together(ctx, l.Tables.Customers, records[:n], l.customerActions)
		if err != nil {
			return err
		}
		for _, r := range refused {
			l.fail(r, "the customer is being erased, try again later")
		}
		records = records[n:]
	}
	return nil
}

// fitCustomers is how many of the first records fit one transaction. DynamoDB refuses one
// that names an item twice, so it ends before a key that it has already: the later line
// is written later.
func fitCustomers(records []*record) int {
	keys, customers, put, bytes := map[string]bool{}, map[string]bool{}, map[string]bool{}, 0
	for i, r := range records {
		key := r.customer + " " + recordOf(r)
		customers[r.customer] = true
		if r.kind == customer {
			put[r.customer] = true
		}
		actions := i + 1 + len(customers) - len(put) // every customer that is not put costs a check
		bytes += r.size
		if keys[key] || i > 0 && (actions > maxActions || bytes > maxTransaction) {
			return i
		}
		keys[key] = true
	}
	return len(records)
}

func recordOf(r *record) string { return r.item["record"].(*types.AttributeValueMemberS).Value }

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
