// Package restore makes a restore from a backup safe. A table that was restored to a
// time holds again what was erased after that time; the ledger knows whom, by digests.
// Table.Print writes everything else, as lines for `customercare import`.
package restore

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/infra/ledger"
	"customercare/shared/digest"
	"customercare/shared/store"
)

// Table is a table of customers or of contacts that was restored from a backup, and one
// run over it.
type Table struct {
	DB         *dynamodb.Client
	Name       string
	Ledger     string          // name of the ledger's table, which stayed in use
	Since      time.Time       // to which the table was restored
	Digests    digest.Digester // with every key that the ledger's digests were made with
	Out, Notes io.Writer       // lines for the import; which items are left out, and why
	Progress   func()          // called for each item that is read, twice in all; nil: for none
	// Customers and Contacts are the tables in use, of which those records are left out
	// that stand there, whatever is in them; "" leaves out none.
	Customers, Contacts string
	// Holds is the table of holds in use, by which Prove tells what a hold keeps; "":
	// nothing is kept.
	Holds string
	// Returning has the digests, under every key, of those who were erased since and came
	// back, by the word of whoever restores: they count as not erased.
	Returning map[string]bool

	// Printed and InUse count records; Erased and Unreadable count items that are left
	// out.
	Printed, InUse, Erased, Unreadable int

	returned map[string]bool // of Returning, those whose erasure is on record
}

// skew is how far clocks may lie apart: of an erasure that ended just before the
// table's time something may still stand in it.
const skew = time.Minute

// Print writes a line for each record that may come back, and names on Notes what it
// cannot tell that of. It goes through the table twice: a contact is as many items as
// it has parties, and one of these that cannot be read, or that names somebody who was
// erased, holds back the whole contact, wherever it stands.
func (t *Table) Print(ctx context.Context) error {
	gone, err := t.gone(ctx)
	if err != nil {
		return err
	}
	// Contacts with a copy that cannot be read, and contacts about somebody who is gone.
	unreadable, erased := map[string]bool{}, map[string]bool{}
	err = t.each(ctx, func(position int, record record) error {
		switch {
		case record.foreign:
			return fmt.Errorf("the table %s is neither one of customers nor one of contacts", t.Name)
		case record.fault != "":
			unreadable[record.contact] = true
			t.name(position, record, record.fault)
		case record.contact != "" && t.isGone(record, gone):
			erased[record.contact] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	const atOnce = 100
	var ready []record
	err = t.each(ctx, func(position int, record record) (err error) {
		switch {
		case record.fault != "": // named above
		case record.tombstone, t.isGone(record, gone):
			t.Erased++
		case record.further:
		case record.contact != "" && unreadable[record.contact]:
			t.name(position, record, "another copy of the same contact cannot be read")
		case record.contact != "" && erased[record.contact]:
			t.name(position, record, "another copy of the same contact names somebody who was erased")
		default:
			ready = append(ready, record)
		}
		if len(ready) == atOnce {
			err, ready = t.write(ctx, ready), nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return t.write(ctx, ready)
}

// write writes the lines of records, but for those that stand in the table in use.
func (t *Table) write(ctx context.Context, records []record) error {
	present, inUse := map[string]bool{}, t.Customers
	var keys []attribute.Item
	for _, r := range records {
		if r.contact != "" { // and so are all others
			inUse = t.Contacts
		}
		keys = append(keys, r.places...)
	}
	if inUse != "" {
		err := deployment.GetAll(ctx, t.DB, inUse, keys, func(found attribute.Item) { present[place(found)] = true })
		if err != nil {
			return err
		}
	}
	for _, r := range records {
		if slices.ContainsFunc(r.places, func(key attribute.Item) bool { return present[place(key)] }) {
			t.InUse++
			continue
		}
		t.Printed++
		if _, err := t.Out.Write(r.line); err != nil {
			return err
		}
	}
	return nil
}

// place is the key of an item of any table as one text.
func place(item attribute.Item) string {
	var key []string
	for _, name := range []string{"customer", "record", "party", "contact"} {
		key = append(key, attribute.ReadText(item, name))
	}
	return store.JoinKey(key[0], key[1:]...)
}

// RestoredTo is the time to which the table was restored from a backup; nil where
// DynamoDB names none. The error is a sentence, also while the table is being restored.
func (t *Table) RestoredTo(ctx context.Context) (*time.Time, error) {
	out, err := t.DB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.Name})
	if err != nil {
		return nil, deployment.Explain(ctx, "the table "+t.Name, err)
	}
	summary := out.Table.RestoreSummary
	switch {
	case summary == nil:
		return nil, nil
	case aws.ToBool(summary.RestoreInProgress):
		return nil, fmt.Errorf("the table %s is being restored still:"+
			" wait for it with `aws dynamodb wait table-exists --table-name %[1]s`", t.Name)
	}
	return summary.RestoreDateTime, nil
}

// each goes through the table once, and calls do with every item and its place, from 1.
func (t *Table) each(ctx context.Context, do func(position int, record record) error) error {
	position := 0
	in := &dynamodb.ScanInput{TableName: &t.Name, ConsistentRead: aws.Bool(true)}
	return deployment.Scan(ctx, t.DB, in, func(found attribute.Item) error {
		position++
		if t.Progress != nil {
			t.Progress()
		}
		return do(position, read(found))
	})
}

// isGone says whether the record is about anybody in gone.
func (t *Table) isGone(record record, gone map[string]bool) bool {
	return slices.ContainsFunc(record.subjects, func(s []string) bool {
		digests := t.Digests.EverySubject(s[0], s[1], s[2])
		return slices.ContainsFunc(digests, func(digest string) bool { return gone[digest] })
	})
}

// name counts an item that is left out because it cannot be read, and tells which it
// is: by its place in the scan, by the ledger's digest of whom it is filed under, and a
// contact by its time. It tells no code, number or id, because what a command writes to
// standard error ends up in logs.
func (t *Table) name(position int, record record, fault string) {
	t.Unreadable++
	fmt.Fprintf(t.Notes, "item %d%s: %s\n", position, record.named(t.Digests), fault)
}

// named is ", " and by whose digest and, of a contact, by which time a record is named;
// "" when its key tells nobody.
func (r record) named(digests digest.Digester) (which string) {
	if len(r.key) > 0 {
		which = fmt.Sprintf(", %s %s", r.key[0], digests.Of(digest.Message(r.key[0], r.key[1:]...)))
	}
	if r.at != "" {
		which += ", contact of " + r.at
	}
	return which
}

// gone gives the digests of all whose erasure ended after the table's time, or is open.
func (t *Table) gone(ctx context.Context) (map[string]bool, error) {
	gone := map[string]bool{}
	inUse := ledger.Ledger{DB: t.DB, Table: t.Ledger}
	t.returned = map[string]bool{}
	return gone, inUse.Digests(ctx, t.Since.Add(-skew), func(digest string) error {
		id, _, _ := strings.Cut(digest, ".")
		if t.Digests.Keys[id] == nil {
			if at, err := inUse.KeyDestroyed(ctx, id); err != nil || at != nil {
				return cmp.Or(err, fmt.Errorf("the ledger has digests made with the key %q, which was destroyed:"+
					" nobody can say whom they are about, so nothing of a backup this old can be restored", id))
			}
			return fmt.Errorf("the ledger has digests made with the key %q, which is not among those given:"+
				" nothing can be said of whom they are about", id)
		}
		if t.Returning[digest] {
			t.returned[digest] = true
			return nil
		}
		gone[digest] = true
		return nil
	})
}
