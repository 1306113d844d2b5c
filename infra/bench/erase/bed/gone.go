package bed

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/store"
)

// lookEvery is how often somebody looks whether a customer is gone whose erasure goes on behind the answer: a query of two
// items each time, which takes less than a hundredth of DynamoDB Local's time.
const lookEvery = 50 * time.Millisecond

// Erase deletes a customer by operation 3 and says how long it took from the request until nothing of it but the tombstone
// was left.
func (b *Bed) Erase(ctx context.Context, code string) (time.Duration, error) {
	return b.UntilGone(ctx, code, func() error { return b.Delete(ctx, code) })
}

// UntilGone is how long it takes from the start of erase until nothing of the customer but perhaps a tombstone is left. erase
// may return before that.
func (b *Bed) UntilGone(ctx context.Context, code string, erase func() error) (time.Duration, error) {
	began := time.Now()
	if err := erase(); err != nil {
		return 0, err
	}
	for took := time.Since(began); ; took = time.Since(began) {
		gone, err := b.gone(ctx, code)
		if gone || err != nil {
			return took, err
		}
		if b.Looked != nil {
			b.Looked()
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the customer is not gone after %s: %w", took.Round(time.Second), context.Cause(ctx))
		case <-time.After(lookEvery):
		}
	}
}

func (b *Bed) gone(ctx context.Context, code string) (bool, error) {
	out, err := b.DynamoDB().Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String(b.Table("Customers")), ConsistentRead: aws.Bool(true), Limit: aws.Int32(2),
		KeyConditionExpression:    aws.String("customer = :customer"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":customer": text(store.CustomerKey(Account, code))},
	})
	if err != nil || len(out.Items) == 0 {
		return err == nil, err
	}
	return len(out.Items) == 1 && out.Items[0]["tombstone"] != nil, nil
}
