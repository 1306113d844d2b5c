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

// reading is a consistent page of each number of a window, or why there is none. Where
// there was no memory for all of them it is short: the pages of the first ones, and of
// the others nothing but what a worker before announced.
type reading struct {
	copies  [][]store.Copy
	through []string   // where a page was cut, the last sort key on it
	each    []int64    // about how many bytes a copy takes in the table
	beyond  [][]string // sort keys of copies that are not held, but announced
	short   bool
	share   *store.Share // of the process's memory; its owner releases it
	err     error
}

// window is a reading under way.
type window struct{ done chan reading }

// readAhead begins to read numbers while another window is held: as far as there is
// memory for it, without waiting for any.
func (w Worker) readAhead(ctx context.Context, tenant string, numbers []string) *window {
	ahead := &window{make(chan reading, 1)}
	go func() {
		r := reading{share: w.memory.Share()}
		defer func() { ahead.done <- r }()
		defer invocation.Recover("erasure: read ahead", &r.err)
		w.readPages(ctx, &r, tenant, numbers, nil)
	}()
	return ahead
}

// wait is the reading when it is there, an empty one where there is none.
func (w *window) wait() reading {
	if w == nil {
		return reading{}
	}
	return <-w.done
}

// readNumbers reads at least the first of numbers: with nothing in hand it waits for
// memory. What pending announces is read of all of them, its keys at least.
func (w Worker) readNumbers(ctx context.Context, tenant string, numbers []string, pending store.Pending) reading {
	r := reading{share: w.memory.Share()}
	w.readPages(ctx, &r, tenant, numbers, pending.Through)
	for r.err == nil && len(r.copies) == 0 {
		r.share.Release()
		if r.err = r.share.Wait(ctx); r.err == nil {
			w.readPages(ctx, &r, tenant, numbers[:1], pending.Through)
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

// readPages reads a page of each number, as far as announced in any case, until there is
// no memory for another one. What it has read behind the first that did not fit it lets
// go of.
func (w Worker) readPages(ctx context.Context, r *reading, tenant string, numbers, announced []string) {
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
			filed[i], err = w.contacts.Read(ctx, tenant, number, through)
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
	r.copies, r.beyond = make([][]store.Copy, n), make([][]string, n, len(numbers))
	r.through, r.each = make([]string, n), make([]int64, n)
	for i, f := range filed[:n] {
		r.copies[i], r.beyond[i], r.each[i] = f.Copies, f.KeysBeyond, f.CopyBytes
		if (f.More || len(f.KeysBeyond) > 0) && len(f.Copies) > 0 {
			r.through[i] = f.Copies[len(f.Copies)-1].Contact
		}
	}
}

// readKeys adds what is left of an announced range of those numbers whose pages are not
// held.
func (w Worker) readKeys(ctx context.Context, r *reading, tenant string, numbers, announced []string) error {
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

// cut says whether there may be more of a number than was read.
func (r reading) cut() bool {
	return slices.ContainsFunc(r.through, func(limit string) bool { return limit != "" })
}

// note puts down which of the job's numbers are known: those at the cursor that have a
// copy, and all that take part in their contacts. The contacts of a number behind it may
// be gone, with a number before it, by the time that it is read itself.
func (r reading) note(job *store.Job) {
	for i, copies := range r.copies {
		if len(copies) > 0 {
			job.Known.Add(job.Cursor + i)
		}
		for _, c := range copies {
			parties, _ := c.Parties.Parties()
			for _, party := range parties {
				if at, ours := slices.BinarySearch(job.Identifiers, party); ours {
					job.Known.Add(at)
				}
			}
		}
	}
}

// drop forgets contacts that were erased since they were read: they have been counted.
func (r reading) drop(erased map[string]bool) {
	if len(erased) == 0 {
		return
	}
	for i := range r.copies {
		r.copies[i] = slices.DeleteFunc(r.copies[i], func(c store.Copy) bool { return erased[c.Contact] })
	}
}

// contacts are all that are held, each once, to be deleted with every copy: under its
// parties, and under each of our numbers that has it filed.
func (r reading) contacts(numbers []string) []store.Erasable {
	var all []store.Erasable
	index := make(map[string]int) // by contact key, the same for all copies of one contact
	for i, number := range numbers {
		for _, c := range r.copies[i] {
			at, known := index[c.Contact]
			if !known {
				index[c.Contact] = len(all)
				all = append(all, store.Erasable{
					Contact: c.Contact, Own: number, Copies: []string{number}, Seen: c.Parties, CopyBytes: r.each[i],
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

// within counts the contacts that lie in an announced range: for any of the numbers at or
// before its limit in through, or anywhere where that is "".
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
