package main

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// deleteCustomer takes on and does the erasure of a customer whose transactions fit into
// one of DynamoDB's.
func (w warm) deleteCustomer(ctx context.Context, e event, now time.Time) error {
	if _, err := w.caller(ctx, e); err != nil {
		return err
	}
	records, err := w.collection(ctx, e.Customer)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return errNotThere
	}
	job, found := "customer-"+e.Digest, number(int64(1+len(records)))
	actions := []types.TransactWriteItem{
		{Put: &types.Put{
			TableName: &w.erasures, ConditionExpression: aws.String("attribute_not_exists(openShard)"),
			Item: item{
				"erasureId": text(job), "id": text("20260302T090123Z-0123456789abcdef"), "state": text("open"),
				"scope": text(e.Scope), "requestedBy": text(e.Principal), "requestedAt": number(now.UnixMilli()),
				"lastRequestedAt": number(now.UnixMilli()), "requests": number(1), "identifiers": texts(e.Code),
				"subjects": texts(e.Digest), "fence": number(1), "openShard": text("open-0"),
				"dueAt": number(now.Add(time.Minute).UnixMilli()), "found": found, "deleted": found, "pending": nothing,
			},
		}},
		{Put: &types.Put{
			TableName:           &w.customers,
			ConditionExpression: aws.String("attribute_exists(customer) AND attribute_not_exists(tombstone)"),
			Item: item{
				"customer": text(e.Customer), "record": text("customer"), "tombstone": text(job),
				"at": number(now.UnixMilli()),
			},
		}},
	}
	for _, record := range records {
		actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{
			TableName: &w.customers, Key: item{"customer": text(e.Customer), "record": text(record)},
		}})
	}
	if _, err := w.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions}); err != nil {
		return err
	}
	if left, err := w.collection(ctx, e.Customer); err != nil || len(left) > 0 {
		return errors.Join(err, errors.New("something is left"))
	}
	return nil
}

// nothing is what a job is about to delete.
var nothing = &types.AttributeValueMemberM{Value: item{"count": number(0), "to": number(0), "through": texts()}}

// collection is the sort keys of a customer's items but its own.
func (w warm) collection(ctx context.Context, customer string) (records []string, err error) {
	out, err := w.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &w.customers, ConsistentRead: aws.Bool(true), Limit: aws.Int32(10_000),
		KeyConditionExpression:    aws.String("customer = :customer"),
		ProjectionExpression:      aws.String("#record, tombstone"),
		ExpressionAttributeNames:  map[string]string{"#record": "record"},
		ExpressionAttributeValues: item{":customer": text(customer)},
	})
	if err != nil {
		return nil, err
	}
	for _, found := range out.Items {
		if record := found["record"].(*types.AttributeValueMemberS).Value; record != "customer" {
			records = append(records, record)
		}
	}
	return records, nil
}

// clean takes on the erasure of numbers.
func (w warm) clean(ctx context.Context, e event, now time.Time) error {
	const request = "890123456789"
	_, err := w.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &w.erasures,
		Key:       item{"erasureId": text("numbers-" + e.Digest)},
		ConditionExpression: aws.String("attribute_exists(openShard) AND NOT contains(#id, :request)" +
			" AND NOT contains(joined, :request) AND NOT contains(joinedBefore, :request)"),
		UpdateExpression:         aws.String("SET lastRequestedAt = :now ADD requests :one, joined :requests"),
		ExpressionAttributeNames: map[string]string{"#id": "id"},
		ExpressionAttributeValues: item{
			":now": number(now.UnixMilli()), ":one": number(1), ":request": text(request),
			":requests": &types.AttributeValueMemberSS{Value: []string{request}},
		},
		ReturnValues:                        types.ReturnValueUpdatedOld,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if _, refused := errors.AsType[*types.ConditionalCheckFailedException](err); !refused {
		return errors.Join(err, errors.New("these numbers are no new ones"))
	}
	_, err = w.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &w.erasures, Item: item{
		"erasureId": text("subjects-" + e.Digest), "key": text("1"),
		"digests": &types.AttributeValueMemberB{Value: e.Digests},
	}})
	if err != nil {
		return err
	}
	_, err = w.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{
			TableName: &w.erasures, ConditionExpression: aws.String("attribute_not_exists(openShard)"),
			Item: item{
				"erasureId": text("numbers-" + e.Digest), "id": text("20260302T090123Z-0123456789abcdef"),
				"state": text("open"), "scope": text(e.Scope), "requestedBy": text(e.Principal),
				"requestedAt": number(now.UnixMilli()), "lastRequestedAt": number(now.UnixMilli()),
				"requests": number(1), "subjectsIn": text("subjects-" + e.Digest), "openShard": text("open-0"),
				"dueAt": number(now.Add(time.Minute).UnixMilli()),
			},
		}},
		{Put: &types.Put{TableName: &w.erasures, Item: item{
			"erasureId": text("identifiers-" + e.Digest), "identifiers": texts(e.Numbers...),
		}}},
	}})
	return err
}
