package restore

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/rfc3339"
	"customercare/shared/store"
)

// record is an item in the words of the format that `customercare import` reads.
type record struct {
	// key is whom it is filed under: kind, account or tenant, identifier; nil when its
	// key tells nobody.
	key       []string
	at        string         // of a contact: its time
	contact   string         // of a contact: the same for all its copies
	subjects  [][]string     // whom it is about, each as in key
	tombstone bool           // of an erasure that was open at the table's time
	fields    map[string]any // nil for the further copies of a contact
	fault     string         // why it cannot be read, without any value; "" when it can
}

// read makes a record of an item. One that is not stored as the import stores it has a
// fault: loaded again it would be filed in another place than it was, where an erasure
// has not looked, or may not look.
func read(found attribute.Item) (r record) {
	customer, contact := parts(found, "customer"), parts(found, "contact")
	party, place := parts(found, "party"), parts(found, "record")
	switch {
	case len(customer) == 2:
		r.key = []string{"customer", customer[0], customer[1]}
		r.readCustomer(found, place)
	case len(party) == 2:
		r.key = []string{"number", party[0], party[1]}
		r.contact = store.JoinKey(party[0], attribute.ReadText(found, "contact"))
		r.readContact(found, contact)
	default:
		r.fault = "its key is none of a customer, a transaction or a contact"
	}
	return r
}

// parts are those of a key, nil when it was not joined of any.
func parts(found attribute.Item, name string) []string {
	key := attribute.ReadText(found, name)
	if all := store.SplitKey(key); store.JoinKey(all[0], all[1:]...) == key {
		return all
	}
	return nil
}

func (r *record) readCustomer(found attribute.Item, place []string) {
	fields := r.data(found, "customer", "record", "tombstone")
	isCustomer := len(place) == 1 && place[0] == store.CustomerRecord
	tombstone := found["tombstone"]
	switch {
	case !isCustomer && !(len(place) == 3 && place[0] == "txn"):
		r.fault = "it is neither a customer nor a transaction"
	case tombstone != nil && !(isCustomer && store.Tombstone(tombstone) != ""):
		r.fault = "it has a tombstone that no erasure has put"
	case isCustomer:
		r.tombstone = tombstone != nil
		r.set(fields, "kind", "customer", "accountId", r.key[1], "code", r.key[2])
	default:
		r.set(fields, "kind", "transaction", "accountId", r.key[1], "code", r.key[2],
			"campaignId", place[1], "transactionId", place[2])
	}
	r.subjects, r.fields = [][]string{r.key}, fields
}

func (r *record) readContact(found attribute.Item, contact []string) {
	tenant, number := r.key[1], r.key[2]
	fields := r.data(found, "party", "contact", "parties")
	parties, whole := store.Parties(found["parties"])
	switch at, timed := rfc3339.Parse(first(contact)); {
	case len(contact) != 2 || !timed || store.ContactKey(at, contact[1]) != attribute.ReadText(found, "contact"):
		r.fault = "its key is none of a contact"
		return
	case !whole:
		r.at, r.fault = contact[0], "its parties are no list of numbers"
		return
	case !slices.Contains(parties, number):
		r.at, r.fault = contact[0], "its parties lack the number that it is filed under"
		return
	default:
		r.at = contact[0]
		if given, ok := fields["at"].(string); ok {
			if other, ok := rfc3339.Parse(given); !ok || !other.Equal(at) {
				r.fault = "its time is another than that of its key"
			}
		} else {
			r.fault = "it has no time"
		}
	}
	for _, party := range parties {
		r.subjects = append(r.subjects, []string{"number", tenant, party})
	}
	named, ok := numbers(fields)
	switch {
	case !ok || len(named) > 0 && !same(named, parties):
		r.fault = "callingNumber, calledNumber and customNos are not its parties"
	case len(named) == 0:
		fields["customNos"] = parties
	}
	r.set(fields, "kind", "contact", "tenantId", tenant, "contactId", contact[1])
	if slices.Min(parties) == number { // the others are copies
		r.fields = fields
	}
}

func first(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return parts[0]
}

// numbers are those that the import files a contact under; false when it would refuse
// them.
func numbers(fields map[string]any) (all []string, ok bool) {
	var given []any
	for _, name := range []string{"callingNumber", "calledNumber"} {
		if value, there := fields[name]; there {
			given = append(given, value)
		}
	}
	if value, there := fields["customNos"]; there {
		list, isList := value.([]any)
		if !isList {
			return nil, false
		}
		given = append(given, list...)
	}
	for _, value := range given {
		number, isText := value.(string)
		if !isText {
			return nil, false
		}
		all = append(all, number)
	}
	return all, true
}

// same says whether two lists name the same numbers, in whatever order and however often.
func same(a, b []string) bool {
	sorted := func(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
	return slices.Equal(sorted(a), sorted(b))
}

// set adds fields of the format, in pairs of name and value.
func (r *record) set(fields map[string]any, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		for name := range fields {
			if strings.EqualFold(name, pairs[i]) { // the import refuses other cases of its names
				r.fault = "an attribute has the name of one of the import's fields"
			}
		}
		fields[pairs[i]] = pairs[i+1]
	}
}

// data are an item's attributes but for its keys, and what lies in the map data, as
// JSON has them. The record has a fault when two have one name, or JSON has no such
// type.
func (r *record) data(found attribute.Item, keys ...string) map[string]any {
	fields, known := members(found, keys...)
	if !known {
		r.fault = "it has an attribute that JSON cannot hold, or two of one name"
	}
	return fields
}

func members(found attribute.Item, keys ...string) (fields map[string]any, known bool) {
	fields, known = map[string]any{}, true
	add := func(all attribute.Item) {
		for name, value := range all {
			plainValue, ok := plain(value)
			_, twice := fields[name]
			known = known && ok && !twice
			fields[name] = plainValue
		}
	}
	for name, value := range found {
		inner, isMap := value.(*types.AttributeValueMemberM)
		switch {
		case name == "data" && isMap:
			add(inner.Value)
		case !slices.Contains(keys, name):
			add(attribute.Item{name: value})
		}
	}
	return fields, known
}

// plain is an attribute's value as JSON has it; false when it has none such.
func plain(from types.AttributeValue) (value any, known bool) {
	switch a := from.(type) {
	case *types.AttributeValueMemberS:
		return a.Value, true
	case *types.AttributeValueMemberN:
		return json.Number(a.Value), true // every digit
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
