// Package dryrun says what a rule of retention would take if it were applied now. It
// reads a whole table, keeps of it no more than counts and the ten oldest, and changes
// nothing.
package dryrun

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/shared/digest"
	"customercare/shared/retention"
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

// table says which table a rule reads.
func (l Look) table(what retention.What) string {
	switch what {
	case retention.Contacts:
		return l.Tables.Contacts
	case retention.Users:
		return l.Tables.Users
	case retention.Principals:
		return l.Tables.Principals
	case retention.Records:
		return l.Tables.Erasures
	}
	return l.Tables.Customers
}

// Run looks at everything that there is of the rule's kind.
func (l Look) Run(ctx context.Context, rule retention.Rule, now time.Time) (Seen, error) {
	seen := Seen{Cutoff: rule.Cutoff(now, l.Skew), Oldest: []Old{}}
	table := l.table(rule.What)
	attributes, names := store.AgedAttributes(rule.What)
	in := &dynamodb.ScanInput{
		TableName: &table, ProjectionExpression: &attributes, ExpressionAttributeNames: names,
		ConsistentRead: aws.Bool(true),
	}
	err := deployment.Scan(ctx, l.DB, in, func(item attribute.Item) error {
		if aged, is := store.AgedItem(rule.What, item); is {
			l.take(&seen, rule, aged)
		}
		return nil
	})
	return seen, err
}

// take counts one.
func (l Look) take(seen *Seen, rule retention.Rule, aged store.Aged) {
	seen.OutOf++
	switch {
	case !aged.InScope(rule):
		return
	case !aged.Known:
		seen.Ageless++
		return
	case !aged.Due(rule, seen.Cutoff):
		return
	}
	seen.Found++
	at, _ := slices.BinarySearchFunc(seen.Oldest, aged.At, func(old Old, t time.Time) int { return old.At.Compare(t) })
	if at >= shown {
		return
	}
	who := aged.Name[0]
	if aged.Kind != "" {
		who = l.Digests.Of(digest.Message(aged.Kind, aged.Name...))
	}
	seen.Oldest = slices.Insert(seen.Oldest, at, Old{who, aged.At})
	seen.Oldest = seen.Oldest[:min(shown, len(seen.Oldest))]
}
