package erasure

import (
	"context"
	"errors"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

// customerCalls is how many batch calls run at once on one customer. Two saturate a
// DynamoDB partition; more would only be throttled.
const customerCalls = 2

// heldPage is a page of a customer's collection with its share of the process's memory,
// or the error that there is instead.
type heldPage struct {
	store.Collection
	share *store.Share // whoever has the page releases it
	err   error
}

// readPage reads the page that follows the record after, the first page where that is
// "". When there is no memory for it, err is store.ErrNoRoom. With wait, which is for a
// caller who holds no other page, it waits for memory instead.
func (e eraser) readPage(ctx context.Context, key, after string, wait bool) (page heldPage) {
	page.share = e.memory.Share()
	defer func() {
		if page.err != nil {
			page.share.Release()
		}
	}()
	defer invocation.Recover("erasure: read", &page.err)
	page.Collection, page.err = e.customers.Read(page.share.On(ctx), key, after)
	for wait && errors.Is(page.err, store.ErrNoRoom) {
		page.share.Release()
		if page.err = page.share.Wait(ctx); page.err == nil {
			page.Collection, page.err = e.customers.Read(page.share.On(ctx), key, after)
		}
	}
	return page
}

// drainCustomer deletes the collection of the job's customer page by page. It returns nil
// when a reading from the start finds nothing but the tombstone.
func (e eraser) drainCustomer(ctx context.Context, job *store.Job) error {
	key := store.CustomerKey(job.Scope, job.Identifiers[0])
	for {
		done, err := e.drainOnce(ctx, job, key)
		if done || err != nil {
			return err
		}
	}
}

// drainFrom is drainCustomer for a caller who has read the first page, and announced it.
func (e eraser) drainFrom(ctx context.Context, job *store.Job, first store.Collection) error {
	key := store.CustomerKey(job.Scope, job.Identifiers[0])
	if err := e.deletePages(ctx, job, key, heldPage{Collection: first}); err != nil {
		return err
	}
	return e.drainCustomer(ctx, job)
}

// drainOnce reads from the start and deletes what it finds. It is done when it finds
// nothing.
func (e eraser) drainOnce(
	ctx context.Context, job *store.Job, key string,
) (done bool, err error) {
	job.PassStarted = e.clock.now()
	page := e.readPage(ctx, key, "", true)
	if page.err != nil {
		return false, page.err
	}
	defer page.share.Release()
	if err := e.countEarlier(ctx, job, key, page.Collection); err != nil {
		return false, err
	}
	raced := false // then it must be read again: a conflict puts no tombstone back
	// A late writer without conditions wrote over the tombstone: a customer, or another
	// tombstone, from a backup say.
	if page.Exists || page.Tombstone != "" && page.Tombstone != job.Key {
		err := e.ledger.Entomb(ctx, e.customers, key, page.Collection, job.Key, e.clock.now())
		switch {
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
	if err := e.ledger.Save(ctx, job); err != nil {
		takeBack(job)
		return false, err
	}
	return false, e.deletePages(ctx, job, key, page)
}

// countEarlier compares the range that the last worker announced with what stands there
// now: what is missing counts as deleted. Then it announces first, the page at the start.
// What stands in the range may fill several pages, so it may read several times.
func (e eraser) countEarlier(
	ctx context.Context, job *store.Job, key string, first store.Collection,
) error {
	if job.Pending.Count > 0 {
		remaining, through := int64(0), ""
		if len(job.Pending.Through) > 0 {
			through = job.Pending.Through[0]
		}
		for page := first; ; {
			for _, record := range page.Records {
				if record <= through {
					remaining++
				}
			}
			if page.Next == "" || page.Next >= through {
				break
			}
			var err error
			if page, err = e.customers.Read(ctx, key, page.Next); err != nil {
				return err
			}
		}
		inherit(job, remaining) // these are announced again, below and with the pages behind
	}
	announce(job, first)
	return nil
}

// deletePages deletes an announced page and those behind it. It reads the next page while
// one is being deleted, where there is memory for both.
func (e eraser) deletePages(
	ctx context.Context, job *store.Job, key string, page heldPage,
) error {
	for {
		ahead := make(chan heldPage, 1)
		if next := page.Next; next != "" {
			go func() { ahead <- e.readPage(ctx, key, next, false) }()
		}
		before := job.Confirmed.Load()
		err := e.customers.Delete(ctx, job, page.Records, customerCalls)
		e.count(job, job.Confirmed.Load()-before, 0, err)
		page.share.Release()
		next := heldPage{}
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
		if err := e.ledger.Save(ctx, job); err != nil {
			takeBack(job)
			page.share.Release()
			return err
		}
	}
}
