package store

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// copyOf is one copy of one of the contacts of a transaction.
type copyOf struct {
	contact int // index
	number  string
}

// nextCopies are the copies that go in one transaction of at most so many actions: those
// of the first of the contacts, which are then whole. Of a contact that has more copies
// it takes the last; then whole is 0, and the copy under Own, the first, stays for the
// end.
func nextCopies(contacts []Erasable, atMost int) (copies []copyOf, whole int) {
	first := contacts[0]
	if first.CopyBytes > 0 {
		atMost = min(atMost, max(1, int(transactionBytes/first.CopyBytes)))
	}
	if n := len(first.Copies); n > atMost {
		for _, number := range first.Copies[n-atMost:] {
			copies = append(copies, copyOf{0, number})
		}
		return copies, 0
	}
	for whole < len(contacts) && len(copies)+len(contacts[whole].Copies) <= atMost {
		for _, number := range contacts[whole].Copies {
			copies = append(copies, copyOf{whole, number})
		}
		whole++
	}
	return copies, whole
}

// transact deletes copies of contacts, all or none. Its errors are the SDK's. answered
// says that every time the call was sent, its outcome became known.
func (c Contacts) transact(ctx context.Context, job *Job, contacts []Erasable, copies []copyOf) (
	answered bool, err error,
) {
	var collections []string // the item collections that the actions touch
	touched := make(map[string]bool, len(copies))
	for _, copy := range copies {
		if !touched[copy.number] {
			touched[copy.number], collections = true, append(collections, copy.number)
		}
	}
	if !c.Limiter.enter(ctx, collections...) {
		return true, ctx.Err()
	}
	defer c.Limiter.leave(collections...) // after a panic, too: the process lives on
	actions := make([]types.TransactWriteItem, len(copies))
	for i, copy := range copies {
		contact := contacts[copy.contact]
		remove := &types.Delete{TableName: &c.Table, Key: contactKey(job.Scope, copy.number, contact.Contact)}
		switch {
		case copy.number != contact.Own:
			condition, values := contact.peerCondition(copy.number)
			remove.ConditionExpression, remove.ExpressionAttributeValues = &condition, values
		case contact.Seen == nil:
			remove.ConditionExpression = aws.String("attribute_not_exists(parties) AND " + unmarked)
		default:
			remove.ConditionExpression = aws.String("(attribute_not_exists(party) OR parties = :seen) AND " + unmarked)
			remove.ExpressionAttributeValues = object{":seen": contact.Seen.Value()}
		}
		actions[i].Delete = remove
	}
	calls, err := deletion(ctx)
	if err != nil {
		return true, err
	}
	sent := &tries{}
	defer func() { answered = job.answered(sent) }() // after a panic, too
	_, err = c.DB.TransactWriteItems(calls, &dynamodb.TransactWriteItemsInput{TransactItems: actions}, sent.option)
	return false, err
}

// readConflicts finds out why a transaction was cancelled. It reads the copies under
// other numbers that do not name Own (readPeer), and takes off the list in contacts those
// that belong to a contact filed again without Own.
//
//   - changed: contacts, by index, whose own copy is not as it was read, or of which a
//     hold keeps a copy.
//   - kept: those of these copies that stand under other numbers.
//   - others: copies of other contacts were taken off the list.
//   - again: a new try differs from this one.
//   - err: the error of the transaction, or of reading a copy.
func (c Contacts) readConflicts(
	ctx context.Context, tenant string, contacts []Erasable, copies []copyOf, cancelled error,
) (changed map[int]bool, kept []KeptCopy, others, again bool, err error) {
	e, ok := errors.AsType[*types.TransactionCanceledException](cancelled)
	if !ok {
		return nil, nil, false, false, cancelled
	}
	changed = make(map[int]bool)
	for i, reason := range e.CancellationReasons {
		if aws.ToString(reason.Code) != "ConditionalCheckFailed" || i >= len(copies) {
			continue
		}
		again = true
		number, contact := copies[i].number, &contacts[copies[i].contact]
		if number == contact.Own {
			changed[copies[i].contact] = true
			continue
		}
		ours, marks, err := c.readPeer(ctx, tenant, contact, number)
		if err != nil {
			return nil, kept, others, false, err
		}
		if marks != nil {
			changed[copies[i].contact] = true
			kept = append(kept, KeptCopy{Contact: contact.Contact, Number: number, Marks: *marks})
			continue
		}
		if !ours {
			contact.Copies = slices.DeleteFunc(slices.Clone(contact.Copies), func(n string) bool { return n == number })
			others = true
		}
	}
	return changed, kept, others, again, cancelled
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
		case "ThrottlingError", "ThrottlingException", "RequestLimitExceeded",
			"ProvisionedThroughputExceeded", "ProvisionedThroughputExceededException":
			busy = true
		case "ValidationError", "ValidationException":
			invalid = true
		}
	}
	return busy, invalid
}
