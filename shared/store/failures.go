package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Failures are the failed attempts from one source address: all of them, and those for one principal. They are one item of
// the principals' table, so that a failure is one write. It names the source and the principals by hashes, and its TTL
// removes it.
type Failures struct {
	All, Principal Count
	Others         map[string]Count // those for other principals, by what CountFailure can forget them by

	source, principal string
}

// Count is how many attempts failed since a time, and when the last of them did.
type Count struct {
	N           int64
	Since, Last time.Time
}

// failuresKept is for how long after its last failure the TTL leaves an item: longer than any lock.
const failuresKept = 48 * time.Hour

// FailuresPrefix begins the keys of these items: the functions that count may write no others.
const FailuresPrefix = "failures#"

func failuresKey(source string) string { return FailuresPrefix + brief(source) }

// brief is a hash that fits into a key or an attribute's name. It hides an address from a reader of the table, not from
// whoever tries them all.
func brief(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:12])
}

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

// count reads the three attributes of a count: those of a principal have its hash in their names.
func (o object) count(of string) Count {
	return Count{N: o.number("n" + of), Since: o.millis("since" + of), Last: o.millis("last" + of)}
}

// forgets is how many other principals' counts one write can take away: each is three of the 300 names that an expression
// may use.
const forgets = 20

// CountFailure counts one more failure after those that Find has read, in one write, which also takes some of the counts
// away that over calls over: so the item does not grow. One that is over itself begins anew; when somebody else has begun
// it meanwhile, this failure is added to theirs.
func (p Principals) CountFailure(ctx context.Context, seen Failures, now time.Time, allOver bool, over func(Count) bool) error {
	err := p.countFailure(ctx, seen, now, over, allOver, over(seen.Principal))
	if _, begun := conditionFailed(err); begun {
		err = p.countFailure(ctx, seen, now, over, false, false)
	}
	return failed("principals: count failure", err)
}

func (p Principals) countFailure(ctx context.Context, seen Failures, now time.Time, over func(Count) bool, anew ...bool) error {
	names := map[string]string{"#expires": "expires"}
	values := object{":now": millis(now), ":one": number(1), ":expires": number(now.Add(failuresKept).Unix())}
	set, add, conditions := []string{"#expires = :expires"}, []string{}, []string{}
	for i, c := range []struct {
		tag, of string
		count   Count
	}{{"a", "", seen.All}, {"p", brief(seen.principal), seen.Principal}} {
		n, since, last := "#n"+c.tag, "#s"+c.tag, "#l"+c.tag
		names[n], names[since], names[last] = "n"+c.of, "since"+c.of, "last"+c.of
		set = append(set, last+" = :now")
		if anew[i] {
			set = append(set, n+" = :one", since+" = :now")
			conditions = append(conditions, since+" = :seen"+c.tag)
			values[":seen"+c.tag] = millis(c.count.Since)
		} else {
			set = append(set, since+" = if_not_exists("+since+", :now)")
			add = append(add, n+" :one")
		}
	}
	remove := []string{}
	for of, count := range seen.Others {
		if len(remove) < 3*forgets && over(count) {
			for _, attribute := range []string{"n", "since", "last"} {
				name := "#" + strconv.Itoa(len(remove))
				names[name] = attribute + of
				remove = append(remove, name)
			}
		}
	}
	update := "SET " + strings.Join(set, ", ")
	if len(remove) > 0 {
		update += " REMOVE " + strings.Join(remove, ", ")
	}
	if len(add) > 0 {
		update += " ADD " + strings.Join(add, ", ")
	}
	in := &dynamodb.UpdateItemInput{
		TableName: &p.Table, Key: map[string]types.AttributeValue{"principal": text(failuresKey(seen.source))},
		UpdateExpression: &update, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}
	if len(conditions) > 0 {
		in.ConditionExpression = aws.String(strings.Join(conditions, " AND "))
	}
	_, err := p.DB.UpdateItem(ctx, in)
	return err
}
