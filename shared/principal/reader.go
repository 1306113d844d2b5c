package principal

import (
	"context"
	"time"

	"customercare/shared/operation"
	"customercare/shared/store"
)

// Reader is who asks what became of erasures.
type Reader struct {
	Kind       string   // operation.Operator, APIUser or App
	Name       string   // of the principal
	Operations []string // of an operator
	Accounts   []string // of an API user
	TenantID   string   // of an app
}

// Reader says who has this name and secret: an operator with the password, or an API user
// with the key. There may be one of each with the same name, and the secret decides. Only
// those are let in who may still delete customers, or are operators, whose Operations say
// what they may ask. ErrNotLetIn, *Locked.
//
// Who has no right secret learns nothing of either: what is read, how long it takes and
// what is counted is the same whoever stands there. A wrong secret is one guess. It is
// counted for the operator of the name, because to look at it takes the slow hash of a
// password in any case; and the locks of both keep everybody out, the right secret too.
// So an attempt here helps nobody past a lock that stands elsewhere.
func (d Directory) Reader(ctx context.Context, source, name, secret string) (Reader, error) {
	if name == "" || len(name) > store.MaxName || len(secret) > maxSecret {
		return Reader{}, ErrNotLetIn
	}
	address := network(source)
	both, err := d.Principals.FindBoth(ctx, name, address)
	if err != nil {
		return Reader{}, err
	}
	a := attempt{Directory: d, seen: both.OperatorFailures, now: d.Now(), slow: true}
	var found Reader
	looked := func() (v verdict) {
		found, v = look(both, name, secret, a.now)
		return v
	}
	if address == "" {
		if !looked().in {
			return Reader{}, ErrNotLetIn
		}
		return found, nil
	}
	if seen := both.APIUserFailures; d.Guard.closed(seen, a.now) {
		return Reader{}, &Locked{d.Guard.locked(seen, false, a.now)}
	}
	if err := a.locksThenCheck(ctx, looked); err != nil {
		return Reader{}, err
	}
	return found, nil
}

// look finds whose the secret is. The slow hash is made of every secret that is not the
// API user's.
func look(both store.Both, name, secret string, now time.Time) (Reader, verdict) {
	var user, operator store.Principal
	if both.APIUser != nil {
		user = *both.APIUser
	}
	if both.Operator != nil {
		operator = *both.Operator
	}
	same, _ := sameSecret(secret, user.Hashes)
	if same && usable(user, now) && allows(user, operation.DeleteCustomer.Name) {
		return Reader{Kind: operation.APIUser, Name: name, Accounts: user.Accounts}, verdict{in: true}
	}
	same, work := samePassword(secret, operator.Hashes)
	if !same || !usable(operator, now) {
		return Reader{}, verdict{work: work}
	}
	found := Reader{Kind: operation.Operator, Name: name, Operations: operator.Operations}
	if found.Operations == nil {
		found.Operations = operators
	}
	return found, verdict{in: true}
}
