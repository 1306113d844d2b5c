package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
)

// Erasable is a contact to delete: its copy under Own is what was read. It is filed under
// all of Copies, of which Own is the first, and under all that Seen and Others name, as
// far as a key can name them (CanFile).
type Erasable struct {
	Contact   string
	Own       string
	Copies    []string
	Seen      Stored   // parties as it is stored under Own
	Others    []Stored // what its copies under others of Copies have there, where that is not the same
	CopyBytes int64    // about how many bytes a copy takes in the table, 0 when that is not known

	unreadable map[string]peer // copies under other numbers, see readPeer
}

// filed is the contact with all of its Copies by name. Only what goes into the next
// transactions is held like that.
func (e Erasable) filed(tenant string) Erasable {
	known := make(map[string]bool, len(e.Copies))
	for _, number := range e.Copies {
		known[number] = true
	}
	e.Copies = slices.Clone(e.Copies)
	for _, stored := range append([]Stored{e.Seen}, e.Others...) {
		numbers, _ := stored.Parties()
		for _, number := range numbers {
			if !known[number] && CanFile(tenant, number) {
				known[number], e.Copies = true, append(e.Copies, number)
			}
		}
	}
	e.Others = nil
	return e
}

// size is what its parties take as they are stored, at most what Streams.named has room
// for at all.
func (e Erasable) size() int64 {
	n := len(e.Seen)
	for _, other := range e.Others {
		n += len(other)
	}
	return int64(min(n, namedAtMost))
}

// units are the write units that one of its copies takes in a transaction.
func (e Erasable) units() int64 { return 2 * max(1, (e.CopyBytes+1023)/1024) }

const (
	// transactionSize is TransactWriteItems' limit of actions.
	transactionSize = 100
	// transactionUnits is what one transaction may take of one partition at first: half
	// of what that gives in a second.
	transactionUnits = 500
	// transactionBytes is what the items of one transaction may be together at first:
	// less than DynamoDB's 4 MB, because sizes are estimates. Whether deleted items count
	// is written nowhere.
	transactionBytes = 3 << 20
)

// ErrNotTaken says that DynamoDB does not take the deletion of a contact even by itself.
// The others of the same call are done.
var ErrNotTaken = errors.New("contacts: the deletion of one is refused")

// Erase deletes contacts within the job's tenant over at most streams calls at a time:
// each with all its copies at once, on condition that its parties are still as they were
// read, and that each other copy is still one of a contact with Own, or one whose own
// parties nobody can read (readPeer). A batch would cost half as much, but knows no
// conditions: a contact that is filed again in between would keep a copy under a party
// where no later reading finds it. It returns how many were refused because they have
// changed since, and whether copies of others were kept because they belong to contacts
// filed anew; then they must be read again. After an error any may be done.
//
// What DynamoDB does not take at once, because it is too large or because a partition
// refuses it again and again, goes in halves (portion), down to one contact, and then
// copy by copy with Own's last, as the copies do that one transaction cannot hold.
func (c Contacts) Erase(ctx context.Context, job *Job, contacts []Erasable, streams int) (refused int, kept bool, err error) {
	var total atomic.Int64
	var anyKept atomic.Bool
	bite := newBite()
	var group errgroup.Group // a transaction that fails ends none of the others
	group.SetLimit(streams)
	for len(contacts) > 0 {
		var some []Erasable
		named := int64(0)
		for actions, units, bytes := 0, int64(0), int64(0); len(contacts) > 0; contacts = contacts[1:] {
			n := contacts[0].size()
			if !c.Limiter.name(ctx, n, len(some) == 0) {
				break
			}
			named += n
			next := contacts[0].filed(job.Scope)
			actions, units, bytes = actions+len(next.Copies), units+next.units(), bytes+next.CopyBytes*int64(len(next.Copies))
			if len(some) > 0 && (actions > transactionSize || units > transactionUnits || bytes > transactionBytes) {
				break
			}
			some = append(some, next)
		}
		if len(some) == 0 { // ctx has ended
			return int(total.Load()), anyKept.Load(), cmp.Or(group.Wait(), failed("contacts: erase", ctx.Err()))
		}
		group.Go(func() (err error) {
			defer c.Limiter.unname(named)
			defer invocation.Recover("contacts: erase", &err)
			refused, kept, err := c.eraseTogether(ctx, job, some, bite.portion())
			total.Add(int64(refused))
			if kept {
				anyKept.Store(true)
			}
			return err
		})
	}
	err = group.Wait()
	return int(total.Load()), anyKept.Load(), err
}

