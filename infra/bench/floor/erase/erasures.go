package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/store"
)

// As many as the product has: shared/store's recordPage; shared/erasure's
// customerStreams, numberReads and numberStreams. The others are DynamoDB's limits.
const (
	page            = 10_000
	customerStreams = 2
	numberReads     = 16
	numberStreams   = 8
	batch           = 25
	transaction     = 100
)

// ofCustomers deletes in batches, each of one customer: the product does not span them.
func ofCustomers(db *dynamodb.Client, c command) erasure {
	e := erasure{
		db: db, readers: c.AtOnce, ahead: page / batch, streams: customerStreams * c.AtOnce, least: 1, most: batch,
		deletions: func(key attribute.Item) []types.Delete { return []types.Delete{{Key: key}} },
		remove: func(ctx context.Context, all []types.Delete) error {
			requests := make([]types.WriteRequest, len(all))
			for i, deletion := range all {
				requests[i].DeleteRequest = &types.DeleteRequest{Key: deletion.Key}
			}
			out, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{c.Table: requests},
			})
			if err == nil && len(out.UnprocessedItems) > 0 {
				err = errors.New("DynamoDB did not take all of a batch")
			}
			return err
		},
	}
	for _, customer := range c.Customers {
		e.collections = append(e.collections, dynamodb.QueryInput{
			TableName: &c.Table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(page),
			KeyConditionExpression:    aws.String("customer = :customer"),
			ProjectionExpression:      aws.String("customer, #record"),
			ExpressionAttributeNames:  map[string]string{"#record": "record"},
			ExpressionAttributeValues: attribute.Item{":customer": attribute.Text(customer)},
		})
	}
	return e
}

// ofNumbers deletes every copy of each contact in transactions that span collections, on
// condition that the parties are as they were read.
func ofNumbers(db *dynamodb.Client, c command) erasure {
	e := erasure{
		db: db, readers: numberReads, ahead: numberReads, streams: numberStreams, least: transaction, most: transaction,
		deletions: func(contact attribute.Item) (copies []types.Delete) {
			parties := contact["parties"].(*types.AttributeValueMemberL)
			for _, party := range parties.Value {
				of := store.PartyKey(c.Tenant, attribute.ReadText(attribute.Item{"party": party}, "party"))
				copies = append(copies, types.Delete{
					TableName: &c.Table, ConditionExpression: aws.String("parties = :parties"),
					ExpressionAttributeValues: attribute.Item{":parties": parties},
					Key:                       attribute.Item{"party": attribute.Text(of), "contact": contact["contact"]},
				})
			}
			return copies
		},
		remove: func(ctx context.Context, all []types.Delete) error {
			actions := make([]types.TransactWriteItem, len(all))
			for i := range all {
				actions[i].Delete = &all[i]
			}
			_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
			return err
		},
	}
	for _, number := range c.Numbers {
		e.collections = append(e.collections, dynamodb.QueryInput{
			TableName: &c.Table, ConsistentRead: aws.Bool(true),
			KeyConditionExpression:    aws.String("party = :party"),
			ProjectionExpression:      aws.String("contact, parties"),
			ExpressionAttributeValues: attribute.Item{":party": attribute.Text(store.PartyKey(c.Tenant, number))},
		})
	}
	return e
}
