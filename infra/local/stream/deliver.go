package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// Lambda's backoff between attempts is not documented; this one is quick enough to watch.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

// lanes deliver one shard's records, up to Mapping.Parallel at a time. All records of one
// item go down the same lane, so they stay in order.
type lanes struct {
	queues []chan record
	done   sync.WaitGroup
}

// openLanes starts the lanes of a shard; put fills them, and close waits for their end.
func (p *Poller) openLanes(ctx context.Context) *lanes {
	l := &lanes{queues: make([]chan record, max(1, p.Mapping.Parallel))}
	for i := range l.queues {
		queue := make(chan record, 1000)
		l.queues[i] = queue
		l.done.Go(func() {
			for r := range queue {
				if ctx.Err() == nil {
					p.deliver(ctx, r)
				}
			}
		})
	}
	return l
}

func (l *lanes) put(ctx context.Context, r record) {
	select {
	case l.queues[r.lane%uint32(len(l.queues))] <- r:
	case <-ctx.Done():
	}
}

func (l *lanes) close() {
	for _, queue := range l.queues {
		close(queue)
	}
	l.done.Wait()
}

// deliver invokes the function with the record until it is done or given up.
func (p *Poller) deliver(ctx context.Context, r record) {
	backoff := firstBackoff
	for attempt := 0; ; attempt++ {
		err := p.invoke(ctx, r)
		if err == nil || ctx.Err() != nil {
			return
		}
		if p.Mapping.MaxRetries >= 0 && attempt >= p.Mapping.MaxRetries {
			p.logf("%s failed %d times with the record %s: %v; it is given up, which on AWS would be reported to %s",
				p.Mapping.Function, attempt+1, r.event.Change.SequenceNumber, err, cmp.Or(p.Mapping.OnFailure, "nobody"))
			return
		}
		if !pause(ctx, backoff) {
			return
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// invoke calls the function once. That it reports its one record
// (ReportBatchItemFailures), or one that it was not given, is a failure as well.
func (p *Poller) invoke(ctx context.Context, r record) error {
	event, err := json.Marshal(events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{r.event}})
	if err != nil {
		return err
	}
	answer, err := p.Invoke(ctx, p.Mapping.Function, event)
	if err != nil {
		return err
	}
	var reported events.DynamoDBEventResponse
	if err := json.Unmarshal(answer, &reported); err != nil {
		return err
	}
	if len(reported.BatchItemFailures) > 0 {
		return errors.New("the function reported a failed record")
	}
	return nil
}

// record is a stream record as the function gets it.
type record struct {
	event events.DynamoDBEventRecord
	lane  uint32 // records of one item always have the same
}

// newRecord takes a record of a stream that carries keys only, and keys that are texts or
// numbers.
func newRecord(r types.Record, region, streamARN string) record {
	created := aws.ToTime(r.Dynamodb.ApproximateCreationDateTime)
	event := events.DynamoDBEventRecord{
		EventID: aws.ToString(r.EventID), EventName: string(r.EventName), EventVersion: "1.1",
		EventSource: "aws:dynamodb", EventSourceArn: streamARN, AWSRegion: region,
		Change: events.DynamoDBStreamRecord{
			ApproximateCreationDateTime: events.SecondsEpochTime{Time: created},
			Keys:                        map[string]events.DynamoDBAttributeValue{},
			SequenceNumber:              aws.ToString(r.Dynamodb.SequenceNumber),
			SizeBytes:                   aws.ToInt64(r.Dynamodb.SizeBytes),
			StreamViewType:              string(r.Dynamodb.StreamViewType),
		},
	}
	for name, value := range r.Dynamodb.Keys {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			event.Change.Keys[name] = events.NewStringAttribute(v.Value)
		case *types.AttributeValueMemberN:
			event.Change.Keys[name] = events.NewNumberAttribute(v.Value)
		}
	}
	if r.UserIdentity != nil { // the item expired
		event.UserIdentity = &events.DynamoDBUserIdentity{
			Type: aws.ToString(r.UserIdentity.Type), PrincipalID: aws.ToString(r.UserIdentity.PrincipalId),
		}
	}
	keys, _ := json.Marshal(event.Change.Keys) // sorted by name; such keys always marshal
	h := fnv.New32a()
	h.Write(keys)
	return record{event, h.Sum32()}
}