// copyOf is one copy of one of the contacts of a transaction.
type copyOf struct {
	contact int
	number  string
}

// together are the copies of the first of contacts that one transaction of at most this
// many actions takes, and how many contacts are done with it. Of one that does not fit it
// takes a part of the others' copies, and done is 0.
func together(contacts []Erasable, most int) (of []copyOf, done int) {
	first := contacts[0]
	if first.CopyBytes > 0 {
		most = min(most, max(1, int(transactionBytes/first.CopyBytes)))
	}
	if n := len(first.Copies); n > most {
		for _, number := range first.Copies[n-most:] {
			of = append(of, copyOf{0, number})
		}
		return of, 0
	}
	for done < len(contacts) && len(of)+len(contacts[done].Copies) <= most {
		for _, number := range contacts[done].Copies {
			of = append(of, copyOf{done, number})
		}
		done++
	}
	return of, done
}

// eraseTogether deletes contacts in one transaction, or as few as DynamoDB takes them in.
// Those that have changed are left out and the others tried again; a conflict with
// somebody else's write is waited out.
func (c Contacts) eraseTogether(ctx context.Context, job *Job, contacts []Erasable, most *portion) (refused int, kept bool, err error) {
	const call = "contacts: erase"
	sure, asking := true, false // sure: that what is left was not deleted
	var first error             // of a contact that is not taken by itself
	defer func() {
		if asking || !sure && err != nil { // asking: a panic
			job.OutcomeUnknown.Store(true)
		}
	}()
	for idle := 0; len(contacts) > 0; {
		of, done := together(contacts, most.actions())
		asking = true
		answered, err := c.transact(ctx, job, contacts, of)
		asking, sure = false, sure && answered
		if err == nil {
			most.taken(len(of))
			job.Confirmed.Add(int64(done))
			if idle = 0; done == 0 {
				job.partly.Store(true)
				contacts[0].Copies = contacts[0].Copies[:len(contacts[0].Copies)-len(of)]
			}
			contacts = contacts[done:]
			continue
		}
		changed, others, again, err := c.changes(ctx, job.Scope, contacts, of, err)
		if !sure && len(changed) > 0 { // perhaps deleted before it was filed anew
			job.Undercounted.Store(true)
		}
		if kept = kept || others; again {
			refused, idle = refused+len(changed), 0
			var rest []Erasable
			for i, contact := range contacts {
				if !changed[i] {
					rest = append(rest, contact)
				}
			}
			contacts = rest
			continue
		}
		busy, invalid := tooMuch(err)
		if invalid && len(of) > 1 && !ended(ctx) {
			most.invalid(len(of))
			continue
		}
		err = transacted(call, err)
		if invalid && !ended(ctx) { // one action, and not taken: the other contacts go on
			first, contacts, idle = cmp.Or(first, errors.Join(ErrNotTaken, err)), contacts[1:], 0
			continue
		}
		if !retryable(err) || ended(ctx) {
			return refused, kept, cmp.Or(first, err)
		}
		if idle++; idle == maxAttempts {
			return refused, kept, failed(call, err)
		}
		if busy {
			most.throttled(len(of), idle)
		}
		if !Wait(ctx, c.DB, idle, err) {
			return refused, kept, failed(call, ctx.Err())
		}
	}
	return refused, kept, first
}

