package importer

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/quotas"
	"customercare/shared/store"
)

// Items makes the items that the line of a user, a customer, a transaction or a contact
// is stored as: a contact is one item for each of its parties. It writes nothing. The
// error is a sentence without any value.
func Items(line []byte) ([]attribute.Item, error) {
	r, err := parse(line)
	if err != nil {
		return nil, err
	}
	return r.items(), nil
}

func (r *record) items() []object {
	if r.contact != nil {
		return r.copies()
	}
	return []object{r.item}
}

// check refuses a record of which an item would break one of DynamoDB's limits, because a
// local engine may not know them. It sets size.
func (r *record) check() error {
	var partition, sort string
	items := r.items()
	switch r.kind {
	case user:
		partition = "customerId"
		item := maps.Clone(r.item)
		item["tempAllows"] = &types.AttributeValueMemberM{} // the map that always stands, empty at least
		items[0] = item
	case customer, transaction:
		partition, sort = "customer", "record"
	case contactKind:
		partition, sort = "party", "contact"
	default:
		partition = "principal"
	}
	for _, item := range items {
		if err := quotas.Check(item, partition, sort); err != nil {
			return refuse("the record %s", err)
		}
		r.size += quotas.Size(item)
	}
	if r.contact != nil && r.size > maxTransaction {
		return refuse("the record is too large to be filed under %d numbers at once (%d bytes together)",
			len(items), maxTransaction)
	}
	return nil
}

// copies are the items that a contact is filed as, one for each of its parties.
func (r *record) copies() []object {
	var all []object
	for _, number := range r.contact.parties {
		item := maps.Clone(r.item)
		item["party"] = attribute.Text(store.PartyKey(r.contact.tenant, number))
		all = append(all, item)
	}
	return all
}
