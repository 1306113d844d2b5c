package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Failures are the failed attempts from one source address: all of them, and those for one principal. They are one item of
// the principals' table, so that a failure is one write. It names the source and the principals by hashes, and its TTL
// removes it.
type Failures struct {
	All, Principal Count
	// Accounts counts the accounts that were asked for, for this principal, with secrets
	// that had already failed: a count of its own, which locks nobody out for a typo.
	Accounts Count
	Others   map[string]Count // those for other principals, by what Failure.Forget names them by

	source, principal string
	salt              []byte   // of the tags, one an item; nil where nothing has failed yet
	secrets, accounts []string // tags of what the last failures were about
}

// Count is how many attempts failed since a time, when the last of them did, and how many locks they have led to.
type Count struct {
	N, Locks    int64
	Since, Last time.Time
}

// Attempt is what failed. Both parts are remembered as tags, see Failures.tag.
type Attempt struct {
	Secret  string // the work that was done on the secret: its hash, slow or not
	Account string // that was asked for, "" where the principal's kind has none
}

// Change is what a failure does to a count.
type Change struct {
	Anew  bool  // begin a count that is over: with this failure
	Locks int64 // how many locks there are from now on; changed only when it differs from what was read
}

// Failure is what one failed attempt does to the counts that were read.
type Failure struct {
	Now, Expires             time.Time // Expires is when the TTL may remove the item
	All, Principal, Accounts Change
	Forget                   []string  // other counts that are over, to be taken away
	Remembered               int       // how many secrets, and how many accounts, are told from new ones
	Reserved                 time.Time // what the attempt was reserved with, see Reserve; else the zero time
	Before                   Count     // the principal's, before it was reserved
}

// FailuresPrefix begins the keys of these items: the functions that count may write no others.
const FailuresPrefix = "failures#"

func failuresKey(source string) string { return FailuresPrefix + brief(source) }

// brief is a hash that fits into a key or an attribute's name. It hides an address from a reader of the table, not from
// whoever tries them all.
func brief(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:12])
}

// ofAccounts names the count of a principal's accounts, as the principal's key names its own.
func ofAccounts(principal string) string { return "accounts#" + principal }

// The attributes of a count; those of a principal have its hash behind the name. The last
// of them are the tags.
var countAttributes = []string{"n", "since", "last", "locks", "attempt", "tags"}

// lastAttempt is the attribute that names the write which counted last, so that it is not counted again.
const lastAttempt = "attempt"

func readFailures(item object, source, principal string) Failures {
	f := Failures{source: source, principal: principal}
	if item == nil {
		return f
	}
	own, accounts := brief(principal), brief(ofAccounts(principal))
	f.All, f.Principal, f.Accounts = item.count(""), item.count(own), item.count(accounts)
	f.secrets, f.accounts = item.texts("tags"+own), item.texts("tags"+accounts)
	if salt, ok := item["salt"].(*types.AttributeValueMemberB); ok {
		f.salt = salt.Value
	}
	for name := range item {
		if of, ok := strings.CutPrefix(name, "last"); ok && of != "" && of != own && of != accounts {
			if f.Others == nil {
				f.Others = map[string]Count{}
			}
			f.Others[of] = item.count(of)
		}
	}
	return f
}

func (o object) count(of string) Count {
	return Count{N: o.number("n" + of), Since: o.millis("since" + of), Last: o.millis("last" + of), Locks: o.number("locks" + of)}
}

// tagBytes is the length of a tag. It is short on purpose: two wrong secrets are hardly
// ever taken for one, and a reader of the table learns 24 bits about a wrong secret, for
// the same work on each try as the right one's hash takes.
const tagBytes = 3

// tag tells whether a secret, or an account, has failed for the principal before. The
// item's salt makes it another one at each address, and one that no caller can foresee:
// else somebody could choose secrets whose tags are alike, and guess without being counted.
func (f Failures) tag(kind, of string) string {
	mac := hmac.New(sha256.New, f.salt)
	mac.Write([]byte(kind + "\x00" + f.principal + "\x00" + of))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:tagBytes])
}

// forgets bounds how many other counts one write takes away.
const forgets = 20

// countTries is how often a failure is written with what it is remembered by. What keeps
// it from being written is another failure at the same moment.
const countTries = 4

