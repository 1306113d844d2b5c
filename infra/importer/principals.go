package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// Changed is the attribute of a principal that says when its secrets were changed last,
// in Unix seconds. The functions do not look at it.
const Changed = "changed"

// Principal makes the item of the operator, API user or app that a line of the format
// describes, as it is stored when it is loaded at that time. It writes nothing.
func Principal(line []byte, at time.Time) (map[string]types.AttributeValue, error) {
	r, err := parse(line)
	if err != nil {
		return nil, err
	}
	if r.item["principal"] == nil {
		return nil, refuse("the record is neither an operator, nor an apiUser, nor an app")
	}
	item, _ := r.principal(nil, at)
	return item, nil
}

// principal gives the item that the record makes of the standing one of its name, nil
// where there is none, and whether it differs. Where the secrets are the same their time
// stays.
func (r *record) principal(standing object, at time.Time) (item object, differs bool) {
	item, standing = store.Stamp(maps.Clone(r.item)), maps.Clone(standing)
	if r.kind == store.Operator {
		hashes, _ := store.Texts(standing["hashes"]) // what is no hash is none of the passwords'
		item["hashes"] = attribute.Texts(principal.HashPasswords(r.secrets, hashes)...)
	}
	item[Changed] = attribute.Number(at.Unix())
	if reflect.DeepEqual(standing["hashes"], item["hashes"]) {
		delete(item, Changed)
		if was, known := standing[Changed]; known {
			item[Changed] = was
		}
	}
	return item, !reflect.DeepEqual(standing, item)
}

// writePrincipal puts an operator, an API user or an app in place of the one of its name.
func (l *loader) writePrincipal(ctx context.Context, r *record) error {
	newer := error(nil)
	err := l.persist(ctx, l.Tables.Principals, func() error {
		found, err := l.Client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName:      &l.Tables.Principals,
			ConsistentRead: aws.Bool(true),
			Key:            object{"principal": r.item["principal"]},
		})
		if err != nil {
			return err
		}
		if store.Newer(found.Item) {
			newer = store.ErrNewer
			return nil
		}
		if item, differs := r.principal(found.Item, time.Now()); differs {
			values := object{}
			_, err = l.Client.PutItem(ctx, &dynamodb.PutItemInput{
				TableName: &l.Tables.Principals, Item: item,
				ConditionExpression:       aws.String(store.IfUnderstood("", values)),
				ExpressionAttributeValues: values,
			})
			if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
				newer = store.ErrNewer
				return nil
			}
		}
		return err
	})
	if err == nil || errors.Is(err, errInvalid) {
		l.finish(r, cmp.Or(err, newer))
		return nil
	}
	return err
}

// shortestSecret is how many characters a password, key or secret has at least. It is
// what NIST SP 800-63B-4 (section 3.1.1.2) asks of a password that is the only proof of
// who somebody is. The same text wants no rules of composition, at least 64 characters to
// be taken (maxSecret is 256 bytes), and common or expected values to be refused
// (expected).
const shortestSecret = 15

// CheckSecret says in a sentence why a secret cannot be owner's; nil when it can. field
// is what the sentence calls it, for example "password". The secret is never in it.
func CheckSecret(field, owner, secret string) error {
	f := &fields{}
	f.secret(field, owner, attribute.Text(secret))
	return f.err
}

// rows are what fingers run along: of the alphabet, of digits, and of a keyboard.
var rows = []string{
	"abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba",
	"01234567890123456789", "98765432109876543210",
	"qwertyuiopasdfghjklzxcvbnm", "1q2w3e4r5t6y7u8i9o0p", "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
}

// expected says why a secret is among the first that somebody would try; "" when it is
// not. The whole secret is looked at: a long one may hold a name, or a word that many
// use.
func expected(owner, secret string) (why string) {
	const (
		product = "customercare"
		word    = "password"
		digits  = 8 // behind a name, a date
	)
	given := strings.ToLower(secret)
	for period := 1; period <= len(given)/2; period++ {
		if given[period:] == given[:len(given)-period] {
			return "is one text again and again"
		}
	}
	for _, row := range rows {
		if strings.Contains(row+row, given) {
			return "is a row of letters, digits or keys"
		}
	}
	words := []string{strings.ToLower(owner), product, word}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // a short one may be part of a long one
	rest := given
	for _, known := range words {
		if known != "" {
			rest = strings.ReplaceAll(rest, known, "")
		}
	}
	if rest != given && !strings.ContainsFunc(rest, unicode.IsLetter) && utf8.RuneCountInString(rest) <= digits {
		return fmt.Sprintf("is little more than the name, %q or %q", product, word)
	}
	return ""
}

// secret checks one secret of owner, of the name field or in a list of that name.
func (f *fields) secret(field, owner string, value types.AttributeValue) string {
	s := f.check(field, value, maxSecret)
	if f.err != nil {
		return s
	}
	if utf8.RuneCountInString(s) < shortestSecret {
		f.refuse("%s has less than %d characters", field, shortestSecret)
	} else if why := expected(owner, s); why != "" {
		f.refuse("%s %s: choose one that nobody expects", field, why)
	}
	return s
}
