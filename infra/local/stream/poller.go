package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const (
	// pollEvery is how often an open shard is asked for new records; Lambda asks four
	// times a second.
	pollEvery = 100 * time.Millisecond
	// fullAnswer is how many records GetRecords gives at most: there are others behind,
	// and nothing is waited for.
	fullAnswer = 1000
	// shardsEvery is how often the stream is asked for new shards.
	shardsEvery = time.Second
)

// Mapping is one event source mapping of a template.
type Mapping struct {
	Function   string
	Table      string // its name in DynamoDB
	Parallel   int    // most invocations at a time for one shard
	MaxRetries int    // -1: for ever
	OnFailure  string // ARN of where AWS would report given-up records to, or empty
	Filters    []Pattern
}

// Options of a poller.
type Options struct {
	Mapping   Mapping
	Client    *dynamodbstreams.Client
	StreamARN string
	Region    string
	Invoke    func(ctx context.Context, function string, event []byte) ([]byte, error)
	Log       io.Writer
}

// Poller reads one stream, from the oldest record on, until Close. It keeps no position:
// after a restart functions see records again, which at-least-once delivery allows on AWS
// too.
type Poller struct {
	Options
	stop context.CancelFunc
	done sync.WaitGroup

	mu     sync.Mutex
	shards map[string]bool // known ones; true once read to their end
}

// Start begins to read the stream.
func Start(opts Options) *Poller {
	ctx, stop := context.WithCancel(context.Background())
	p := &Poller{Options: opts, stop: stop, shards: map[string]bool{}}
	p.done.Go(func() { p.findShards(ctx) })
	return p
}

// Close stops reading and returns when no invocation is awaited any more.
func (p *Poller) Close() {
	p.stop()
	p.done.Wait()
}

// findShards starts a reader for every shard, a child's only after its parent's end, so
// that order is kept.
func (p *Poller) findShards(ctx context.Context) {
	for {
		shards, err := p.listShards(ctx)
		if err != nil && ctx.Err() == nil {
			p.logf("shards could not be listed: %v", err)
		}
		listed := map[string]bool{}
		for _, shard := range shards {
			listed[aws.ToString(shard.ShardId)] = true
		}
		for _, shard := range shards {
			id, parent := aws.ToString(shard.ShardId), aws.ToString(shard.ParentShardId)
			p.mu.Lock()
			if _, known := p.shards[id]; !known && (!listed[parent] || p.shards[parent]) {
				p.shards[id] = false
				p.done.Go(func() { p.readShard(ctx, id) })
			}
			p.mu.Unlock()
		}
		if !pause(ctx, shardsEvery) {
			return
		}
	}
}

func (p *Poller) listShards(ctx context.Context) ([]types.Shard, error) {
	var shards []types.Shard
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: aws.String(p.StreamARN)}
	for {
		out, err := p.Client.DescribeStream(ctx, in)
		if err != nil {
			return nil, err
		}
		shards = append(shards, out.StreamDescription.Shards...)
		if out.StreamDescription.LastEvaluatedShardId == nil {
			return shards, nil
		}
		in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId
	}
}

// readShard delivers a shard's records until its end.
func (p *Poller) readShard(ctx context.Context, id string) {
	lanes := p.openLanes(ctx)
	var last *string // sequence number of the last record read
	var iterator *string
	for ctx.Err() == nil {
		if iterator == nil {
			in := &dynamodbstreams.GetShardIteratorInput{
				StreamArn: aws.String(p.StreamARN), ShardId: aws.String(id),
				ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
			}
			if last != nil {
				in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, last
			}
			out, err := p.Client.GetShardIterator(ctx, in)
			if err != nil {
				last = nil // it may be trimmed; records that come again are allowed
				p.retryLater(ctx, err)
				continue
			}
			iterator = out.ShardIterator
		}
		out, err := p.Client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator})
		if err != nil {
			iterator = nil
			_, expired := errors.AsType[*types.ExpiredIteratorException](err)
			_, trimmed := errors.AsType[*types.TrimmedDataAccessException](err)
			switch {
			case expired: // a new one goes on behind the last record read
			case trimmed:
				last = nil // what follows it is gone: go on with the oldest record
				pause(ctx, pollEvery)
			default:
				p.retryLater(ctx, err)
			}
			continue
		}
		for _, r := range out.Records {
			last = r.Dynamodb.SequenceNumber
			if rec := newRecord(r, p.Region, p.StreamARN); p.wanted(rec) {
				lanes.put(ctx, rec)
			}
		}
		if iterator = out.NextShardIterator; iterator == nil {
			break
		}
		if len(out.Records) < fullAnswer {
			pause(ctx, pollEvery)
		}
	}
	lanes.close() // waits until everything is delivered
	p.mu.Lock()
	p.shards[id] = true
	p.mu.Unlock()
}

func (p *Poller) retryLater(ctx context.Context, err error) {
	if ctx.Err() == nil {
		p.logf("the stream could not be read, trying again: %v", err)
		pause(ctx, time.Second)
	}
}

// wanted tells whether one of the filters, if there are any, takes the record.
func (p *Poller) wanted(r record) bool {
	fits := func(f Pattern) bool { return f.matches(r.event) }
	return len(p.Mapping.Filters) == 0 || slices.ContainsFunc(p.Mapping.Filters, fits)
}

func (p *Poller) logf(format string, args ...any) {
	fmt.Fprintf(p.Log, "stream of "+p.Mapping.Table+": "+format+"\n", args...)
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
