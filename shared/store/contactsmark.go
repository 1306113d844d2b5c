package store

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
)

// marksAtOnce is how many contacts are marked at the same time.
const marksAtOnce = 8

// maxMarkTries is how often a contact is marked that changes meanwhile.
const maxMarkTries = 20

// ErrNotMarked says that DynamoDB does not take the mark of a hold on a copy: its item is
// as large as one may be.
var ErrNotMarked = errors.New("contacts: a copy has no room for the mark of a hold")

// Mark marks contacts of number with a hold, each with all its copies: from then on no
// deletion takes one of them. found is what ReadBehind found under the number. A contact
// that has left the number meanwhile is none of the hold's.
//
// The copy under number is marked on condition that its parties are as they were read, in
// the same transaction. Of a contact with more copies than one transaction takes it is
// marked with the first of them, and checked with the others.
func (c Contacts) Mark(ctx context.Context, tenant, number, hold string, found Filed) error {
	return c.eachContact(ctx, tenant, number, found, func(ctx context.Context, contact Erasable) error {
		return c.mark(ctx, tenant, contact, hold)
	})
}

// Unmark takes the mark of a hold away from contacts of number, from all their copies.
func (c Contacts) Unmark(ctx context.Context, tenant, number, hold string, found Filed) error {
	return c.eachContact(ctx, tenant, number, found, func(ctx context.Context, contact Erasable) error {
		for _, number := range contact.Copies {
			if err := c.UnmarkCopy(ctx, tenant, number, contact.Contact, []string{hold}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c Contacts) eachContact(
	ctx context.Context, tenant, number string, found Filed, do func(context.Context, Erasable) error,
) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(marksAtOnce)
	for _, copy := range found.Copies {
		group.Go(func() (err error) {
			defer invocation.Recover("contacts: mark", &err)
			return do(ctx, Erasable{
				Contact: copy.Contact, Own: number, Copies: []string{number}, Seen: copy.Parties,
				CopyBytes: found.CopyBytes,
			}.filed(tenant))
		})
	}
	return group.Wait()
}

// mark marks one contact.
func (c Contacts) mark(ctx context.Context, tenant string, contact Erasable, hold string) error {
	atMost := transactionSize - 1 // besides the copy under Own
	if contact.CopyBytes > 0 {
		atMost = min(atMost, max(1, int(transactionBytes/contact.CopyBytes)))
	}
	peers, first := contact.Copies[1:], true
	for try := 1; first || len(peers) > 0; {
		some := peers[:min(atMost, len(peers))]
		_, err := c.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
			TransactItems: c.marks(tenant, contact, some, hold, first),
		})
		if err == nil {
			peers, first = peers[len(some):], false
			continue
		}
		gone, again := map[string]bool{}, false
		if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
			for i, reason := range e.CancellationReasons {
				refused := aws.ToString(reason.Code) == "ConditionalCheckFailed"
				if refused && i > 0 && i <= len(some) {
					gone[some[i-1]] = true
				}
				again = again || refused && i == 0
			}
		}
		_, invalid := tooMuch(err)
		switch {
		case again: // the copy under Own is another one
			there, err := c.readAgain(ctx, tenant, &contact)
			if err != nil || !there {
				return err
			}
			peers, first = contact.Copies[1:], true
		case len(gone) > 0:
			peers = slices.DeleteFunc(slices.Clone(peers), func(number string) bool { return gone[number] })
			continue
		case invalid && len(some) > 0:
			if atMost = len(some) / 2; atMost == 0 || !first {
				return c.markAlone(ctx, tenant, contact, hold)
			}
			continue
		case invalid:
			return c.markAlone(ctx, tenant, contact, hold)
		case !retryable(transacted("contacts: mark", err)):
			return transacted("contacts: mark", err)
		}
		if try++; try > maxMarkTries || !Wait(ctx, c.DB, try, err) {
			return transacted("contacts: mark", err)
		}
	}
	return nil
}