// transact deletes copies of contacts, all or none. Its errors are the SDK's. answered
// says that it is known of each time that the call was sent what became of it.
func (c Contacts) transact(ctx context.Context, job *Job, contacts []Erasable, of []copyOf) (answered bool, err error) {
	var collections []string // that the actions touch
	touched := make(map[string]bool, len(of))
	for _, copy := range of {
		if !touched[copy.number] {
			touched[copy.number], collections = true, append(collections, copy.number)
		}
	}
	if !c.Limiter.enter(ctx, collections...) {
		return true, ctx.Err()
	}
	defer c.Limiter.leave(collections...) // after a panic, too: the process lives on
	actions := make([]types.TransactWriteItem, len(of))
	for i, copy := range of {
		contact := contacts[copy.contact]
		remove := &types.Delete{TableName: &c.Table, Key: contactKey(job.Scope, copy.number, contact.Contact)}
		switch {
		case copy.number != contact.Own:
			condition, values := contact.peerCondition(copy.number)
			remove.ConditionExpression, remove.ExpressionAttributeValues = &condition, values
		case contact.Seen == nil:
			remove.ConditionExpression = aws.String("attribute_not_exists(parties)")
		default:
			remove.ConditionExpression = aws.String("attribute_not_exists(party) OR parties = :seen")
			remove.ExpressionAttributeValues = object{":seen": contact.Seen.Value()}
		}
		actions[i].Delete = remove
	}
	calls, err := deletion(ctx)
	if err != nil {
		return true, err
	}
	sent := &tries{}
	defer func() { answered = job.answered(!sent.unknown.Load()) }() // after a panic, too
	_, err = c.DB.TransactWriteItems(calls, &dynamodb.TransactWriteItemsInput{TransactItems: actions}, sent.option)
	return false, err
}

// changes reads out of a refusal which contacts have changed since they were read, and
// looks at those copies of others that do not name Own (readPeer). What is none of ours any
// more, because the contact was filed anew without Own, it takes out of contacts; others
// says that there were any. again says that there is something else to try now. The error
// is that of the transaction, or of a look.
func (c Contacts) changes(ctx context.Context, tenant string, contacts []Erasable, of []copyOf, refusal error) (
	changed map[int]bool, others, again bool, err error,
) {
	e, ok := errors.AsType[*types.TransactionCanceledException](refusal)
	if !ok {
		return nil, false, false, refusal
	}
	changed = make(map[int]bool)
	for i, reason := range e.CancellationReasons {
		if aws.ToString(reason.Code) != "ConditionalCheckFailed" || i >= len(of) {
			continue
		}
		again = true
		contact := &contacts[of[i].contact]
		if of[i].number == contact.Own {
			changed[of[i].contact] = true
			continue
		}
		ours, err := c.readPeer(ctx, tenant, contact, of[i].number)
		if err != nil {
			return nil, others, false, err
		}
		if !ours {
			contact.Copies = slices.DeleteFunc(slices.Clone(contact.Copies), func(n string) bool { return n == of[i].number })
			others = true
		}
	}
	return changed, others, again, refusal
}

// tooMuch says whether fewer actions at once may be taken: because a partition is busy,
// or because these are invalid together. DynamoDB has no code for a transaction that is
// too large.
func tooMuch(err error) (busy, invalid bool) {
	var codes []string
	if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, reason := range e.CancellationReasons {
			codes = append(codes, aws.ToString(reason.Code))
		}
	} else if api, ok := errors.AsType[smithy.APIError](err); ok {
		codes = []string{api.ErrorCode()}
	}
	for _, code := range codes {
		switch code {
		case "ThrottlingError", "ThrottlingException", "ProvisionedThroughputExceeded", "ProvisionedThroughputExceededException",
			"RequestLimitExceeded":
			busy = true
		case "ValidationError", "ValidationException":
			invalid = true
		}
	}
	return busy, invalid
}
