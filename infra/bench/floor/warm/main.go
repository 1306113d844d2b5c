// Command warm is what an invocation costs at least: it makes the DynamoDB calls that a
// function makes, in the same order and with requests of the same content, and nothing
// else. It does the work: what the function deletes, it deletes. It looks at no request,
// makes no digest but the slow one of a password, and writes no line into a log.
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/start"
	"customercare/shared/store"
)

// warm is the client, and the tables' names.
type warm struct {
	db                                     *dynamodb.Client
	users, customers, principals, erasures string
}

func main() {
	start.Function(func(s store.Settings) (any, error) {
		db, connected := store.Connect(s)
		connected()
		return warm{
			db: db, users: os.Getenv("USERS_TABLE"), customers: os.Getenv("CUSTOMERS_TABLE"),
			principals: os.Getenv("PRINCIPALS_TABLE"), erasures: os.Getenv("ERASURES_TABLE"),
		}.handle, nil
	})
}

func (w warm) handle(ctx context.Context, e event) error {
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

type item = attribute.Item

var text, texts, number = attribute.Text, attribute.Texts, attribute.Number

// event is one invocation: keys and values that are worked out already, so that nothing
// is left to do but the calls.
type event struct {
	Operation      string   // the folder of the function whose calls to make
	User           string   // the key of a user
	Principal      string   // the key of who calls
	Failures       string   // the key of the failed attempts from where they call
	Secret         string   // a password, in the clear
	Token          string   // the key of a token
	Scope          string   // account or tenant
	Customer, Code string   // the key of a customer, and its code
	Digest         string   // of the customer, or of all numbers
	Numbers        []string // sorted
	Digests        []byte   // of the numbers, one behind the other
}

func (w warm) deleteInfo(ctx context.Context, e event) error {
	_, err := w.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &w.users,
		Key:                 item{"customerId": text(e.User)},
		ConditionExpression: aws.String("attribute_exists(customerId)"),
		UpdateExpression:    aws.String("REMOVE devices"),
	})
	return err
}

func (w warm) setAllow(ctx context.Context, e event, now time.Time) error {
	_, err := w.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &w.users,
		Key:                      item{"customerId": text(e.User)},
		ConditionExpression:      aws.String("attribute_exists(customerId) AND attribute_exists(tempAllows)"),
		UpdateExpression:         aws.String("SET tempAllows.#type = :allow"),
		ExpressionAttributeNames: map[string]string{"#type": "3"},
		ExpressionAttributeValues: item{":allow": &types.AttributeValueMemberM{Value: item{
			"expires": number(now.Add(time.Hour).UnixMilli()), "grantedBy": text(e.Principal),
			"grantedAt": number(now.UnixMilli()),
		}}},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	return err
}