// marks is the transaction that marks the copies of a contact under Own and under some
// other numbers. Without first the copy under Own was marked before, and is only checked.
func (c Contacts) marks(tenant string, contact Erasable, some []string, hold string, first bool) []types.TransactWriteItem {
	condition, values := aws.String("attribute_exists(party) AND attribute_not_exists(parties)"), object{}
	if contact.Seen != nil {
		condition, values[":seen"] = aws.String("parties = :seen"), contact.Seen.Value()
	}
	own := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &c.Table, Key: contactKey(tenant, contact.Own, contact.Contact),
		ConditionExpression: condition, ExpressionAttributeValues: values,
	}}
	if len(values) == 0 {
		own.ConditionCheck.ExpressionAttributeValues = nil
	}
	if first {
		values[":hold"] = set(hold)
		own = types.TransactWriteItem{Update: &types.Update{
			TableName: &c.Table, Key: contactKey(tenant, contact.Own, contact.Contact),
			ConditionExpression: condition, UpdateExpression: aws.String("ADD held :hold"),
			ExpressionAttributeValues: values,
		}}
	}
	actions := []types.TransactWriteItem{own}
	for _, number := range some {
		actions = append(actions, types.TransactWriteItem{Update: &types.Update{
			TableName: &c.Table, Key: contactKey(tenant, number, contact.Contact),
			ConditionExpression: aws.String("attribute_exists(party)"), UpdateExpression: aws.String("ADD held :hold"),
			ExpressionAttributeValues: object{":hold": set(hold)},
		}})
	}
	return actions
}

// readAgain reads the contact's copy under Own, and what other copies it names. there is
// false when it has left the number.
func (c Contacts) readAgain(ctx context.Context, tenant string, contact *Erasable) (there bool, err error) {
	read, err := query(ctx, c.DB, &dynamodb.QueryInput{
		TableName:              &c.Table,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("party = :party AND contact = :contact"),
		ProjectionExpression:   aws.String("parties"),
		ExpressionAttributeValues: object{
			":party": text(PartyKey(tenant, contact.Own)), ":contact": text(contact.Contact),
		},
	})
	if err == nil {
		err = read.each("parties", func(_ object, parties Stored) {
			contact.Seen, contact.Copies, there = parties, []string{contact.Own}, true
		})
	}
	*contact = contact.filed(tenant)
	return there, failed("contacts: read copy", err)
}

// markAlone marks the copies of a contact one by one, that under Own first: DynamoDB does
// not take them together. What a copy cannot take it has already, or it is ErrNotMarked.
func (c Contacts) markAlone(ctx context.Context, tenant string, contact Erasable, hold string) error {
	for _, number := range contact.Copies {
		_, err := c.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &c.Table, Key: contactKey(tenant, number, contact.Contact),
			ConditionExpression: aws.String("attribute_exists(party)"), UpdateExpression: aws.String("ADD held :hold"),
			ExpressionAttributeValues: object{":hold": set(hold)},
		})
		if _, conflict := conditionFailed(err); err == nil || conflict {
			continue
		}
		if _, invalid := tooMuch(err); !invalid {
			return failed("contacts: mark", err)
		}
		_, marks, err := c.readPeer(ctx, tenant, &Erasable{Own: number, Contact: contact.Contact}, number)
		if err != nil {
			return err
		}
		if marks == nil || !marks.Foreign {
			return ErrNotMarked
		}
	}
	return nil
}

// UnmarkCopy takes the marks of holds away from one copy, if it is there.
func (c Contacts) UnmarkCopy(ctx context.Context, tenant, number, contact string, holds []string) error {
	_, err := c.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &c.Table, Key: contactKey(tenant, number, contact),
		ConditionExpression:       aws.String("attribute_exists(party) AND attribute_type(held, :set)"),
		UpdateExpression:          aws.String("DELETE held :holds"),
		ExpressionAttributeValues: object{":holds": set(holds...), ":set": text("SS")},
	})
	if _, conflict := conditionFailed(err); conflict {
		return nil
	}
	return failed("contacts: unmark", err)
}
