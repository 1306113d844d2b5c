// Package importer loads records from a file of JSON lines (NDJSON) into the tables:
// users, loyalty customers with their transactions, contacts, and those who may call.
//
// Loading a file twice in a row gives the same tables as loading it once, so that after
// an interruption a load is repeated, from the start or from the line that Stopped names.
// Records of one key are written in the order of their lines.
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"customercare/shared/store"
)

// Tables are the names of the tables that records go to.
type Tables struct{ Users, Customers, Contacts, Principals string }

// Options are how to load.
type Options struct {
	Client *dynamodb.Client
	Tables Tables

	From    int // first line to load, counted from 1; 0 is the start
	Workers int // how many write at the same time; 0 is a good number

	// Erased, when set, says whether the erasure of a data subject is on record. kind is
	// "customer" or "number". A customer, transaction or contact about such a one is not
	// loaded, nor is a user's line that would fill what a user who stands does not have.
	// An error of it ends the load. No two calls come at the same time.
	Erased func(ctx context.Context, kind, scope, identifier string) (bool, error)

	// Progress, when set, is called with the bytes of each line that is loaded, reported
	// or skipped. Report, when set, is called with each line that is not loaded and the
	// reason, a sentence without personal data. No two calls come at the same time. Lines
	// come in no order.
	Progress func(bytes int)
	Report   func(line int, sentence string)
}

// Counts are the lines that were read, by what became of them. Blank lines count nowhere.
type Counts struct {
	Loaded map[string]int // by kind
	Failed int
	Back   int // of Failed, those that might bring back what was erased or reset
}

// String is e.g. "2 users, 1 customer, 17 transactions".
func (c Counts) String() string {
	var parts []string
	for _, kind := range []string{user, customer, transaction, contactKind, store.Operator, store.APIUser, store.App} {
		switch n := c.Loaded[kind]; n {
		case 0:
		case 1:
			parts = append(parts, "1 "+kind)
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, kind))
		}
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// Stopped is a load that ended before the file did. Every line before Line is finished:
// loaded or reported.
type Stopped struct {
	Line  int
	cause error
}

func (s *Stopped) Error() string { return fmt.Sprintf("stopped at line %d: %v", s.Line, s.cause) }

func (s *Stopped) Unwrap() error { return s.cause }

const (
	workers  = 8
	queued   = 1024     // records that may wait for one worker
	inFlight = 64 << 20 // bytes of memory for records that are read and not yet finished
)

// loader is one load.
type loader struct {
	Options
	memory *semaphore.Weighted

	mu     sync.Mutex
	counts Counts
	lines  int              // lines handed to the workers or refused
	open   map[int]struct{} // lines that a worker has yet to finish
	next   int              // the line that is read next
}

// Load loads every line of r. A line that cannot be loaded is reported and stops nothing
// else: the error says in the end how many there were. A file of another form than lines
// of JSON is Misformed, and not a line of it is looked at. Anything else that goes wrong
// ends the load with *Stopped, and so does the end of ctx, even while r has nothing to
// give. One read of r may then still wait behind it.
func Load(ctx context.Context, o Options, r io.Reader) (Counts, error) {
	if o.Workers <= 0 {
		o.Workers = workers
	}
	l := &loader{Options: o, memory: semaphore.NewWeighted(inFlight), open: map[int]struct{}{}, next: 1}
	l.counts.Loaded = map[string]int{}
	group, ctx := errgroup.WithContext(ctx)
	queues := make([]chan *record, o.Workers)
	for i := range queues {
		queue := make(chan *record, queued)
		queues[i] = queue
		group.Go(func() error { return l.work(ctx, queue) })
	}
	group.Go(func() error {
		defer func() {
			for _, queue := range queues {
				close(queue)
			}
		}()
		return l.read(ctx, newLines(interruptible(ctx, r)), queues)
	})
	err := group.Wait()
	if misformed, ok := errors.AsType[Misformed](err); ok {
		return l.counts, misformed
	}
	if err != nil {
		line := l.next
		for open := range l.open {
			line = min(line, open)
		}
		return l.counts, &Stopped{Line: line, cause: err}
	}
	if l.counts.Failed > 0 {
		verb := "are"
		if l.counts.Failed == 1 {
			verb = "is"
		}
		return l.counts, fmt.Errorf("%d of %d lines %s not loaded", l.counts.Failed, l.lines, verb)
	}
	return l.counts, nil
}

// interruptible gives what r gives until ctx ends. A read that waits, for example for a
// line that somebody types, cannot be interrupted itself: it is left behind, and what it
// gives in the end is lost.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
	go func() {
		_, err := io.Copy(in, r)
		in.CloseWithError(err) // nil is the end of the file
	}()
	return out
}

// read parses the lines and gives each record to the worker of its place.
func (l *loader) read(ctx context.Context, lines *lines, queues []chan *record) error {
	form := Recognize(lines.r)
	if form != nil && ctx.Err() == nil { // a file of which only a part was read may look misformed
		return form
	}
	for {
		line, err := lines.next()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == io.EOF && l.From > lines.number+1: // a load that stopped may name the line after the last
			return Misformed(fmt.Sprintf("the file has no line %d: its last is line %d", l.From, lines.number))
		case err == io.EOF:
			return nil
		case err != nil && err != errTooLong:
			return fmt.Errorf("the file cannot be read: %w", err)
		case lines.number < l.From || err == nil && len(line) == 0:
			l.next = lines.number + 1
			l.skip(lines.taken)
			continue
		}
		rec := &record{}
		if err == nil {
			rec, err = parse(line)
		}
		if err == nil {
			erased, failed := asked(l.Erased).about(ctx, rec)
			if failed != nil {
				return failed
			}
			if erased {
				err = errErased
			}
		}
		if err != nil {
			rec = &record{}
		}
		rec.line, rec.bytes = lines.number, lines.taken
		l.begin(rec)
		if l.memory.Acquire(ctx, rec.memory) != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			l.finish(rec, err)
			continue
		}
		select {
		case queues[store.Spread(rec.place, len(queues))] <- rec:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// skip finishes a line that is not to be loaded.
func (l *loader) skip(bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Progress != nil {
		l.Progress(bytes)
	}
}

// begin notes a record that is not finished yet.
func (l *loader) begin(r *record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines++
	l.open[r.line] = struct{}{}
	l.next = r.line + 1
}

// finish counts a record as loaded, or reports why it is refused, and gives back the
// memory that it held.
func (l *loader) finish(r *record, refused error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if refused == nil {
		l.counts.Loaded[r.kind]++
	} else {
		l.counts.Failed++
		if errors.Is(refused, errErased) || errors.Is(refused, errReset) {
			l.counts.Back++
		}
		if l.Report != nil {
			l.Report(r.line, refused.Error())
		}
	}
	delete(l.open, r.line)
	l.memory.Release(r.memory)
	if l.Progress != nil {
		l.Progress(r.bytes)
	}
}
