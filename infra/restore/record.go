package restore

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"customercare/infra/attribute"
	"customercare/infra/importer"
	"customercare/shared/rfc3339"
	"customercare/shared/store"
)

// record is an item in the words of the format that `customercare import` reads.
type record struct {
	kind string // as the format has it, "" when its key tells nobody
	// key is whom it is filed under: kind, account or tenant, identifier, of a user kind
	// and identifier; nil when its key tells nobody.
	key       []string
	at        string           // of a contact: its time
	contact   string           // of a contact: the same for all its copies
	subjects  [][]string       // whom it is about, each as in key
	places    []attribute.Item // keys of all its items
	tombstone bool             // of an erasure that was open at the table's time
	job       string           // the key of that erasure's job, "" where no erasure has put it
	stored    attribute.Item   // all of the item
	line      []byte           // for the import
	item      attribute.Item   // its key
	further   bool             // a copy of a contact that is not under its first number
	foreign   bool             // it is in no table of ours
	fault     string           // why it cannot be read, without any value; "" when it can
}

// read makes a record of an item, with its key.
func read(found attribute.Item) record {
	r := readItem(found)
	r.item, r.stored = attribute.Item{}, found
	for _, name := range []string{"customer", "record", "party", "contact"} {
		if found[name] != nil {
			r.item[name] = found[name]
		}
	}
	return r
}

// readItem makes a record of an item. One that is not stored as the import stores it
// gives a record with a fault. A record with a fault is not printed: its erasure may have
// been filed under another key.
func readItem(found attribute.Item) record {
	customer, party := parts(found, "customer"), parts(found, "party")
	switch {
	case len(customer) == 2:
		return readCustomer(found, customer[0], customer[1])
	case len(party) == 2:
		return readContact(found, party[0], party[1])
	}
	foreign := found["record"] == nil && found["contact"] == nil
	return record{foreign: foreign, fault: "its key is none of a customer, a transaction or a contact"}
}

// parts are those of a key, nil when it was not joined of any.
func parts(found attribute.Item, name string) []string {
	key := attribute.ReadText(found, name)
	if all := store.SplitKey(key); store.JoinKey(all[0], all[1:]...) == key {
		return all
	}
	return nil
}

func readCustomer(found attribute.Item, account, code string) record {
	key := []string{"customer", account, code}
	place := attribute.Item{"customer": found["customer"], "record": found["record"]}
	r := record{key: key, subjects: [][]string{key}, places: []attribute.Item{place}}
	format := map[string]any{"kind": "customer", "accountId": account, "code": code}
	if names := parts(found, "record"); len(names) == 3 && names[0] == "txn" {
		format["kind"], format["campaignId"], format["transactionId"] = "transaction", names[1], names[2]
	}
	r.kind, _ = format["kind"].(string)
	without := []string{"tombstone"}
	if r.kind == "customer" {
		without = sayActive(found, format, without)
	}
	r.load(found, format, []string{"customer", "record"}, without...)
	if tombstone := found["tombstone"]; tombstone != nil {
		r.tombstone, r.job = true, store.Tombstone(tombstone)
		if format["kind"] != "customer" || store.Tombstone(tombstone) == "" {
			r.fault = "it has a tombstone that no erasure has put"
		}
	}
	return r
}

func readContact(found attribute.Item, tenant, number string) record {
	r := record{
		kind:    "contact",
		key:     []string{"number", tenant, number},
		contact: store.JoinKey(tenant, attribute.ReadText(found, "contact")),
	}
	place := parts(found, "contact")
	if len(place) != 2 {
		r.fault = "its key is none of a contact"
		return r
	}
	if _, timed := rfc3339.Parse(place[0]); timed {
		r.at = place[0]
	}
	parties, whole := store.Parties(found["parties"])
	if !whole {
		r.fault = "its parties are no list of numbers"
		return r
	}
	for _, party := range parties {
		r.subjects = append(r.subjects, []string{"number", tenant, party})
	}
	parties = slices.Compact(slices.Sorted(slices.Values(parties)))
	for _, party := range parties {
		key := attribute.Text(store.PartyKey(tenant, party))
		r.places = append(r.places, attribute.Item{"party": key, "contact": found["contact"]})
	}
	format := map[string]any{"kind": "contact", "tenantId": tenant, "contactId": place[1]}
	data, _ := members(found)
	if data["callingNumber"] == nil && data["calledNumber"] == nil && data["customNos"] == nil {
		format["customNos"] = parties
	}
	loaded := r.load(found, format, []string{"party", "contact"}, "parties", "held")
	if again, _ := store.Parties(loaded["parties"]); r.fault == "" && !slices.Equal(again, parties) {
		r.fault = "callingNumber, calledNumber and customNos are not its parties"
	}
	r.further = parties[0] != number
	return r
}

