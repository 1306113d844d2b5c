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

// Shards is of how many parts a list of the ledger is made: each of them gives at most
// its part of the list's limit, so that one can be cut short though the list is not full.
const Shards = openShards

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
	return listShards(ctx, e, sparse{"erasures: list open", index, "openShard"}, limit, func(job object) OpenJob {
		return OpenJob{
			Key: job.text("erasureId"), DueAt: job.millis("dueAt"),
			RequestedAt: job.millis("requestedAt"), Failures: job.number("failures"),
		}
	})
}

// sparse is one of the ledger's sparse indexes, whose partitions are openShards shards.
type sparse struct {
	call string // the name of a reading in errors
	name string
	key  string // the partition key
}

// listShards reads the shards of an index at the same time, at most about limit entries
// in all: of each shard those first that its sort key puts first. Its error tells of
// every shard that could not be read to its end; what could be read comes with it.
func listShards[T any](
	ctx context.Context, e Erasures, index sparse, limit int, read func(object) T,
) ([]T, error) {
	var shards [openShards][]T
	var errs [openShards]error
	var reading sync.WaitGroup
	for i := range shards {
		reading.Go(func() {
			shards[i], errs[i] = listShard(ctx, e, index, strconv.Itoa(i), limit/openShards, read)
		})
	}
	reading.Wait()
	return slices.Concat(shards[:]...), errors.Join(errs[:]...)
}

func listShard[T any](
	ctx context.Context, e Erasures, index sparse, shard string, limit int, read func(object) T,
) (all []T, err error) {
	defer invocation.Recover(index.call, &err)
	in := &dynamodb.QueryInput{
		TableName:                 &e.Table,
		IndexName:                 &index.name,
		KeyConditionExpression:    aws.String("#key = :shard"),
		ExpressionAttributeNames:  map[string]string{"#key": index.key}, // DynamoDB reserves one of them
		ExpressionAttributeValues: object{":shard": text(shard)},
	}
	for len(all) < limit {
		in.Limit = aws.Int32(int32(limit - len(all)))
		out, err := e.DB.Query(ctx, in)
		if err != nil {
			return all, failed(index.call, err)
		}
		for _, item := range out.Items {
			all = append(all, read(item))
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			break
		}
	}
	return all, nil
}
