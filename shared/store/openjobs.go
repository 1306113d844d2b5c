package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/invocation"
)

// openShards spreads the index of open jobs over so many partitions; 1,000 writes a second fit in each.
const openShards = 4

// OpenJob is an open job as the index shows it, eventually consistent.
type OpenJob struct {
	Key         string
	DueAt       time.Time
	RequestedAt time.Time
	Failures    int64
}

// ListOpen lists open jobs, in each of the index's shards those due first, at most about limit in
// all. Acquire decides whether one really is still open. With an error, which tells of every shard
// that could not be read to its end, come the jobs that were read nevertheless.
func (e Erasures) ListOpen(ctx context.Context, limit int) ([]OpenJob, error) {
	var shards [openShards][]OpenJob
	var errs [openShards]error
	var reading sync.WaitGroup
	for i := range shards {
		reading.Go(func() { shards[i], errs[i] = e.listShard(ctx, strconv.Itoa(i), limit/openShards) })
	}
	reading.Wait()
	return slices.Concat(shards[:]...), errors.Join(errs[:]...)
}

func (e Erasures) listShard(ctx context.Context, shard string, limit int) (jobs []OpenJob, err error) {
	defer invocation.Recover("erasures: list open", &err)
	in := &dynamodb.QueryInput{
		TableName:                 &e.Table,
		IndexName:                 &e.Index,
		KeyConditionExpression:    aws.String("openShard = :shard"),
		ExpressionAttributeValues: object{":shard": text(shard)},
	}
	for len(jobs) < limit {
		in.Limit = aws.Int32(int32(limit - len(jobs)))
		out, err := e.DB.Query(ctx, in)
		if err != nil {
			return jobs, failed("erasures: list open", err)
		}
		for _, item := range out.Items {
			o := object(item)
			jobs = append(jobs, OpenJob{o.text("erasureId"), o.millis("dueAt"), o.millis("requestedAt"), o.number("failures")})
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	return jobs, nil
}

func shard(key string) string { return strconv.Itoa(Spread(key, openShards)) }