// readUser makes a record of a user without its temporary allows, which are no part of
// the format.
func readUser(found attribute.Item) record {
	id := attribute.ReadText(found, "customerId")
	r := record{kind: "user", key: []string{"user", id}}
	format := map[string]any{"kind": "user", "customerId": id}
	r.load(found, format, []string{"customerId"}, sayActive(found, format, []string{"tempAllows"})...)
	return r
}

// sayActive puts the last activity into the line as the import reads it, and its
// attribute beside those that are left out. One that is no time stays as it is, and the
// import refuses it.
func sayActive(found attribute.Item, format map[string]any, without []string) []string {
	at := attribute.ReadNumber(found, "activeAt")
	if at < 1 || time.UnixMilli(at).UTC().Year() > 9999 {
		return without
	}
	format["activeAt"] = time.UnixMilli(at).UTC().Format("2006-01-02T15:04:05.000Z")
	return append(without, "activeAt")
}

// load makes the line for the import of an item's attributes but for its key and those in
// without, and of what the format adds, and gives the item that the import would store in
// found's place. The record has a fault when the import would store none there.
func (r *record) load(
	found attribute.Item, format map[string]any, key []string, without ...string,
) attribute.Item {
	fields, known := members(found, slices.Concat(key, without)...)
	for name, value := range format {
		_, twice := fields[name]
		known = known && !twice
		fields[name] = value
	}
	line, err := json.Marshal(fields, json.Deterministic(true))
	if err != nil || !known {
		r.fault = "it has an attribute that JSON cannot hold, or two of one name"
		return nil
	}
	r.line = append(line, '\n')
	items, err := importer.Items(line)
	if err != nil {
		r.fault = err.Error()
		return nil
	}
	for _, item := range items {
		elsewhere := func(name string) bool { return !reflect.DeepEqual(item[name], found[name]) }
		if !slices.ContainsFunc(key, elsewhere) {
			return item
		}
	}
	r.fault = "the import would file it in another place"
	return nil
}

// members are an item's attributes but for its keys, and what lies in the map data, as
// JSON has them; known is false when two have one name, or JSON has no such type.
func members(found attribute.Item, keys ...string) (fields map[string]any, known bool) {
	flat := maps.Clone(found)
	maps.DeleteFunc(flat, func(name string, _ types.AttributeValue) bool { return slices.Contains(keys, name) })
	known = true
	if data, isMap := found["data"].(*types.AttributeValueMemberM); isMap {
		delete(flat, "data")
		for name, value := range data.Value {
			known = known && flat[name] == nil
			flat[name] = value
		}
	}
	fields = make(map[string]any, len(flat))
	for name, value := range flat {
		plainValue, ok := plain(value)
		fields[name], known = plainValue, known && ok
	}
	return fields, known
}

// plain is an attribute's value as JSON has it; false when it has none such.
func plain(from types.AttributeValue) (value any, known bool) {
	switch a := from.(type) {
	case *types.AttributeValueMemberS:
		return a.Value, true
	case *types.AttributeValueMemberN:
		return jsontext.Value(a.Value), true // every digit
	case *types.AttributeValueMemberBOOL:
		return a.Value, true
	case *types.AttributeValueMemberNULL:
		return nil, true
	case *types.AttributeValueMemberM:
		return members(attribute.Item{"data": a})
	case *types.AttributeValueMemberL:
		list := make([]any, len(a.Value))
		for i, member := range a.Value {
			if list[i], known = plain(member); !known {
				return nil, false
			}
		}
		return list, true
	}
	return nil, false
}
