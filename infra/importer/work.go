package importer

import (
	"context"
	"slices"
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
	if err := l.writeAll(ctx, together{l.Tables.Users, maxUsers, l.userActions, nil}, users); err != nil {
		return err
	}
	err := l.writeAll(ctx, together{l.Tables.Customers, maxActions, l.customerActions, l.leaveErased}, customers)
	if err != nil {
		return err
	}
	return l.writeAll(ctx, together{l.Tables.Contacts, maxActions, l.contactActions, l.refile}, contacts)
}
