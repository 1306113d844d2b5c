package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/shared/statement"
)

// errEmpty says that nobody can tell what a table is of.
var errEmpty = errors.New("the restored table holds no item, so nothing can be shown of it")

// Prove counts what became of the items of the restored table, and goes through the table
// in use for anybody whose erasure is open, or ended after the table's time. It names
// what is left of them on Notes. What a hold keeps is not left: it is counted apart. A
// tombstone in the table in use that belongs to no open erasure is left, because it would
// keep its customer out for ever. It holds in memory who was erased, and no item. The
// restored table may be the one in use, where somebody has put it into use.
func (t *Table) Prove(ctx context.Context) (statement.Restored, error) {
	said := statement.Restored{Table: t.Name, To: statement.TimeOf(t.Since)}
	gone, err := t.gone(ctx)
	if err != nil {
		return said, err
	}
	inUse := ""
	if t.Name == t.Customers || t.Name == t.Contacts {
		inUse = t.Name // it may be empty by now
	}
	const atOnce = 100
	var places []attribute.Item
	look := func() error {
		err := deployment.GetAll(ctx, t.DB, inUse, places, func(attribute.Item) { said.Loaded++ })
		places = nil
		return err
	}
	err = t.each(ctx, func(_ int, r record) error {
		said.Read++
		switch {
		case r.foreign:
			return fmt.Errorf("the table %s is neither one of customers nor one of contacts", t.Name)
		case r.item["party"] != nil:
			inUse = t.Contacts
		default:
			inUse = t.Customers
		}
		if r.tombstone || t.isGone(r.whole(), gone) {
			said.LeftOut++
			return nil
		}
		if places = append(places, r.item); len(places) < atOnce {
			return nil
		}
		return look()
	})
	if err == nil && inUse == "" {
		err = errEmpty
	}
	if err == nil && len(places) > 0 {
		err = look()
	}
	if err != nil {
		return said, err
	}
	used := *t
	used.Name = inUse
	return said, used.each(ctx, func(position int, r record) error {
		switch whole := r.whole(); {
		case r.job != "":
			bars, err := used.bars(ctx, r)
			if err != nil || !bars {
				return err
			}
			if kept, err := t.isKept(ctx, whole); err != nil || kept {
				said.Held++ // until the hold's release, which erases
				return err
			}
			said.Left++
			fmt.Fprintf(t.Notes, "item %d%s: its tombstone is of no open erasure\n", position, r.named(t.Digests))
		case t.isGone(whole, gone):
			if kept, err := t.isKept(ctx, whole); err != nil || kept {
				said.Held++
				return err
			}
			said.Left++
			fmt.Fprintf(t.Notes, "item %d%s: it is about somebody who was erased since\n", position, r.named(t.Digests))
		case t.isGone(whole, t.returned):
			said.Returned++
		case len(r.subjects) == 0: // whom else it is about cannot be read
			said.Unreadable++
			fmt.Fprintf(t.Notes, "item %d%s: %s\n", position, r.named(t.Digests),
				cmp.Or(r.fault, "whom it is about cannot be read"))
		}
		return nil
	})
}

// whole is the record with all whom it is known to be about: its subjects, and whom it is
// filed under, which its subjects may lack.
func (r record) whole() record {
	if len(r.key) == 3 {
		r.subjects = append(r.subjects[:len(r.subjects):len(r.subjects)], r.key)
	}
	return r
}
