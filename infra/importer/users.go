package importer

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maxUsers is how many users one transaction updates. A transaction saves most of what a
// call costs, but while it runs DynamoDB refuses an operation on one of its users, which
// then has to be tried again. That is why it is not more.
const maxUsers = 25

// userActions replaces the fields that each record names, and touches no others. It
// updates users rather than putting them, so that temporary allows in force stay.
// Afterwards the map tempAllows always stands, which operation 2 relies on.
func (l *loader) userActions(records []*record) []action {
	actions := make([]action, len(records))
	for i, r := range records {
		set := []string{"#tempAllows = if_not_exists(#tempAllows, :none)"}
		names := map[string]string{"#tempAllows": "tempAllows"}
		values := object{":none": &types.AttributeValueMemberM{Value: object{}}}
		for name, value := range r.item {
			if name == "customerId" {
				continue
			}
			if name == "activeAt" { // what stands is newer than any file
				set = append(set, "activeAt = if_not_exists(activeAt, :activeAt)")
				values[":activeAt"] = value
				continue
			}
			set = append(set, "#"+name+" = :"+name)
			names["#"+name] = name
			values[":"+name] = value
		}
		var condition *string
		if guard := asStands(r); l.Erased != nil && guard != "" {
			condition = &guard
		}
		actions[i] = action{records: []*record{r}, write: types.TransactWriteItem{Update: &types.Update{
			ConditionExpression:       condition,
			TableName:                 &l.Tables.Users,
			Key:                       object{"customerId": r.item["customerId"]},
			UpdateExpression:          aws.String("SET " + strings.Join(set, ", ")),
			ExpressionAttributeNames:  names,
			ExpressionAttributeValues: values,
		}}}
	}
	return actions
}
