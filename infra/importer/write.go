package importer

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// work writes the records of one queue until it is closed. It takes all that is waiting
// together, and never waits for more.
func (l *loader) work(ctx context.Context, queue <-chan *record) error {
	for first := range queue {
		batch := []*record{first}
		for len(queue) > 0 && len(batch) < queued { // nobody else takes from this queue
			batch = append(batch, <-queue)
		}
		if err := l.write(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// write writes records of any kinds. Kinds of different tables share no key, so their
// order does not matter.
func (l *loader) write(ctx context.Context, batch []*record) error {
	var users, customers, contacts []*record
	for _, r := range batch {
		switch r.kind {
		case user:
			users = append(users, r)
		case customer, transaction:
			customers = append(customers, r)
		case contactKind:
			contacts = append(contacts, r)
		default:
			if err := l.writePrincipal(ctx, r); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(customers, byCustomer)
	if err := l.writeAll(ctx, together{l.Tables.Users, maxUsers, l.userActions, l.leaveReset}, users); err != nil {
		return err
	}
	err := l.writeAll(ctx, together{l.Tables.Customers, maxActions, l.customerActions, l.leaveErased}, customers)
	if err != nil {
		return err
	}
	return l.writeAll(ctx, together{l.Tables.Contacts, maxActions, l.contactActions, l.refile}, contacts)
}

// Limits of one transaction. DynamoDB takes 4 MB. What is kept back is for keys that are
// only checked.
const (
	maxActions     = 100
	maxTransaction = 4<<20 - 256<<10
)

// action is one write or check of a transaction, with the records that cannot be written
// when it is refused.
type action struct {
	write   types.TransactWriteItem
	records []*record
}

// transact writes all actions or none. Its errors are those of persist.
func (l *loader) transact(ctx context.Context, table string, actions []action) error {
	return l.persist(ctx, table, func() error {
		// A fresh input for each call: the SDK leaves its idempotency token in it, and
		// with the same token DynamoDB would repeat a refusal that has passed.
		in := &dynamodb.TransactWriteItemsInput{TransactItems: make([]types.TransactWriteItem, len(actions))}
		for i, a := range actions {
			in.TransactItems[i] = a.write
		}
		_, err := l.Client.TransactWriteItems(ctx, in)
		return err
	})
}

// together is how records of one table are written in transactions.
type together struct {
	table   string
	most    int // actions that one transaction has
	actions func([]*record) []action
	// refused finishes a record whose condition failed.
	refused func(context.Context, *record) error
}

// fit is how many of the first records one transaction takes. It ends before a key that
// it has already: the later line is written later.
func (w together) fit(records []*record) int {
	keys, customers, actions, bytes := map[string]bool{}, map[string]bool{}, 0, 0
	for i, r := range records {
		actions += r.actions(customers)
		bytes += r.size
		if keys[r.key] || i > 0 && (actions > w.most || bytes > maxTransaction) {
			return i
		}
		keys[r.key] = true
	}
	return len(records)
}

// actions is how many actions more a transaction takes with the record. The caller gives
// the customers that the transaction has so far; the record's is added.
func (r *record) actions(customers map[string]bool) int {
	first := r.customer != "" && !customers[r.customer]
	if first {
		customers[r.customer] = true
	}
	switch {
	case r.kind == contactKind:
		return len(r.parties)
	case r.kind == transaction && first:
		return 2 // its put, and the check of its customer
	case r.kind == customer && !first:
		return 0 // its put takes the place of the check
	default:
		return 1
	}
}

// writeAll writes records in order, in as few transactions as take them.
func (l *loader) writeAll(ctx context.Context, w together, records []*record) error {
	for len(records) > 0 {
		n := w.fit(records)
		if err := l.writeTogether(ctx, w, records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// writeTogether writes records, no two of one key, in one transaction, and finishes them.
// A record that DynamoDB refuses is left out, and the others are written without it.
func (l *loader) writeTogether(ctx context.Context, w together, records []*record) error {
	for len(records) > 0 {
		actions := w.actions(records)
		err := l.transact(ctx, w.table, actions)
		cancelled, isCancelled := errors.AsType[*types.TransactionCanceledException](err)
		switch {
		case err == nil, errors.Is(err, errInvalid) && len(records) == 1:
			for _, r := range records {
				l.finish(r, err)
			}
			return nil
		case errors.Is(err, errInvalid): // DynamoDB does not say which one: look for it in halves
			half := len(records) / 2
			if err := l.writeTogether(ctx, w, records[:half]); err != nil {
				return err
			}
			records = records[half:]
			continue
		case !isCancelled:
			return err
		}
		codes := map[*record]string{} // the first reason that keeps each record out
		for i, reason := range cancelled.CancellationReasons {
			for _, r := range actions[i].records {
				if stays(reason) && codes[r] == "" {
					codes[r] = aws.ToString(reason.Code)
				}
			}
		}
		var rest []*record
		for _, r := range records {
			switch codes[r] {
			case "":
				rest = append(rest, r)
			case conditionFailed:
				if err := w.refused(ctx, r); err != nil {
					return err
				}
			default:
				l.finish(r, errInvalid)
			}
		}
		records = rest
	}
	return nil
}
