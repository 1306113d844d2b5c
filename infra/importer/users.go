package importer

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maxUsers is how many users one transaction updates. A transaction saves most of what a
// call costs, but while it runs DynamoDB refuses an operation on one of its users, which
// then has to be tried again: so few at a time.
const maxUsers = 25

// writeUsers replaces the fields that each record names and touches no others.
func (l *loader) writeUsers(ctx context.Context, records []*record) error {
	for len(records) > 0 {
		n := fitUsers(records)
		_, err := l.together(ctx, l.Tables.Users, records[:n], l.userActions) // there is no condition to refuse any
		if err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// fitUsers is how many of the first records fit one transaction, which ends before a user
// it has already.
func fitUsers(records []*record) int {
	seen, bytes := map[string]bool{}, 0
	for i, r := range records {
		bytes += r.size
		if seen[r.place] || i == maxUsers || i > 0 && bytes > maxTransaction {
			return i
		}
		seen[r.place] = true
	}
	return len(records)
}

// userActions updates rather than puts: temporary allows that are in force stay. The map
// tempAllows always stands afterwards, which setting one relies on.
func (l *loader) userActions(records []*record) []action {
	actions := make([]action, len(records))
	for i, r := range records {
		set := []string{"tempAllows = if_not_exists(tempAllows, :none)"}
		var names map[string]string // DynamoDB takes none, but no empty map
		values := object{":none": &types.AttributeValueMemberM{Value: object{}}}
		for name, value := range r.item {
			if name == "customerId" {
				continue
			}
			if names == nil {
				names = map[string]string{}
			}
			set = append(set, "#"+name+" = :"+name)
			names["#"+name] = name
			values[":"+name] = value
		}
		actions[i] = action{records: []*record{r}, write: types.TransactWriteItem{Update: &types.Update{
			TableName:                 &l.Tables.Users,
			Key:                       object{"customerId": r.item["customerId"]},
			UpdateExpression:          aws.String("SET " + strings.Join(set, ", ")),
			ExpressionAttributeNames:  names,
			ExpressionAttributeValues: values,
		}}}
	}
	return actions
}
