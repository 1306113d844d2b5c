package erasure

import (
	"context"

	"customercare/shared/store"
)

// Ahead is a reading of a customer that goes on while something else decides whether
// the erasure may be asked for. It changes nothing. Nobody waits for it but an erasure
// that is asked for with it, and nobody else learns what it has found or whether it has
// failed: no line in a log, no metric, and no try that another call would lack.
//
// It reads store.FewItems items and one more at most, and no more than DynamoDB's page of
// 1 MB, so that what it does beside the decision is little for every customer. Of a
// larger customer, and where it has failed, the erasure reads anew.
type Ahead struct {
	customer string
	page     store.Collection
	ok       bool
	done     chan struct{} // closed when page and ok are there
	end      context.CancelFunc
}

// ReadAhead begins to read the customer who has code in account. The caller calls Drop
// when it is over, whether or not it was used.
func (i CustomerIntake) ReadAhead(ctx context.Context, account, code string) *Ahead {
	ctx, end := context.WithCancel(ctx)
	a := &Ahead{customer: store.CustomerKey(account, code), done: make(chan struct{}), end: end}
	go func() {
		defer close(a.done)
		// The erasure reads again, and says then what is wrong.
		defer func() { a.ok = recover() == nil && a.ok }()
		a.page, a.ok = i.customers.ReadFew(ctx, a.customer)
	}()
	return a
}

// Drop ends the reading, and does not wait for it. It is no error that there is none.
func (a *Ahead) Drop() {
	if a != nil {
		a.end()
	}
}

// wait waits for the reading of this customer. ok is false where there is none to be
// used.
func (a *Ahead) wait(ctx context.Context, customer string) (page store.Collection, ok bool) {
	if a == nil || a.customer != customer {
		return page, false
	}
	select {
	case <-a.done:
		return a.page, a.ok
	case <-ctx.Done():
		return page, false
	}
}

// readFirst is the customer's first page: what was read ahead in the first try, if that
// can be used.
func (i CustomerIntake) readFirst(
	ctx context.Context, customer string, try int, ahead *Ahead,
) (store.Collection, error) {
	if try == 0 {
		if page, ok := ahead.wait(ctx, customer); ok {
			return page, nil
		}
	}
	return i.customers.Read(ctx, customer, "")
}
