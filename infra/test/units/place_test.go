package units

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// asked is the body of a call, as far as it says what the call is about.
type asked struct {
	TableName, IndexName string
	ConsistentRead       bool
	Key, Item            item
	RequestItems         map[string]json.RawMessage // of batches, by table
	TransactItems        []map[string]struct {      // by Put, Update, Delete, ConditionCheck
		TableName string
		Key, Item item
	}
}

// place is an item that a call is about.
type place struct {
	table string // in DynamoDB
	key   item
	stays bool // something stands there after the call: it is no deletion
}

// places are the items that a call names.
func (m *Meter) places(a *asked) (all []place, err error) {
	m.mu.Lock()
	tables := m.tables
	m.mu.Unlock()
	add := func(name string, stays bool, of ...item) error {
		t, known := tables[name]
		if !known {
			return fmt.Errorf("unknown table %q", name)
		}
		for _, of := range of {
			if of == nil {
				continue
			}
			key := item{}
			for _, attribute := range t.keys {
				key[attribute] = of[attribute]
			}
			all = append(all, place{name, key, stays})
		}
		return nil
	}
	if a.TableName != "" {
		err = add(a.TableName, true, a.Key, a.Item)
	}
	for name, raw := range a.RequestItems {
		var got struct{ Keys []item }
		var writes []struct {
			PutRequest    struct{ Item item }
			DeleteRequest struct{ Key item }
		}
		if err := json.Unmarshal(raw, &got); err == nil {
			if err := add(name, true, got.Keys...); err != nil {
				return nil, err
			}
			continue
		}
		if err := json.Unmarshal(raw, &writes); err != nil {
			return nil, err
		}
		for _, w := range writes {
			err := errors.Join(add(name, true, w.PutRequest.Item), add(name, false, w.DeleteRequest.Key))
			if err != nil {
				return nil, err
			}
		}
	}
	for _, action := range a.TransactItems {
		for kind, of := range action {
			if err := add(of.TableName, kind != "Delete", of.Key, of.Item); err != nil {
				return nil, err
			}
		}
	}
	return all, err
}

// name is a text that no other place has.
func (p place) name() string { return p.table + fmt.Sprint(p.key) }

// remaining are the places where something stands after the call.
func remaining(places []place) (all []place) {
	for _, p := range places {
		if p.stays {
			all = append(all, p)
		}
	}
	return all
}

// looks is how many items one BatchGetItem reads at most.
const looks = 100

// look reads the items at places as they stand, by the place's name.
func (m *Meter) look(r *http.Request, places []place) (map[string]item, error) {
	found := map[string]item{}
	for from := 0; from < len(places); from += looks {
		type keys struct {
			Keys           []item
			ConsistentRead bool
		}
		wanted := map[string]keys{}
		for _, p := range places[from:min(from+looks, len(places))] {
			wanted[p.table] = keys{append(wanted[p.table].Keys, p.key), true}
		}
		body, err := json.Marshal(map[string]any{"RequestItems": wanted})
		if err != nil {
			return nil, err
		}
		answer, said, err := m.send(r, "BatchGetItem", body)
		if err != nil {
			return nil, err
		}
		var got struct {
			Responses       map[string][]item
			UnprocessedKeys map[string]any
		}
		if err := json.Unmarshal(said, &got); err != nil || answer.StatusCode != http.StatusOK ||
			len(got.UnprocessedKeys) > 0 {
			return nil, fmt.Errorf("a look at %d items: status %d: %.200s", len(places), answer.StatusCode, said)
		}
		for name, items := range got.Responses {
			for _, one := range items {
				key := item{}
				for _, attribute := range m.tables[name].keys {
					key[attribute] = one[attribute]
				}
				found[place{table: name, key: key}.name()] = one
			}
		}
	}
	return found, nil
}
