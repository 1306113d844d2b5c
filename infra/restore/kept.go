package restore

import (
	"context"
	"slices"
	"strings"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/shared/store"
)

// isOpen says whether the erasure whose job has this key is open.
func (t *Table) isOpen(ctx context.Context, job string) (bool, error) {
	found, err := deployment.Get(ctx, t.DB, t.Ledger, attribute.Item{"erasureId": attribute.Text(job)})
	return found["openShard"] != nil, err
}

// bars says whether the record is a tombstone that stands there for no open erasure.
func (t *Table) bars(ctx context.Context, r record) (bool, error) {
	open, err := t.isOpen(ctx, r.job)
	if err != nil || open {
		return false, err
	}
	found, err := deployment.Get(ctx, t.DB, t.Name, r.item) // it may have ended just now
	return store.Tombstone(found["tombstone"]) == r.job, err
}

// isKept says whether a hold keeps the record: one on anybody whom it is about, or one
// whose mark it carries. A mark of a hold that nobody knows of keeps it, as it does for
// the product.
func (t *Table) isKept(ctx context.Context, r record) (kept bool, err error) {
	if t.Holds == "" {
		return false, nil
	}
	unknown := map[string]bool{}
	var keys []string
	for _, subject := range r.subjects {
		keys = append(keys, store.JoinKey(subject[0], subject[1:]...))
	}
	marks, _ := store.Texts(r.stored["held"])
	for _, id := range marks {
		keys = append(keys, holdPrefix+id)
		unknown[holdPrefix+id] = true
	}
	slices.Sort(keys)
	places := []attribute.Item{}
	for _, key := range slices.Compact(keys) {
		places = append(places, attribute.Item{"hold": attribute.Text(key)})
	}
	err = deployment.GetAll(ctx, t.DB, t.Holds, places, func(found attribute.Item) {
		key := attribute.ReadText(found, "hold")
		delete(unknown, key)
		if strings.HasPrefix(key, holdPrefix) {
			kept = kept || stands(found)
		} else {
			kept = kept || found["holds"] != nil
		}
	})
	return kept || len(unknown) > 0, err
}

// holdPrefix begins the key of a hold in the table of holds.
const holdPrefix = "hold-"

// stands says whether a hold is neither released nor being released.
func stands(hold attribute.Item) bool {
	status := store.HoldStatus(attribute.ReadText(hold, "status"))
	return status != store.Releasing && status != store.Released
}
