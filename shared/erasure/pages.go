package erasure

import (
	"context"
	"errors"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

// held is a page of a customer's collection with its share of the process's memory, or
// why there is none.
type held struct {
	store.Collection
	share *store.Share // its owner releases it
	err   error
}

// readPage reads the page behind after, or errs with store.ErrNoRoom; in a worker that
// holds no other page it waits for memory instead.
func (e Engine) readPage(ctx context.Context, key, after string, wait bool) (h held) {
	h.share = e.Memory.Share()
	defer func() {
		if h.err != nil {
			h.share.Release()
		}
	}()
	defer invocation.Recover("erasure: read", &h.err)
	h.Collection, h.err = e.Customers.Read(h.share.On(ctx), key, after)
	for wait && errors.Is(h.err, store.ErrNoRoom) {
		h.share.Release()
		if h.err = h.share.Wait(ctx); h.err == nil {
			h.Collection, h.err = e.Customers.Read(h.share.On(ctx), key, after)
		}
	}
	return h
}

// drainCustomer deletes the collection page by page, until a reading from the start finds
// nothing but the tombstone. first is the first page, already announced, or nil.
func (e Engine) drainCustomer(ctx context.Context, job *store.Job, first *store.Collection) error {
	key := store.CustomerKey(job.Scope, job.Identifiers[0])
	if first != nil {
		if err := e.deletePages(ctx, job, key, held{Collection: *first}); err != nil {
			return err
		}
	}
	for {
		done, err := e.drainOnce(ctx, job, key)
		if done || err != nil {
			return err
		}
	}
}

// drainOnce reads from the start, and deletes what it finds; it is done when that is
// nothing.
func (e Engine) drainOnce(ctx context.Context, job *store.Job, key string) (done bool, err error) {
	job.PassStarted = e.Now()
	page := e.readPage(ctx, key, "", true)
	if page.err != nil {
		return false, page.err
	}
	defer page.share.Release()
	if err := e.account(ctx, job, key, page.Collection); err != nil {
		return false, err
	}
	raced := false // then it must be read again: a conflict is no tombstone
	// A late writer that asked no condition wrote over the tombstone: a customer, or a tombstone of another time.
	if page.Exists || page.Tombstone != "" && page.Tombstone != job.Key {
		switch err := e.Ledger.Entomb(ctx, e.Customers, key, page.Collection, job.Key, e.Now()); {
		case err == nil && page.Exists:
			job.Entombed++
		case err == nil:
		case !errors.Is(err, store.ErrRaced):
			return false, err
		default: // a repeat was there first, or is at it
			raced = true
		}
	}
	if len(page.Records) == 0 && page.Next == "" && !raced {
		return true, nil
	}
	if err := e.Ledger.Save(ctx, job); err != nil {
		takeBack(job)
		return false, err
	}
	return false, e.deletePages(ctx, job, key, page)
}

// account settles what a worker before announced and may have deleted in part: what is
// left of that range is counted, in as many pages as it takes, because what stands there
// now need not fall into one, as it did then. Then it announces first, the page at the
// start.
func (e Engine) account(ctx context.Context, job *store.Job, key string, first store.Collection) error {
	if job.Pending.Count > 0 {
		left, through := int64(0), ""
		if len(job.Pending.Through) > 0 {
			through = job.Pending.Through[0]
		}
		for page := first; ; {
			for _, record := range page.Records {
				if record <= through {
					left++
				}
			}
			if page.Next == "" || page.Next >= through {
				break
			}
			var err error
			if page, err = e.Customers.Read(ctx, key, page.Next); err != nil {
				return err
			}
		}
		inherit(job, left) // announced again below, and with the pages behind
	}
	announce(job, first)
	return nil
}

// deletePages deletes an announced page and those behind it, reading the next while the
// last is being deleted, where there is memory for both.
func (e Engine) deletePages(ctx context.Context, job *store.Job, key string, page held) error {
	for {
		ahead := make(chan held, 1)
		if next := page.Next; next != "" {
			go func() { ahead <- e.readPage(ctx, key, next, false) }()
		}
		moved := job.Confirmed.Load()
		err := e.Customers.Delete(ctx, job, page.Records, customerStreams)
		e.count(job, job.Confirmed.Load()-moved, 0, err)
		page.share.Release()
		next := held{}
		if page.Next != "" {
			next = <-ahead
		}
		if err != nil {
			next.share.Release()
			return err
		}
		if page.Next == "" {
			return nil
		}
		if errors.Is(next.err, store.ErrNoRoom) {
			next = e.readPage(ctx, key, page.Next, true)
		}
		if next.err != nil {
			return next.err
		}
		page = next
		announce(job, page.Collection)
		if err := e.Ledger.Save(ctx, job); err != nil {
			takeBack(job)
			page.share.Release()
			return err
		}
	}
}
