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

// openShards is over how many partitions the index of open jobs is spread. Each takes
// 1,000 write units a second.
const openShards = 4

// shard is the partition of the index that a job stands in.
func shard(key string) string { return strconv.Itoa(Spread(key, openShards)) }

// OpenJob is an open job as the index shows it, eventually consistent: only Acquire says
// whether the job is still open.
type OpenJob struct {
	Key         string
	DueAt       time.Time
	RequestedAt time.Time
	Failures    int64
}

// ListOpen lists open jobs, at most about limit in all: of each shard those due first.
// index is the name of the table's index of open jobs. Its error tells of every shard
// that could not be read to its end; the jobs that could be read come with it.
func (e Erasures) ListOpen(ctx context.Context, index string, limit int) ([]OpenJob, error) {
	var shards [openShards][]OpenJob
	var errs [openShards]error
	var reading sync.WaitGroup
	for i := range shards {
		reading.Go(func() { shards[i], errs[i] = e.listShard(ctx, index, strconv.Itoa(i), limit/openShards) })
	}
	reading.Wait()
	return slices.Concat(shards[:]...), errors.Join(errs[:]...)
}

func (e Erasures) listShard(
	ctx context.Context, index, shard string, limit int,
) (jobs []OpenJob, err error) {
	defer invocation.Recover("erasures: list open", &err)
	in := &dynamodb.QueryInput{
		TableName:                 &e.Table,
		IndexName:                 &index,
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
			job := object(item)
			jobs = append(jobs, OpenJob{
				Key: job.text("erasureId"), DueAt: job.millis("dueAt"),
				RequestedAt: job.millis("requestedAt"), Failures: job.number("failures"),
			})
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	return jobs, nil
}
