package stream

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Lambda's backoff between attempts is not documented; this one is quick enough to watch.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

// lanes deliver one shard's records, up to Mapping.Parallel batches at a time. All
// records of one item go down the same lane, so they stay in order.
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
			for batch := p.nextBatch(queue); len(batch) > 0 && ctx.Err() == nil; batch = p.nextBatch(queue) {
				p.deliver(ctx, batch)
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

// nextBatch waits for a record and takes what else is there, up to the batch size. At the
// end of the queue it gives nothing.
func (p *Poller) nextBatch(queue <-chan record) []record {
	first, ok := <-queue
	if !ok {
		return nil
	}
	batch := []record{first}
	// Nobody else takes from the queue: what it has now is there to be taken.
	for len(batch) < p.Mapping.BatchSize && len(queue) > 0 {
		batch = append(batch, <-queue)
	}
	return batch
}

// deliver invokes the function with the batch until it is done or given up.
func (p *Poller) deliver(ctx context.Context, batch []record) {
	backoff := firstBackoff
	for attempt := 0; ; attempt++ {
		rest, err := p.invoke(ctx, batch)
		if len(rest) == 0 || ctx.Err() != nil {
			return
		}
		if len(rest) < len(batch) { // it moved on: what is left starts afresh
			attempt, backoff = 0, firstBackoff
		}
		batch = rest
		if p.Mapping.MaxRetries >= 0 && attempt >= p.Mapping.MaxRetries {
			p.logf("%s failed %d times; %d records from sequence number %s on are given up: %v",
				p.Mapping.Function, attempt+1, len(batch), batch[0].event.Change.SequenceNumber, err)
			if p.Mapping.OnFailure != "" {
				p.logf("on AWS this would be reported to %s", p.Mapping.OnFailure)
			}
			return
		}
		if !pause(ctx, backoff) {
			return
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

var errReported = errors.New("the function reported failed records")

// invoke calls the function once and returns what has to be sent again: everything after
// an error, else everything from the first record on that the function reports
// (ReportBatchItemFailures).
func (p *Poller) invoke(ctx context.Context, batch []record) ([]record, error) {
	records := make([]events.DynamoDBEventRecord, len(batch))
	for i, r := range batch {
		records[i] = r.event
	}
	event, err := json.Marshal(events.DynamoDBEvent{Records: records})
	if err != nil {
		return batch, err
	}
	answer, err := p.Invoke(ctx, p.Mapping.Function, event)
	if err != nil {
		return batch, err
	}
	var reported events.DynamoDBEventResponse
	if err := json.Unmarshal(answer, &reported); err != nil {
		return batch, err
	}
	first := len(batch)
	for _, failure := range reported.BatchItemFailures {
		at := slices.IndexFunc(batch, func(r record) bool {
			return r.event.Change.SequenceNumber == failure.ItemIdentifier
		})
		first = min(first, max(0, at)) // one that is in no record fails all, as on AWS
	}
	if first < len(batch) {
		err = errReported
	}
	return batch[first:], err
}
