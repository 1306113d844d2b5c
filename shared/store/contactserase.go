package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
)

// Erasable is a contact to delete with all its copies. Own is the number under which the
// caller has read it. Copies are the numbers under which a copy may stand, Own the first;
// all numbers in Seen and Others that canFile are added to them.
type Erasable struct {
	Contact   string
	Own       string
	Copies    []string
	Seen      Stored   // parties of the copy under Own
	Others    []Stored // parties of other copies that were read, where they are not the same
	CopyBytes int64    // about how many bytes a copy takes in the table, 0 when that is not known

	unreadable map[string]unreadableParties // of copies under other numbers, see readPeer
}

// filed is the contact with all of its Copies in the list. These are many texts, so only
// the contacts of the next transactions are held like that.
func (e Erasable) filed(tenant string) Erasable {
	known := make(map[string]bool, len(e.Copies))
	for _, number := range e.Copies {
		known[number] = true
	}
	e.Copies = slices.Clone(e.Copies)
	for _, stored := range append([]Stored{e.Seen}, e.Others...) {
		numbers, _ := stored.Parties()
		for _, number := range numbers {
			if !known[number] && canFile(tenant, number) {
				known[number], e.Copies = true, append(e.Copies, number)
			}
		}
	}
	e.Others = nil
	return e
}

// Numbers are all numbers under which the deletion of the contact looks for copies.
func (e Erasable) Numbers(tenant string) []string { return e.filed(tenant).Copies }

// partiesBytes is what its parties take as they are stored, or all that
// Limiter.holdParties has, if that is less.
func (e Erasable) partiesBytes() int64 {
	n := len(e.Seen)
	for _, other := range e.Others {
		n += len(other)
	}
	return int64(min(n, maxPartiesBytes))
}

// units are the write units that one of its copies takes in a transaction.
func (e Erasable) units() int64 { return 2 * max(1, (e.CopyBytes+1023)/1024) }

const (
	// transactionSize is how many actions TransactWriteItems takes.
	transactionSize = 100
	// transactionUnits is what one transaction may take of one partition at first: half
	// of what a partition gives in a second.
	transactionUnits = 500
	// transactionBytes is what the items of one transaction may take together at first.
	// It is less than DynamoDB's 4 MB because the sizes are estimates. DynamoDB's manual
	// does not say whether deleted items count.
	transactionBytes = 3 << 20
)

// ErrNotTaken says that DynamoDB does not take the deletion of a contact even by itself.
// The others of the same call are done.
var ErrNotTaken = errors.New("contacts: the deletion of one is not taken")

// Erase deletes contacts of the job's tenant, over at most so many calls in parallel.
// Each contact goes with all its copies at once, on two conditions: its parties are still
// as the caller read them, and each other copy is still one of a contact with Own, or one
// whose parties nobody can read (readPeer). A batch would cost half as much, but has no
// conditions: a contact that is filed again in between would keep a copy under a number
// where no later reading finds it.
//
// No copy goes that a hold keeps, and with it none of its contact. What is left the
// caller reads again. After an error any of the contacts may be gone.
//
// What DynamoDB does not take at once, because it is too large or because a partition
// throttles it again and again, goes in halves (groupSize), down to one contact. A
// contact that no single transaction takes goes copy by copy, the one under Own last.
func (c Contacts) Erase(ctx context.Context, job *Job, contacts []Erasable, parallel int) (left Left, err error) {
	var mu sync.Mutex
	sizes := newTransactionSizes()
	var calls errgroup.Group // a transaction that fails ends none of the others
	calls.SetLimit(parallel)
	for len(contacts) > 0 {
		group, held := c.nextGroup(ctx, job.Scope, contacts)
		if len(group) == 0 { // ctx has ended
			err := calls.Wait()
			return left, cmp.Or(err, failed("contacts: erase", ctx.Err()))
		}
		contacts = contacts[len(group):]
		calls.Go(func() (err error) {
			defer c.Limiter.releaseParties(held)
			defer invocation.Recover("contacts: erase", &err)
			of, err := c.eraseGroup(ctx, job, group, sizes.group())
			mu.Lock()
			defer mu.Unlock()
			left.add(of)
			return err
		})
	}
	err = calls.Wait()
	return left, err
}

