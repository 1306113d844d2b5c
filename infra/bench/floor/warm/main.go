// Command warm is what an invocation costs at least: it makes the DynamoDB calls that a function makes, in the same order and
// with requests of the same content, and nothing else. It does the work: what the function deletes, it deletes. It looks at no
// request, makes no digest but the slow one of a password, and writes no line into a log.
package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/bench/floor/database"
	"customercare/infra/bench/floor/warm/event"
)

// warm is the client, and the tables' names.
type warm struct {
	db                                     *dynamodb.Client
	users, customers, principals, erasures string
}

func main() {
	w := warm{
		db:    database.Connect(),
		users: os.Getenv("USERS_TABLE"), customers: os.Getenv("CUSTOMERS_TABLE"),
		principals: os.Getenv("PRINCIPALS_TABLE"), erasures: os.Getenv("ERASURES_TABLE"),
	}
	lambda.Start(w.handle)
}

func (w warm) handle(ctx context.Context, e event.Event) error {
	now := time.Now()
	switch e.Operation {
	case "delete-customer-info":
		return w.deleteInfo(ctx, e)
	case "set-temporary-allow":
		return w.setAllow(ctx, e, now)
	case "delete-customer":
		return w.deleteCustomer(ctx, e, now)
	case "clean-customer-data":
		return w.clean(ctx, e, now)
	case "issue-token":
		return w.issueToken(ctx, e, now)
	case "authorize-operator":
		return w.authorizeOperator(ctx, e)
	case "authorize-app":
		return w.both(ctx, e.Token, e.Principal)
	}
	return errors.New("no such operation")
}

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func texts(all ...string) types.AttributeValue {
	list := make([]types.AttributeValue, len(all))
	for i, s := range all {
		list[i] = text(s)
	}
	return &types.AttributeValueMemberL{Value: list}
}

func (w warm) deleteInfo(ctx context.Context, e event.Event) error {
	_, err := w.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &w.users,
		Key:                 item{"customerId": text(e.User)},
		ConditionExpression: aws.String("attribute_exists(customerId)"),
		UpdateExpression:    aws.String("REMOVE devices"),
	})
	return err
}

func (w warm) setAllow(ctx context.Context, e event.Event, now time.Time) error {
	_, err := w.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &w.users,
		Key:                      item{"customerId": text(e.User)},
		ConditionExpression:      aws.String("attribute_exists(customerId) AND attribute_exists(tempAllows)"),
		UpdateExpression:         aws.String("SET tempAllows.#type = :allow"),
		ExpressionAttributeNames: map[string]string{"#type": "3"},
		ExpressionAttributeValues: item{":allow": &types.AttributeValueMemberM{Value: item{
			"expires": number(now.Add(time.Hour).UnixMilli()), "grantedBy": text(e.Principal), "grantedAt": number(now.UnixMilli()),
		}}},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	return err
}
