package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

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

// salt gives the item its salt, unless another write has been there first: then what is
// told by it has to be told again.
func (u *failureUpdate) salt(salt []byte) {
	u.names["#salt"], u.values[":salt"] = "salt", &types.AttributeValueMemberB{Value: salt}
	u.set = append(u.set, "#salt = :salt")
	u.requirements = append(u.requirements, "attribute_not_exists(#salt)")
}

// remember puts a tag behind the count's others, of which the last stay: so many with it.
// The write is refused when another one has put the same tag there.
func (u *failureUpdate) remember(tag, of, what string, others []string, anew bool, most int) {
	name, value := "#t"+tag, ":t"+tag
	u.names[name] = "tags" + of
	switch {
	case anew:
		u.values[value] = texts([]string{what})
		u.set = append(u.set, name+" = "+value)
		return // on condition that nobody else began the count anew
	case len(others) >= most:
		u.values[value] = texts(append(slices.Clone(others[len(others)-max(most-1, 0):]), what))
		u.set = append(u.set, name+" = "+value)
	default:
		u.values[value], u.values[":none"] = texts([]string{what}), texts(nil)
		u.set = append(u.set, name+" = list_append(if_not_exists("+name+", :none), "+value+")")
	}
	u.only("(attribute_not_exists("+name+") OR NOT contains("+name+", :w"+tag+"))", ":w"+tag, text(what))
}

// forget takes some of the counts named in others away, unless they have changed.
func (u *failureUpdate) forget(seen Failures, others []string) {
	for i, of := range others[:min(len(others), forgets)] {
		name := "#f" + strconv.Itoa(i)
		for j, attribute := range seen.attributes[of] {
			u.remove(name+"x"+strconv.Itoa(j), attribute)
		}
		u.names[name] = "last" + of
		u.only(name+" = :f"+strconv.Itoa(i), ":f"+strconv.Itoa(i), millis(seen.Others[of].Last))
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
	u.in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	_, err := u.db.UpdateItem(ctx, u.in)
	return err
}
