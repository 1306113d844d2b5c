package erasure

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

// reading is what was read of the numbers of a window: a consistent page of each, or the
// error that there is instead. Where there was no memory for all pages it is short: then
// it has the pages of the first numbers only, and of the others no more than the sort
// keys that a worker before announced.
type reading struct {
	copies    [][]store.Copy
	through   []string   // by number, the last sort key of a page that was cut, else ""
	copyBytes []int64    // by number, about how many bytes a copy takes in the table
	beyond    [][]string // by number, sort keys of copies announced and not held
	short     bool
	share     *store.Share // of the process's memory; whoever has the reading releases it
	err       error
}

// window is a reading under way. nil is none.
type window struct{ done chan reading }

// readAhead begins to read numbers while another window is held. It reads as far as there
// is memory, and waits for none.
func (w Worker) readAhead(ctx context.Context, tenant string, numbers []string) *window {
	ahead := &window{make(chan reading, 1)}
	go func() {
		r := reading{share: w.memory.Share()}
		defer func() { ahead.done <- r }()
		defer invocation.Recover("erasure: read ahead", &r.err)
		w.readPages(ctx, &r, tenant, numbers, nil, nil)
	}()
	return ahead
}

// wait waits for the reading. Without a window it is an empty one.
func (w *window) wait() reading {
	if w == nil {
		return reading{}
	}
	return <-w.done
}

// readNumbers reads numbers, at least the first one: the caller holds no other window,
// so it may wait for memory. Of what pending announces it reads the sort keys, at least,
// of all numbers. behind is, by number, the sort key behind which it begins.
func (w Worker) readNumbers(
	ctx context.Context, tenant string, numbers []string, pending store.Pending, behind map[string]string,
) reading {
	r := reading{share: w.memory.Share()}
	w.readPages(ctx, &r, tenant, numbers, pending.Through, behind)
	for r.err == nil && len(r.copies) == 0 {
		r.share.Release()
		if r.err = r.share.Wait(ctx); r.err == nil {
			w.readPages(ctx, &r, tenant, numbers[:1], pending.Through, behind)
			r.short = len(numbers) > 1
		}
	}
	if r.err == nil && pending.Count > 0 {
		r.err = w.readKeys(ctx, &r, tenant, numbers, pending.Through)
	}
	if r.err != nil {
		r.share.Release()
	}
	return r
}

// readPages reads a page of each number into r, until there is no memory for another
// one. announced is, by number, the sort key up to which it reads in any case. What it
// has read behind the first page that did not fit, it drops.
func (w Worker) readPages(
	ctx context.Context, r *reading, tenant string, numbers, announced []string, behind map[string]string,
) {
	filed := make([]store.Filed, len(numbers))
	read := make([]bool, len(numbers))
	var full atomic.Bool
	group, ctx := errgroup.WithContext(r.share.On(ctx))
	group.SetLimit(numberReads)
	for i, number := range numbers {
		group.Go(func() (err error) {
			defer invocation.Recover("erasure: read", &err)
			if full.Load() {
				return nil
			}
			through := ""
			if i < len(announced) {
				through = announced[i]
			}
			filed[i], err = w.contacts.Read(ctx, tenant, number, behind[number], through)
			if errors.Is(err, store.ErrNoRoom) {
				full.Store(true)
				return nil
			}
			read[i] = err == nil
			return err
		})
	}
	if r.err = group.Wait(); r.err != nil {
		r.share.Release()
		return
	}
	n := len(numbers)
	if first := slices.Index(read, false); first >= 0 {
		n, r.short = first, true
	}
	for _, f := range filed[n:] {
		r.share.Give(f.PageBytes)
	}
	r.copies, r.copyBytes = make([][]store.Copy, n), make([]int64, n)
	r.through, r.beyond = make([]string, n), make([][]string, n, len(numbers))
	for i, f := range filed[:n] {
		r.copies[i], r.beyond[i], r.copyBytes[i] = f.Copies, f.KeysBeyond, f.CopyBytes
		if (f.More || len(f.KeysBeyond) > 0) && len(f.Copies) > 0 {
			r.through[i] = f.Copies[len(f.Copies)-1].Contact
		}
	}
}

// readKeys adds to r the sort keys that are left of an announced range, of those numbers
// whose pages r does not hold.
func (w Worker) readKeys(
	ctx context.Context, r *reading, tenant string, numbers, announced []string,
) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(numberReads)
	held := len(r.copies)
	r.beyond = append(r.beyond, make([][]string, len(numbers)-held)...)
	for i := held; i < len(numbers); i++ {
		group.Go(func() (err error) {
			defer invocation.Recover("erasure: read keys", &err)
			through := ""
			if i < len(announced) {
				through = announced[i]
			}
			r.beyond[i], _, err = w.contacts.ReadKeys(ctx, tenant, numbers[i], "", through)
			return err
		})
	}
	return group.Wait()
}

// cut says whether there may be more of any number than was read.
func (r reading) cut() bool {
	return slices.ContainsFunc(r.through, func(limit string) bool { return limit != "" })
}

// note writes into the job of which of its numbers something was found: of those of the
// window that have a copy filed, and of all that take part in such a contact. The latter
// because the contacts of a later number may be gone, erased with an earlier one, by the
// time that it is read itself. The caller writes the job down before it deletes anything.
func (r reading) note(job *store.Job) {
	found := func(index int) {
		if job.Outcomes.Of(index) != store.Held {
			job.Outcomes.Set(index, store.Erased)
		}
	}
	for i, copies := range r.copies {
		if len(copies) > 0 {
			found(job.Cursor + i)
		}
		for _, c := range copies {
			parties, _ := c.Parties.Parties()
			for _, party := range parties {
				if at, ours := slices.BinarySearch(job.Identifiers, party); ours {
					found(at)
				}
			}
		}
	}
}

// drop removes contacts that were erased since they were read: they have been counted.
func (r reading) drop(erased map[string]bool) {
	if len(erased) == 0 {
		return
	}
	for i := range r.copies {
		r.copies[i] = slices.DeleteFunc(r.copies[i], func(c store.Copy) bool { return erased[c.Contact] })
	}
}

// contacts is every contact that is held, once each, as store.Contacts.Erase takes it:
// to be deleted with all its copies, under its parties and under each of numbers that
// has it filed.
func (r reading) contacts(numbers []string) []store.Erasable {
	var all []store.Erasable
	index := make(map[string]int) // by sort key, which all copies of a contact share
	for i, number := range numbers {
		for _, c := range r.copies[i] {
			at, known := index[c.Contact]
			if !known {
				index[c.Contact] = len(all)
				all = append(all, store.Erasable{
					Contact: c.Contact, Own: number, Copies: []string{number},
					Seen: c.Parties, CopyBytes: r.copyBytes[i],
				})
				continue
			}
			contact := &all[at]
			contact.Copies = append(contact.Copies, number)
			if !bytes.Equal(contact.Seen, c.Parties) {
				contact.Others = append(contact.Others, c.Parties)
			}
		}
	}
	return all
}

// within counts the contacts that lie in an announced range. A contact does when for any
// of the numbers it lies at or before that number's sort key in through; any contact
// does where that is "".
func (r reading) within(through []string) int64 {
	announced := make(map[string]bool)
	count := func(i int, contact string) {
		if i >= len(through) || through[i] == "" || contact <= through[i] {
			announced[contact] = true
		}
	}
	for i, copies := range r.copies {
		for _, c := range copies {
			count(i, c.Contact)
		}
	}
	for i, keys := range r.beyond {
		for _, key := range keys {
			count(i, key)
		}
	}
	return int64(len(announced))
}
