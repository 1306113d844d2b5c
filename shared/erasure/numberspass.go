package erasure

import (
	"context"
	"errors"

	"customercare/shared/store"
)

const (
	// windowSize is how many customer numbers are read, announced and erased together,
	// where the process's memory has room for a page of each.
	windowSize = 32
	// numberReads is how many of them are read at once.
	numberReads = 16
	// numberCalls is how many deleting calls one job would like to run at once. The
	// process's store.Limiter may allow fewer.
	numberCalls = 8
	// maxChanges is how many times in a row contacts may turn out to have changed since
	// they were read.
	maxChanges = 20
)

// errKeepsChanging makes the job come back later.
var errKeepsChanging = errors.New("erasure: contacts change faster than they can be erased")

// numbersPass is one pass over the numbers of a job.
type numbersPass struct {
	Worker
	keeper
	job  *store.Job
	last bool // it may be the job's last pass

	found    reading           // of the window at the cursor, held in memory
	ahead    *window           // the next one, when it is being read already
	erased   map[string]bool   // contacts that were erased while ahead was being read
	changes  int               // how many times in a row contacts had changed
	behind   map[string]string // by number of the window, the last sort key of what is kept
	dirty    bool              // something was erased or has changed behind the first page
	notTaken error             // what the pass ends with, once it has seen all numbers
}

// drainNumbers erases the job's numbers window by window, from the cursor on. It returns
// nil when the pass has seen all of them.
func (w Worker) drainNumbers(ctx context.Context, job *store.Job) error {
	if err := w.ledger.ReadIdentifiers(ctx, job); err != nil {
		return err
	}
	if job.Cursor == 0 {
		job.PassStarted = w.clock.now()
		beginPass(job)
	}
	p := &numbersPass{
		Worker: w, job: job, last: !job.PassStarted.Before(w.lastPassAfter(job)),
		behind: map[string]string{},
		keeper: newKeeper(w.holds, job.Scope, func(ctx context.Context, number, contact string, holds []string) error {
			return w.contacts.UnmarkCopy(ctx, job.Scope, number, contact, holds)
		}),
	}
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		p.found.share.Release()
		p.dropAhead()
	}()
	for job.Cursor < len(job.Identifiers) {
		if err := p.eraseWindow(ctx); err != nil {
			return err
		}
	}
	if p.notTaken != nil {
		job.Cursor = 0 // a pass that has left something is no pass
	}
	return p.notTaken
}

// eraseWindow reads the window at the cursor and erases what it finds there. It moves the
// cursor on when the pass is done with the window, and leaves it where the window must be
// read again.
//
// A pass that may be the job's last one reads each window again until it finds nothing.
// Another pass follows those before it, so they read again only what they may not have
// seen or not erased, and read the next window while one is being erased, as far as
// there is memory for both.
func (p *numbersPass) eraseWindow(ctx context.Context) error {
	if err := p.read(ctx); err != nil {
		return err
	}
	job := p.job
	to := job.Cursor + len(p.found.copies) // all of them, where there was memory for all
	contacts := p.found.contacts(job.Identifiers[job.Cursor:to])
	if len(contacts) == 0 && p.readOn() {
		p.found.share.Release()
		return nil
	}
	if len(contacts) == 0 {
		p.found.share.Release()
		p.moveTo(to)
		return nil
	}
	p.found.warn(job)
	job.Pending = store.Pending{Count: int64(len(contacts)), To: to, Through: p.found.through}
	job.Found += job.Pending.Count
	if err := p.ledger.Save(ctx, job); err != nil {
		takeBack(job)
		return err
	}
	if !p.last && !p.found.short && to < len(job.Identifiers) {
		next := job.Identifiers[to:min(to+windowSize, len(job.Identifiers))]
		p.ahead = p.readAhead(ctx, job.Scope, next)
	}
	p.dirty = p.dirty || len(p.behind) > 0
	before := job.Confirmed.Load()
	left, err := p.contacts.Erase(ctx, job, contacts, numberCalls)
	p.found.share.Release()
	p.count(job, job.Confirmed.Load()-before, int64(left.Skipped), err)
	if err == nil {
		err = p.noteKept(ctx, left.Kept)
	}
	if errors.Is(err, store.ErrNotTaken) && job.Pending.Count == 0 {
		// Some contacts cannot be deleted. The numbers behind go on.
		p.dropAhead()
		p.notTaken = err
		p.moveTo(to)
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case left.Skipped > 0:
		clear(p.behind)
		p.dropAhead()
		if p.changes++; p.changes == maxChanges {
			return errKeepsChanging
		}
	case p.last || p.found.cut() || left.Others:
		p.dropAhead()
		p.changes = 0
	default:
		p.moveTo(to)
		p.erased = make(map[string]bool, len(contacts))
		for _, contact := range contacts {
			p.erased[contact.Contact] = true
		}
	}
	return nil
}

// moveTo ends the window: the pass goes on with the number that has this index.
func (p *numbersPass) moveTo(to int) {
	p.job.Cursor, p.changes = to, 0
	clear(p.behind)
	clear(p.marked)
	p.dirty = false
}

// readOn lets the next reading of the window begin behind what this one has found, all of
// which is kept or gone: there may be more of it. In the last pass the window is read
// from the start once more where anything was erased behind that. It is false when the
// window is done.
func (p *numbersPass) readOn() bool {
	more := p.found.cut()
	if !more && p.last && p.dirty {
		p.dirty = false
		clear(p.behind)
		return true
	}
	for i, through := range p.found.through {
		if through != "" {
			p.behind[p.job.Identifiers[p.job.Cursor+i]] = through
		}
	}
	return more
}

// read puts the window at the cursor into p.found, the one that is being read already
// where there is one. It ends the range that a worker before announced.
func (p *numbersPass) read(ctx context.Context) error {
	job := p.job
	p.found = p.ahead.wait()
	p.ahead = nil
	if p.found.err == nil && len(p.found.copies) == 0 {
		to := min(job.Cursor+windowSize, len(job.Identifiers))
		if job.Pending.Count > 0 {
			to = job.Pending.To // the range that was announced
		}
		p.found = p.readNumbers(ctx, job.Scope, job.Identifiers[job.Cursor:to], job.Pending, p.behind)
	}
	if p.found.err != nil {
		return p.found.err
	}
	if err := p.keep(ctx); err != nil {
		return err
	}
	p.found.note(job)
	p.found.drop(p.erased)
	p.erased = nil
	if job.Pending.Count > 0 {
		inherit(job, p.found.within(job.Pending.Through))
	}
	return nil
}

// dropAhead lets go of the window that is being read ahead: the one at the cursor is read
// again first, or nobody reads any more.
func (p *numbersPass) dropAhead() {
	p.ahead.wait().share.Release()
	p.ahead = nil
}
