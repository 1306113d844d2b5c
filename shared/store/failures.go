package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Failures are the failed attempts from one source address: all of them, and those for one principal. They are one item of
// the principals' table, so that a failure is one write. It names the source and the principals by hashes, and its TTL
// removes it.
type Failures struct {
	All, Principal Count
	Others         map[string]Count // those for other principals, by what Change.Forget names them by

	source, principal string
}

// Count is how many attempts failed since a time, when the last of them did, and how many locks they have led to.
type Count struct {
	N, Locks    int64
	Since, Last time.Time
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

// The attributes of a count; those of a principal have its hash behind the name.
var countAttributes = []string{"n", "since", "last", "locks", "attempt"}

// lastAttempt is the attribute that names the write which counted last, so that it is not counted again.
const lastAttempt = "attempt"

func readFailures(item object, source, principal string) Failures {
	f := Failures{All: item.count(""), Principal: item.count(brief(principal)), source: source, principal: principal}
	for name := range item {
		if of, ok := strings.CutPrefix(name, "last"); ok && of != "" && of != brief(principal) {
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

// Change is what a failure does to a count.
type Change struct {
	Anew  bool  // begin a count that is over: with this failure
	Locks int64 // how many locks there are from now on; changed only when it differs from what was read
}

// forgets bounds how many other counts one write takes away.
const forgets = 20

// CountFailure counts one more failure after those that were read, in one write, which also takes some of the counts named in
// forget away: so the item does not grow. When anything of it was changed since it was read, the failure is only
// added. expires is when the TTL may remove the item. A write whose answer was lost, and that was made again, counts once.
func (p Principals) CountFailure(ctx context.Context, seen Failures, now, expires time.Time, all, principal Change, forget []string) error {
	attempt := NewID(now)
	u := p.failure(seen, expires)
	u.once(attempt)
	u.change("a", "", seen.All, now, all)
	u.change("p", brief(seen.principal), seen.Principal, now, principal)
	for i, of := range forget[:min(len(forget), forgets)] {
		for j, attribute := range countAttributes {
			u.remove("#f"+strconv.Itoa(i)+"x"+strconv.Itoa(j), attribute+of)
		}
		u.only("#f"+strconv.Itoa(i)+"x2 = :f"+strconv.Itoa(i), ":f"+strconv.Itoa(i), millis(seen.Others[of].Last))
	}
	err := u.do(ctx)
	if _, refused := conditionFailed(err); refused {
		u = p.failure(seen, expires)
		u.once(attempt)
		u.change("a", "", Count{}, now, Change{})
		u.change("p", brief(seen.principal), Count{}, now, Change{})
		err = u.do(ctx)
		if _, counted := conditionFailed(err); counted { // this very attempt, by the write whose answer was lost
			return nil
		}
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ValidationException" { // the item is full
		u = p.failure(seen, expires)
		u.change("a", "", Count{}, now, Change{})
		err = u.do(ctx)
	}
	return failed("principals: count failure", err)
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

// failureUpdate is an update of the item in the making.
type failureUpdate struct {
	db                                *dynamodb.Client
	in                                *dynamodb.UpdateItemInput
	names                             map[string]string
	values                            object
	set, added, removed, requirements []string
}

func (p Principals) failure(seen Failures, expires time.Time) *failureUpdate {
	return &failureUpdate{
		db:    p.DB,
		in:    &dynamodb.UpdateItemInput{TableName: &p.Table, Key: map[string]types.AttributeValue{"principal": text(failuresKey(seen.source))}},
		names: map[string]string{"#expires": "expires"}, values: object{":expires": number(expires.Unix())},
		set: []string{"#expires = :expires"},
	}
}

// change adds one failure to the count called tag in the expression, whose attributes end with of.
func (u *failureUpdate) change(tag, of string, seen Count, now time.Time, c Change) {
	n, since, last, locks := "#n"+tag, "#s"+tag, "#l"+tag, "#k"+tag
	u.names[n], u.names[since], u.names[last] = "n"+of, "since"+of, "last"+of
	u.values[":now"], u.values[":one"] = millis(now), number(1)
	u.set = append(u.set, last+" = :now")
	if c.Anew {
		u.set = append(u.set, n+" = :one", since+" = :now")
		u.only(since+" = :since"+tag, ":since"+tag, millis(seen.Since))
	} else {
		u.set = append(u.set, since+" = if_not_exists("+since+", :now)")
		u.added = append(u.added, n+" :one")
	}
	if c.Locks != seen.Locks {
		if c.Locks == 0 {
			u.remove(locks, "locks"+of)
		} else {
			u.names[locks], u.values[":k"+tag] = "locks"+of, number(c.Locks)
			u.set = append(u.set, locks+" = :k"+tag)
		}
		if seen.Locks == 0 { // none is no attribute
			u.requirements = append(u.requirements, "attribute_not_exists("+locks+")")
		} else {
			u.only(locks+" = :was"+tag, ":was"+tag, number(seen.Locks))
		}
	}
}

// once lets a write be made again without effect.
func (u *failureUpdate) once(attempt string) {
	u.names["#attempt"] = lastAttempt
	u.set = append(u.set, "#attempt = :attempt")
	u.only("(attribute_not_exists(#attempt) OR #attempt <> :attempt)", ":attempt", text(attempt))
}

func (u *failureUpdate) remove(name, attribute string) {
	u.names[name] = attribute
	u.removed = append(u.removed, name)
}

// only makes the update depend on a condition with one value.
func (u *failureUpdate) only(condition, name string, value types.AttributeValue) {
	u.requirements = append(u.requirements, condition)
	u.values[name] = value
}

func (u *failureUpdate) do(ctx context.Context) error {
	clauses := []string{"SET " + strings.Join(u.set, ", ")}
	for _, c := range []struct {
		word  string
		terms []string
	}{{"ADD ", u.added}, {"REMOVE ", u.removed}} {
		if len(c.terms) > 0 {
			clauses = append(clauses, c.word+strings.Join(c.terms, ", "))
		}
	}
	u.in.UpdateExpression = aws.String(strings.Join(clauses, " "))
	u.in.ExpressionAttributeNames, u.in.ExpressionAttributeValues = u.names, u.values
	if len(u.requirements) > 0 {
		slices.Sort(u.requirements)
		u.in.ConditionExpression = aws.String(strings.Join(slices.Compact(u.requirements), " AND "))
	}
	_, err := u.db.UpdateItem(ctx, u.in)
	return err
}