// CountFailure counts one more failure after those that were read, in one write, which
// also takes some of the counts named in Forget away: so the item does not grow. A secret
// that is among the last that failed is no new failure, and counts nothing, but for an
// account that was not asked for lately. It is a write all the same, so that nobody can
// tell. Of the same secret in attempts at the same moment one counts.
//
// When anything of it was changed since it was read, the failure is only added. A write
// whose answer was lost, and that was made again, counts once.
func (p Principals) CountFailure(ctx context.Context, seen Failures, a Attempt, f Failure) error {
	attempt := NewID(f.Now)
	err := p.failureOf(seen, a, f, attempt).do(ctx)
	for try := 1; ; try++ {
		item, refused := conditionFailed(err)
		if !refused {
			break
		}
		if object(item).text(lastAttempt) == attempt { // by the write whose answer was lost
			return nil
		}
		seen = readFailures(item, seen.source, seen.principal)
		f = f.added(seen)
		if try == countTries { // counted at all events, and not remembered
			u := p.failure(seen, f.Expires)
			u.once(attempt)
			u.change("a", "", seen.All, f.Now, f.All)
			u.change("p", brief(seen.principal), seen.Principal, f.Now, f.Principal)
			err = u.do(ctx)
			break
		}
		err = p.failureOf(seen, a, f, attempt).do(ctx)
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ValidationException" { // the item is full
		u := p.failure(seen, f.Expires)
		u.change("a", "", seen.All, f.Now, Change{Locks: seen.All.Locks})
		err = u.do(ctx)
	}
	if _, counted := conditionFailed(err); counted {
		return nil
	}
	return failed("principals: count failure", err)
}

// added is the failure when others have changed what it was decided on: it only adds to
// the counts as they are in seen.
func (f Failure) added(seen Failures) Failure {
	f.All, f.Principal, f.Accounts, f.Forget = Change{Locks: seen.All.Locks}, Change{Locks: seen.Principal.Locks}, Change{Locks: seen.Accounts.Locks}, nil
	if seen.Principal.Last.UnixMilli() != f.Reserved.UnixMilli() || seen.Principal.Locks != f.Before.Locks+1 {
		f.Reserved = time.Time{} // somebody else's by now
	}
	return f
}

// failureOf is the write of a failure after those in seen.
func (p Principals) failureOf(seen Failures, a Attempt, f Failure, attempt string) *failureUpdate {
	u := p.failure(seen, f.Expires)
	if seen.salt == nil {
		seen.salt = make([]byte, 16)
		_, _ = rand.Read(seen.salt) // never fails
		u.salt(seen.salt)
	}
	secret, account := seen.tag("secret", a.Secret), seen.tag("account", a.Account)
	again := !f.Principal.Anew && slices.Contains(seen.secrets, secret)
	own, accounts := brief(seen.principal), brief(ofAccounts(seen.principal))
	switch {
	case !again:
		u.once(attempt)
		u.change("a", "", seen.All, f.Now, f.All)
		u.change("p", own, seen.Principal, f.Now, f.Principal)
		u.remember("p", own, secret, seen.secrets, f.Principal.Anew, f.Remembered)
		u.forget(seen, f.Forget)
	case !f.Reserved.IsZero():
		u.giveBack(own, f.Before, f.Reserved)
	}
	if again && a.Account != "" && (f.Accounts.Anew || !slices.Contains(seen.accounts, account)) {
		u.once(attempt)
		u.change("c", accounts, seen.Accounts, f.Now, f.Accounts)
		u.remember("c", accounts, account, seen.accounts, f.Accounts.Anew, f.Remembered)
	}
	return u
}

// Reserve takes the next lock for a principal before an attempt is looked at: of all that are made at the same moment only
// one succeeds, false is reported to the others. last is what the lock's length is counted from until CountFailure says
// otherwise. It touches nothing but the principal's count.
func (p Principals) Reserve(ctx context.Context, seen Failures, last, expires time.Time) (bool, error) {
	attempt, of := NewID(last), brief(seen.principal)
	u := p.failure(seen, expires)
	u.names["#l"], u.names["#k"], u.names["#r"] = "last"+of, "locks"+of, "attempt"+of
	u.values[":last"], u.values[":locks"], u.values[":attempt"] = millis(last), number(seen.Principal.Locks+1), text(attempt)
	u.set = append(u.set, "#l = :last", "#k = :locks", "#r = :attempt")
	// The second: this very write was made, its answer lost, and it is made again.
	if seen.Principal.Locks == 0 {
		u.requirements = append(u.requirements, "(attribute_not_exists(#k) OR #r = :attempt)")
	} else {
		u.only("(#k = :was OR #r = :attempt)", ":was", number(seen.Principal.Locks))
	}
	err := u.do(ctx)
	if _, refused := conditionFailed(err); refused {
		return false, nil
	}
	return err == nil, failed("principals: reserve", err)
}

// Clear takes all failures for the principal away, after a right secret.
func (p Principals) Clear(ctx context.Context, seen Failures, expires time.Time) error {
	u := p.failure(seen, expires)
	for i, attribute := range countAttributes {
		u.remove("#c"+strconv.Itoa(i), attribute+brief(seen.principal))
	}
	return failed("principals: clear failures", u.do(ctx))
}