// Left is what Erase has left.
type Left struct {
	Skipped int        // contacts that have changed since they were read, or are kept
	Others  bool       // copies under other numbers that belong to contacts filed again
	Kept    []KeptCopy // copies under other numbers that holds keep
}

func (l *Left) add(other Left) {
	l.Skipped += other.Skipped
	l.Others = l.Others || other.Others
	l.Kept = append(l.Kept, other.Kept...)
}

// KeptCopy is a copy that holds keep.
type KeptCopy struct {
	Contact, Number string
	Marks           Marks
}

// nextGroup is as many of the first contacts as one transaction is likely to take, with
// all their copies; at least one, unless ctx has ended. The caller gives the held bytes
// of their parties back to the Limiter.
func (c Contacts) nextGroup(ctx context.Context, tenant string, contacts []Erasable) (group []Erasable, held int64) {
	actions, units, bytes := 0, int64(0), int64(0)
	for _, contact := range contacts {
		n := contact.partiesBytes()
		if !c.Limiter.holdParties(ctx, n, len(group) == 0) {
			break
		}
		held += n
		contact = contact.filed(tenant)
		actions += len(contact.Copies)
		units += contact.units()
		bytes += contact.CopyBytes * int64(len(contact.Copies))
		full := actions > transactionSize || units > transactionUnits || bytes > transactionBytes
		if len(group) > 0 && full {
			break
		}
		group = append(group, contact)
	}
	return group, held
}

// eraseGroup deletes contacts in one transaction, or in as few as DynamoDB takes them in.
// It leaves out those that have changed, and waits out a conflict with another writer.
func (c Contacts) eraseGroup(ctx context.Context, job *Job, contacts []Erasable, size *groupSize) (
	left Left, err error,
) {
	const call = "contacts: erase"
	certain, asking := true, false // certain: no contact that is left may have been deleted
	var notTaken error             // of the first contact that is not taken by itself
	defer func() {
		if asking || !certain && err != nil { // asking: a panic
			job.OutcomeUnknown.Store(true)
		}
	}()
	for idle := 0; len(contacts) > 0; { // idle: how many tries in a row did nothing
		copies, whole := nextCopies(contacts, size.actions())
		asking = true
		answered, err := c.transact(ctx, job, contacts, copies)
		asking, certain = false, certain && answered
		if err == nil {
			size.taken(len(copies))
			job.Confirmed.Add(int64(whole))
			if idle = 0; whole == 0 {
				job.partly.Store(true)
				contacts[0].Copies = contacts[0].Copies[:len(contacts[0].Copies)-len(copies)]
			}
			contacts = contacts[whole:]
			continue
		}
		changed, kept, others, again, err := c.readConflicts(ctx, job.Scope, contacts, copies, err)
		if !certain && len(changed) > 0 { // they were perhaps deleted before they were filed again
			job.Undercounted.Store(true)
		}
		if left.add(Left{Others: others, Kept: kept}); again {
			left.Skipped, idle = left.Skipped+len(changed), 0
			contacts = without(contacts, changed)
			continue
		}
		busy, invalid := tooMuch(err)
		if invalid && len(copies) > 1 && !ended(ctx) {
			size.invalid(len(copies))
			continue
		}
		err = transacted(call, err)
		if invalid && !ended(ctx) { // one action, and not taken: the other contacts go on
			notTaken, contacts, idle = cmp.Or(notTaken, errors.Join(ErrNotTaken, err)), contacts[1:], 0
			continue
		}
		if !retryable(err) || ended(ctx) {
			return left, cmp.Or(notTaken, err)
		}
		if idle++; idle == maxAttempts {
			return left, failed(call, err)
		}
		if busy {
			size.throttled(len(copies), idle)
		}
		if !Wait(ctx, c.DB, idle, err) {
			return left, failed(call, ctx.Err())
		}
	}
	return left, notTaken
}

// without is the contacts whose index is not in changed.
func without(contacts []Erasable, changed map[int]bool) (rest []Erasable) {
	for i, contact := range contacts {
		if !changed[i] {
			rest = append(rest, contact)
		}
	}
	return rest
}
