// Package dryrun says what a rule of retention would take if it were applied now. It
// reads a whole table, keeps of it no more than counts and the ten oldest, and changes
// nothing.
package dryrun

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/shared/digest"
	"customercare/shared/retention"
	"customercare/shared/rfc3339"
	"customercare/shared/store"
)

// Look is where a dry run looks.
type Look struct {
	DB      *dynamodb.Client
	Tables  deployment.Tables
	Digests digest.Digester
	Skew    time.Duration // how far apart two clocks may be
}

// Seen is what a rule would take. A contact counts once for each of its copies.
type Seen struct {
	Cutoff  time.Time `json:"cutoff"`
	Found   int64     `json:"found"`   // what lies before the cutoff
	OutOf   int64     `json:"outOf"`   // all that there is of the kind, in any scope
	Ageless int64     `json:"ageless"` // in the scope, and of an age that nobody can tell: it stays
	Oldest  []Old     `json:"oldest"`  // at most ten, the oldest first
}

// Old is one that the rule would take, without its name.
type Old struct {
	Digest string    `json:"digest"` // of whom it is about; of a record, the id of the erasure
	At     time.Time `json:"at"`
}

// shown is how many of the oldest are told.
const shown = 10

// one is a piece of data as a rule sees it.
type one struct {
	scope   string
	message string // what its digest is of
	at      time.Time
	aged    bool // at is known
}

// table says which table a rule reads, and which attributes of it.
func (l Look) table(what retention.What) (name, attributes string) {
	switch what {
	case retention.Contacts:
		return l.Tables.Contacts, "party, contact"
	case retention.Users:
		return l.Tables.Users, "customerId, activeAt"
	case retention.Principals:
		return l.Tables.Principals, "principal, validUntil"
	case retention.Records:
		return l.Tables.Erasures, "erasureId, finishedAt, endSealedAt"
	}
	return l.Tables.Customers, "customer, #record, tombstone, #data.#at"
}

// Run looks at everything that there is of the rule's kind.
func (l Look) Run(ctx context.Context, rule retention.Rule, now time.Time) (Seen, error) {
	seen := Seen{Cutoff: rule.Cutoff(now, l.Skew), Oldest: []Old{}}
	table, attributes := l.table(rule.What)
	in := &dynamodb.ScanInput{TableName: &table, ProjectionExpression: &attributes, ConsistentRead: aws.Bool(true)}
	if strings.Contains(attributes, "#") {
		in.ExpressionAttributeNames = map[string]string{"#record": "record", "#data": "data", "#at": "at"}
	}
	var all customers
	err := deployment.Scan(ctx, l.DB, in, func(item attribute.Item) error {
		if rule.What == retention.Customers {
			if done, is := all.next(item); is {
				l.take(&seen, rule, done)
			}
		} else if o, is := read(rule.What, item); is {
			l.take(&seen, rule, o)
		}
		return nil
	})
	if last, is := all.end(); err == nil && is {
		l.take(&seen, rule, last)
	}
	return seen, err
}

// take counts one.
func (l Look) take(seen *Seen, rule retention.Rule, o one) {
	seen.OutOf++
	scope := rule.Tenant + rule.Account // it has one of them at most
	switch {
	case scope != "" && scope != o.scope:
		return
	case !o.aged:
		seen.Ageless++
		return
	case !o.at.Before(seen.Cutoff):
		return
	}
	seen.Found++
	at, _ := slices.BinarySearchFunc(seen.Oldest, o.at, func(old Old, t time.Time) int { return old.At.Compare(t) })
	if at >= shown {
		return
	}
	who := o.message
	if rule.What != retention.Records {
		who = l.Digests.Of(o.message)
	}
	seen.Oldest = slices.Insert(seen.Oldest, at, Old{who, o.at})
	seen.Oldest = seen.Oldest[:min(shown, len(seen.Oldest))]
}

// read is what an item is to a rule of this kind; is says whether it is of the kind.
func read(what retention.What, item attribute.Item) (o one, is bool) {
	switch what {
	case retention.Contacts:
		party := store.SplitKey(attribute.ReadText(item, "party"))
		if len(party) == 2 {
			o.scope, o.message = party[0], digest.Message("number", party...)
		}
		written, _, _ := strings.Cut(attribute.ReadText(item, "contact"), "#")
		o.at, o.aged = rfc3339.Parse(written)
		o.aged = o.aged && o.message != ""
		return o, true
	case retention.Transactions:
		return transaction(item)
	case retention.Users:
		active := attribute.ReadNumber(item, "activeAt")
		o.at, o.aged = time.UnixMilli(active), active > 0
		o.message = digest.Message("user", attribute.ReadText(item, "customerId"))
		return o, true
	case retention.Principals:
		kind, _, _ := strings.Cut(attribute.ReadText(item, "principal"), "#")
		until := attribute.ReadNumber(item, "validUntil")
		o.at, o.aged = time.Unix(until, 0), until > 0
		o.message = digest.Message("principal", attribute.ReadText(item, "principal"))
		return o, slices.Contains([]string{store.Operator, store.APIUser, store.App}, kind)
	case retention.Records:
		finished := attribute.ReadNumber(item, "finishedAt")
		id, is := strings.CutPrefix(attribute.ReadText(item, "erasureId"), "erasure-")
		o.at, o.message = time.UnixMilli(finished), id
		o.aged = finished > 0 && attribute.ReadNumber(item, "endSealedAt") > 0
		return o, is
	}
	return o, false
}

// transaction is what an item of the table of customers is, if it is a transaction.
func transaction(item attribute.Item) (o one, is bool) {
	if record := store.SplitKey(attribute.ReadText(item, "record")); len(record) != 3 || record[0] != "txn" {
		return o, false
	}
	if customer := store.SplitKey(attribute.ReadText(item, "customer")); len(customer) == 2 {
		o.scope, o.message = customer[0], digest.Message("customer", customer...)
	}
	o.at, o.aged = rfc3339.Parse(attribute.ReadText(attribute.ReadMap(item, "data"), "at"))
	o.aged = o.aged && o.message != ""
	return o, true
}

// customers puts the items of one customer together. They lie side by side in a scan.
type customers struct {
	key          string
	present, odd bool // the customer's own item is there; a transaction's time cannot be read
	newest       time.Time
	count        int
}

// next takes an item, and gives the customer before it where this is the next one's.
func (c *customers) next(item attribute.Item) (done one, is bool) {
	if key := attribute.ReadText(item, "customer"); key != c.key {
		done, is = c.end()
		*c = customers{key: key}
	}
	if o, ok := transaction(item); ok {
		c.odd = c.odd || !o.aged
		c.count++
		if o.at.After(c.newest) {
			c.newest = o.at
		}
	} else if attribute.ReadText(item, "record") == store.CustomerRecord && item["tombstone"] == nil {
		c.present = true
	}
	return done, is
}

// end is the customer whose items have been taken, if there is one.
func (c *customers) end() (done one, is bool) {
	parts := store.SplitKey(c.key)
	if !c.present || len(parts) != 2 {
		return one{}, false
	}
	return one{
		scope: parts[0], message: digest.Message("customer", parts...), at: c.newest,
		aged: c.count > 0 && !c.odd,
	}, true
}
