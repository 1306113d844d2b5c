package erase

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/bench/result"
)

// ends hears of the end of an erasure from the log line that is also its metrics. It is an io.Writer that gets whole lines.
type ends chan struct{}

func (e ends) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`"msg":"erasure finished"`)) {
		select {
		case e <- struct{}{}:
		default: // nobody waits for that many
		}
	}
	return len(line), nil
}

type object = map[string]types.AttributeValue

// writes is how often the one write is measured.
const writes = 11

// write is what one write takes of as much as a request for so many numbers leaves in the ledger, in milliseconds.
func (r numbersRun) write(ctx context.Context, numbers int) (float64, error) {
	ledger := aws.String(r.bed.Table("Erasures"))
	var left []types.AttributeValue
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
	select {
	case <-r.finished:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
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
	_, err := r.bed.DynamoDB().DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: ledger, Key: key})
	return result.Median(took), err
}
