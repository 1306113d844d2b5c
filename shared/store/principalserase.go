package store

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// EraseExpired deletes the operator, API user or app of this key whose time, validUntil,
// has ended before the cutoff. DynamoDB decides that in the deletion itself, by the item
// as it stands then. erased is false where it has not, where there is no such time, and
// for any other item of the table: tokens and failed attempts have an end of their own.
// Nor is one erased that a newer version has written.
func (p Principals) EraseExpired(ctx context.Context, key string, cutoff time.Time) (erased bool, err error) {
	parts := SplitKey(key)
	if len(parts) != 2 || !slices.Contains([]string{Operator, APIUser, App}, parts[0]) {
		return false, nil
	}
	_, err = p.DB.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &p.Table, Key: object{"principal": text(key)},
		ConditionExpression:       aws.String("validUntil >= :one AND validUntil < :cutoff AND " + understood),
		ExpressionAttributeValues: object{":one": one, ":cutoff": before(cutoff, time.Second), ":v": schema},
	})
	if _, conflict := conditionFailed(err); conflict {
		return false, nil
	}
	return err == nil, failed("principals: erase expired", err)
}
