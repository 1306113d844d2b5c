// Package principal says who calls: operators by password, API users by key, apps by
// secret, and apps again by the token they were given. It knows nothing of HTTP.
package principal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"customercare/shared/operation"
	"customercare/shared/store"
)

// ErrNotLetIn is every refusal but a lock. Nobody can tell from it what is wrong: an
// unknown name, a wrong secret, a foreign account, an operation that is not allowed, or a
// principal that is disabled or not valid any more.
var ErrNotLetIn = errors.New("principal: not let in")

// ErrNotAllowed is the ErrNotLetIn of a principal whose secret is right, and who may not
// do what was asked for: a foreign account, an operation that is not theirs. It is for
// the audit; no caller may be able to tell it from the other.
var ErrNotAllowed = fmt.Errorf("%w: not allowed", ErrNotLetIn)

// Directory looks principals up by their secrets, each by one round trip.
type Directory struct {
	Principals store.Principals
	Guard      Guard
	Now        func() time.Time
}

// operators are the operations of an operator whose entry lists none.
var operators = operation.Scopes(operation.Operator)

// Operator checks the password of an operator who calls from the address source, and
// gives the operations that the operator may call. ErrNotLetIn, *Locked.
func (d Directory) Operator(ctx context.Context, source, name, password string) (operations []string, err error) {
	if len(password) > maxSecret {
		return nil, ErrNotLetIn
	}
	found, err := d.check(ctx, store.Operator, source, name, "", func(p store.Principal) verdict {
		same, work := samePassword(password, p.Hashes)
		return verdict{same, same, work}
	})
	if err != nil {
		return nil, err
	}
	if found.Operations == nil {
		return operators, nil
	}
	return found.Operations, nil
}

// APIUser checks an API user's key and that the user may delete customers of the account.
// A right key with a foreign account is refused as a wrong key is, and nobody can tell
// one from the other. But it is no guess: the accounts that are the user's stay open, to
// the user and to everybody else at the address. ErrNotLetIn, ErrNotAllowed, *Locked.
func (d Directory) APIUser(ctx context.Context, source, name, key, account string) error {
	_, err := d.check(ctx, store.APIUser, source, name, account, func(p store.Principal) verdict {
		same, work := sameSecret(key, p.Hashes)
		in := same && slices.Contains(p.Accounts, account) && allows(p, operation.DeleteCustomer.Name)
		return verdict{in, same, work}
	})
	return err
}

// App checks an app's secret and gives its tenant. ErrNotLetIn, ErrNotAllowed, *Locked.
func (d Directory) App(ctx context.Context, source, key, secret string) (tenant string, err error) {
	found, err := d.check(ctx, store.App, source, key, "", func(p store.Principal) verdict {
		same, work := sameSecret(secret, p.Hashes)
		in := same && p.TenantID != "" && allows(p, operation.CleanCustomerData.Name)
		return verdict{in, same, work}
	})
	return found.TenantID, err
}

// verdict is what came of looking at a secret.
type verdict struct {
	in    bool   // the principal is let in
	right bool   // the secret is the principal's
	work  string // what was computed of the secret, the same for the same one
}

// check finds a principal that judge lets in and that may still be used. judge has to be
// as slow for a principal who is nobody, the zero Principal. All refusals are counted
// alike for all that a caller can tell, also that of a right secret, so that neither time
// nor a lock tells them apart. account is what is asked for, "" for a kind without.
func (d Directory) check(
	ctx context.Context, kind, source, name, account string, judge func(store.Principal) verdict,
) (store.Principal, error) {
	var nobody store.Principal
	if name == "" || len(name) > store.MaxName {
		return nobody, ErrNotLetIn
	}
	address := network(source)
	found, failures, err := d.Principals.Find(ctx, kind, name, address)
	if err != nil {
		return nobody, err
	}
	p := nobody
	if found != nil {
		p = *found
	}
	a := attempt{Directory: d, seen: failures, now: d.Now(), slow: kind == store.Operator, account: account}
	known := false // the secret is that of a principal who may still be used
	look := func() verdict {
		v := judge(p)
		v.in, known = v.in && usable(p, a.now), v.right && usable(p, a.now)
		return v
	}
	switch {
	case address == "":
		if !look().in {
			err = ErrNotLetIn
		}
	case kind == store.APIUser: // the look costs nothing, and decides whom a lock keeps out
		err = a.checkThenLocks(ctx, look())
	default:
		err = a.locksThenCheck(ctx, look)
	}
	if err == ErrNotLetIn && known {
		err = ErrNotAllowed
	}
	if err != nil {
		return nobody, err
	}
	return p, nil
}

func usable(p store.Principal, now time.Time) bool {
	return !p.Disabled && (p.ValidUntil == nil || now.Before(*p.ValidUntil))
}

func allows(p store.Principal, operation string) bool {
	return p.Operations == nil || slices.Contains(p.Operations, operation)
}
