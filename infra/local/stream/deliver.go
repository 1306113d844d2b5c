package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
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
