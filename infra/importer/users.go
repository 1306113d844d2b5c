package importer

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// writeUser replaces the fields that the record names and touches no others: temporary allows that are in force stay.
// The map tempAllows always stands afterwards, which setting one relies on. One update by itself rather than a
// transaction of many: an operation on the same user is never refused because of it.
func (l *loader) writeUser(ctx context.Context, r *record) error {
	set := []string{"tempAllows = if_not_exists(tempAllows, :none)"}
	names := map[string]string{}
	values := object{":none": &types.AttributeValueMemberM{Value: object{}}}
	for _, name := range append(slices.Clone(userMaps), "data") {
		if value, ok := r.item[name]; ok {
			set = append(set, "#"+name+" = :"+name)
			names["#"+name] = name
			values[":"+name] = value
		}
	}
	if len(names) == 0 {
		names = nil // DynamoDB takes no empty map
	}
	err := persist(ctx, l.Tables.Users, func() error {
		_, err := l.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:                 &l.Tables.Users,
			Key:                       object{"customerId": r.item["customerId"]},
			UpdateExpression:          aws.String("SET " + strings.Join(set, ", ")),
			ExpressionAttributeNames:  names,
			ExpressionAttributeValues: values,
		})
		return err
	})
	return l.settled(r, err)
}

// settled settles a record by the outcome of its one call; it returns what must end the load.
func (l *loader) settled(r *record, err error) error {
	switch {
	case err == nil:
		l.done(r)
	case errors.Is(err, errInvalid):
		l.fail(r, err.Error())
	default:
		return err
	}
	return nil
}
