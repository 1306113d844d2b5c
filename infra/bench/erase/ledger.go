package erase

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/bench/result"
)

type object = map[string]types.AttributeValue

// writes is how often the one write is measured.
const writes = 11

// write is what one write takes of as much as a request for so many numbers leaves in the ledger, in milliseconds.
func (r numbersRun) write(ctx context.Context, numbers int) (float64, error) {
	ledger := aws.String(r.bed.Table("Erasures"))
	var left []types.AttributeValue
	before, err := r.settled(ctx)
	if err != nil {
		return 0, err
	}
	if err := r.bed.Clean(ctx, listOf("unknown", numbers)); err != nil {
		return 0, err
	}
	for pages := dynamodb.NewScanPaginator(r.bed.DynamoDB(), &dynamodb.ScanInput{TableName: ledger, ConsistentRead: aws.Bool(true)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, err
		}
		for _, item := range page.Items {
			if state, ok := item["state"].(*types.AttributeValueMemberS); ok && state.Value == "done" {
				return 0, fmt.Errorf("the erasure was finished before anybody could look at it")
			}
			left = append(left, &types.AttributeValueMemberM{Value: item})
		}
	}
	if err := r.untilSettled(ctx, before); err != nil {
		return 0, err
	}
	key := object{"erasureId": &types.AttributeValueMemberS{Value: "one-write"}} // no worker's: the stream passes it over
	all := object{"erasureId": key["erasureId"], "all": &types.AttributeValueMemberL{Value: left}}
	var took []float64
	for range writes {
		began := time.Now()
		if _, err := r.bed.DynamoDB().PutItem(ctx, &dynamodb.PutItemInput{TableName: ledger, Item: all}); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began).Seconds()*1000)
	}
	_, err = r.bed.DynamoDB().DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: ledger, Key: key})
	return result.Median(took), err
}

const (
	// lookEvery is how often the index of open jobs is looked at, a handful of items: a fortieth of DynamoDB Local's time.
	lookEvery = 20 * time.Millisecond
	// soon is beyond the time when a job comes up that is being worked on, and before the second pass of one that is not.
	soon = 2 * time.Minute
)

// settled counts the jobs that wait for their second pass: nothing is left of what they are about.
func (r numbersRun) settled(ctx context.Context) (int32, error) {
	out, err := r.bed.DynamoDB().Scan(ctx, &dynamodb.ScanInput{
		TableName: aws.String(r.bed.Table("Erasures")), IndexName: aws.String("open"), Select: types.SelectCount,
		FilterExpression: aws.String("dueAt > :soon"),
		ExpressionAttributeValues: object{
			":soon": &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().Add(soon).UnixMilli(), 10)},
		},
	})
	if err != nil {
		return 0, err
	}
	return out.Count, nil
}

// untilSettled waits until more jobs are settled than before.
func (r numbersRun) untilSettled(ctx context.Context, before int32) error {
	for {
		now, err := r.settled(ctx)
		if err != nil || now > before {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the numbers are not erased: %w", context.Cause(ctx))
		case <-time.After(lookEvery):
		}
	}
}
