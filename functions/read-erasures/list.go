package main

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"

	"customercare/shared/caller"
	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/respond"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// What one call reads at most. A page may so be shorter than its limit, or empty, and
// still have a next one.
const (
	maxUnsealed = 20_000 // entries of one shard of the index, and of all that it goes on with
	maxLeaves   = 8 * store.TileWidth
	maxLooks    = 5 // at as many records as a page may have
)

var (
	errTooManyUnsealed = &respond.Error{
		Kind: respond.Unavailable, Sentence: "Too much is not sealed to be listed, ask again later",
		Header: http.Header{"Retry-After": {"60"}},
	}
	errTooOld = respond.Refuse(respond.Invalid, "before is too old, begin with the first page again")
)

// listAnswer is what GET /erasures answers.
type listAnswer struct {
	Erasures []listed `json:"erasures"`
}

type listed struct {
	ID       string         `json:"id"`
	Status   string         `json:"status"`
	Kind     string         `json:"kind"`
	Scope    string         `json:"scope"`
	Accepted statement.Time `json:"accepted"`
	Failing  int64          `json:"failing,omitempty"`
}

// page is a page while it is made.
type page struct {
	handler
	limit int
	at    cursor
	rows  []listed
	done  bool // nothing is left behind at
}

// list answers GET /erasures, for operators: each erasure once, the newest first. One
// that is accepted while somebody turns the pages is on none of them, or on one.
func (h handler) list(ctx context.Context, call *gateway.Call, reader principal.Reader) (any, error) {
	if reader.Kind != operation.Operator {
		return nil, caller.ErrForbidden
	}
	limit, err := readLimit(call.Query()["limit"])
	if err != nil {
		return nil, err
	}
	at, err := readCursor(call.Query()["before"])
	if err != nil {
		return nil, err
	}
	p := page{handler: h, limit: limit, rows: []listed{}}
	if err := p.fill(ctx, at); err != nil {
		return nil, err
	}
	if !p.done {
		path := call.Path("/erasures") + "?limit=" + strconv.Itoa(limit) + "&before=" + p.at.String()
		call.Success = http.Header{"Link": {"<" + path + `>; rel="next"`}}
	}
	return listAnswer{p.rows}, nil
}

// fill reads the page that begins at a cursor, nil for the first one. The index is read
// before the head: what has left the index by then is in the log by then. Records are
// read last: what the log had sealed by then knows its place.
func (p *page) fill(ctx context.Context, at *cursor) error {
	var unsealed []store.Unlogged
	if at == nil || at.id != "" {
		var err error
		// A shard gives its part of what is asked for. So that one that is cut short
		// shows in the sum, each may give as much as makes too many.
		if unsealed, err = p.ledger.ListUnlogged(ctx, p.index, store.Shards*maxUnsealed); err != nil {
			return err
		}
		if len(unsealed) >= maxUnsealed {
			return errTooManyUnsealed
		}
	}
	head, err := p.head(ctx)
	if err != nil {
		return err
	}
	if at == nil {
		at = &cursor{head.Sealed, firstID}
	}
	if p.at = *at; p.at.below > head.Tree.N {
		return errBefore
	}
	if p.at.id != "" {
		if err := p.fillUnsealed(ctx, unsealed, head.Tree.N); err != nil || p.at.id != "" {
			return err
		}
	}
	return p.fillSealed(ctx)
}

// firstID is behind every id.
const firstID = "99999999T999999Z-ffffffffffffffff"

// fillUnsealed fills the page from the first part of the list. size is the log's.
func (p *page) fillUnsealed(ctx context.Context, unsealed []store.Unlogged, size int64) error {
	if size-p.at.below > maxLeaves {
		return errTooOld
	}
	leaves, err := p.log.Leaves(ctx, p.at.below, size)
	if err != nil {
		return err
	}
	var ids []string
	for _, leaf := range leaves {
		if !leaf.End {
			ids = append(ids, leaf.ID)
		}
	}
	for _, record := range unsealed {
		ids = append(ids, record.ID)
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return id >= p.at.id })
	slices.Sort(ids)
	ids = slices.Compact(ids)
	slices.Reverse(ids)
	for range maxLooks {
		n := min(len(ids), maxLimit)
		taken, err := p.add(ctx, ids[:n], func(record store.Record) bool {
			return record.Accepted != "" && (record.AcceptedIn == nil || record.AcceptedIn.Leaf >= p.at.below)
		})
		if err != nil {
			return err
		}
		if taken > 0 {
			p.at.id = ids[taken-1]
		}
		if ids = ids[taken:]; len(ids) == 0 {
			p.at.id = ""
			return nil
		}
		if len(p.rows) == p.limit {
			return nil
		}
	}
	return nil
}

// fillSealed fills the page from the second part of the list, a tile's width at a time.
func (p *page) fillSealed(ctx context.Context) error {
	for end := max(0, p.at.below-maxLeaves); p.at.below > end && len(p.rows) < p.limit; {
		from := max(end, p.at.below-store.TileWidth)
		leaves, err := p.log.Leaves(ctx, from, p.at.below)
		if err != nil {
			return err
		}
		if err := p.addLeaves(ctx, from, leaves); err != nil {
			return err
		}
	}
	p.done = p.at.below == 0
	return nil
}

// addLeaves puts the acceptances among leaves into the page, from their end, until it is
// full, and moves the cursor below those that it has no need of any more. from is the
// number of the first leaf.
func (p *page) addLeaves(ctx context.Context, from int64, leaves []store.Leaf) error {
	var ids []string
	var numbers []int64
	for i, leaf := range slices.Backward(leaves) {
		if !leaf.End {
			ids, numbers = append(ids, leaf.ID), append(numbers, from+int64(i))
		}
	}
	for len(ids) > 0 {
		taken, err := p.add(ctx, ids[:min(len(ids), maxLimit)], func(store.Record) bool { return true })
		if err != nil {
			return err
		}
		if taken > 0 {
			p.at.below = numbers[taken-1]
		}
		if ids, numbers = ids[taken:], numbers[taken:]; len(ids) > 0 && len(p.rows) == p.limit {
			return nil
		}
	}
	p.at.below = from // no acceptance is left in these
	return nil
}

// add reads the records of ids, and puts those into the page that are of its part, until
// it is full. taken is of how many of the ids the page has no need any more.
func (p *page) add(ctx context.Context, ids []string, of func(store.Record) bool) (taken int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	records, progresses, err := p.ledger.ReadRecords(ctx, ids)
	if err != nil {
		return 0, err
	}
	for i, id := range ids {
		if len(p.rows) == p.limit {
			return i, nil
		}
		record, there := records[id]
		if !there {
			slog.Warn("an erasure in the log has no record", "erasure", id)
		}
		if !there || !of(record) {
			continue
		}
		row := listed{ID: id, Kind: record.Kind, Scope: record.Scope, Accepted: timeOf(record.RequestedAt)}
		progress := progresses[id]
		if record.Job != "" && progress == nil { // its job ended since
			if record, progress, err = p.ledger.ReadProgress(ctx, record); err != nil {
				return i, err
			}
		}
		if progress != nil {
			row.Failing = progress.Failures
		}
		if row.Status, err = statusOf(record, progress); err != nil {
			slog.Warn("the statement of an erasure cannot be read, the list leaves it out", "erasure", id)
			continue
		}
		p.rows = append(p.rows, row)
	}
	return len(ids), nil
}
