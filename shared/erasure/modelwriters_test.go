package erasure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"customercare/infra/attribute"
	"customercare/shared/store"
)

// record is an item of a customer's, without attributes but its key.
func (m *model) record(code, record string) item {
	return item{
		"customer": attribute.Text(store.CustomerKey(m.shop, code)), "record": attribute.Text(record),
	}
}

// named is a record with a name.
func (m *model) named(code, record string) item {
	it := m.record(code, record)
	it["name"] = attribute.Text("name")
	return it
}

// put writes an item as a well-behaved writer does: on condition that no tombstone
// stands. It reports whether it was taken.
func (m *model) put(t *rapid.T, table string, it item, guard item) bool {
	actions := []types.TransactWriteItem{{Put: &types.Put{TableName: &table, Item: it}}}
	condition := aws.String("attribute_not_exists(tombstone)")
	switch {
	case guard == nil:
	case attribute.ReadText(guard, "record") == attribute.ReadText(it, "record"):
		actions[0].Put.ConditionExpression = condition
	default:
		actions = append(actions, types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &table, Key: guard, ConditionExpression: condition}})
	}
	there := table == m.Kit.Customers.Table && m.stands(t, item{"customer": it["customer"], "record": it["record"]})
	_, err := m.Plain.TransactWriteItems(context.Background(),
		&dynamodb.TransactWriteItemsInput{TransactItems: actions})
	if _, cancelled := errors.AsType[*types.TransactionCanceledException](err); cancelled {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	if table == m.Kit.Customers.Table && !there {
		m.customers++
	}
	return true
}

// get is the item with this key, nil when there is none.
func (m *model) get(t *rapid.T, table string, key item) item {
	out, err := m.Plain.GetItem(context.Background(), &dynamodb.GetItemInput{
		TableName: &table, Key: key, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

// stands says whether there is such a customer or transaction; a tombstone is none.
func (m *model) stands(t *rapid.T, key item) bool {
	it := m.get(t, m.Kit.Customers.Table, key)
	return it != nil && store.Tombstone(it["tombstone"]) == ""
}

// writeOver writes as a writer without conditions does, over a tombstone or behind it:
// what comes while the erasure is open goes with it.
func (m *model) writeOver(t *rapid.T) {
	code := rapid.SampledFrom(codes).Draw(t, "code")
	it := m.named(code, store.CustomerRecord)
	// More often the customer.
	if n := rapid.IntRange(0, 40).Draw(t, "transaction"); n > 20 {
		it["record"] = attribute.Text(store.TransactionRecord("c", fmt.Sprint("t", n)))
	}
	m.write(t, code, it, nil)
}

// write puts a customer's item. What comes while the erasure is open, because no
// tombstone stands or nobody looks for one, goes with it.
func (m *model) write(t *rapid.T, code string, it, guard item) {
	job := store.CustomerJob(m.Digests.Subject("customer", m.shop, code))
	open := m.get(t, m.Kit.Erasures.Table, item{"erasureId": attribute.Text(job)})["openShard"] != nil
	if !m.put(t, m.Kit.Customers.Table, it, guard) {
		return
	}
	m.remember(m.Kit.Customers.Table, it, len(m.holds.seen) > 0 && m.waiting(nil, code))
	if open {
		record := fmt.Sprintf(`"record":{"Value":"%s"}`, attribute.ReadText(it, "record"))
		m.doom(doomed, func(line string) bool { return m.ofCustomer(code)(line) && strings.Contains(line, record) })
	}
}

func (m *model) writeCustomer(t *rapid.T) {
	code := rapid.SampledFrom(codes).Draw(t, "code")
	key := m.record(code, store.CustomerRecord)
	it := m.named(code, store.CustomerRecord)
	if n := rapid.IntRange(0, 40).Draw(t, "transaction"); n > 0 {
		it["record"] = attribute.Text(store.TransactionRecord("c", fmt.Sprint("t", n)))
	} else if mark := anyType(t); mark != nil && rapid.Bool().Draw(t, "marked") {
		it["tombstone"] = mark
	}
	m.write(t, code, it, key)
}

// writeTransactions adds more transactions than go with the opening of a job.
func (m *model) writeTransactions(t *rapid.T) {
	code := rapid.SampledFrom(codes).Draw(t, "code")
	key := m.record(code, store.CustomerRecord)
	for i := range store.FewRecords + 1 {
		m.write(t, code, m.named(code, store.TransactionRecord("c", fmt.Sprint("t", i))), key)
	}
}

func (m *model) writeContact(t *rapid.T) {
	parties := []string{rapid.SampledFrom(numbers).Draw(t, "from"), rapid.SampledFrom(numbers).Draw(t, "to")}
	if parties[0] == parties[1] {
		parties = parties[:1]
	}
	m.contacts++
	erasing := m.erasing(parties)
	stored := partiesOf(t, parties)
	_, whole := store.Parties(stored)
	for _, party := range parties {
		it := item{
			"party":   attribute.Text(store.PartyKey(m.tenant, party)),
			"contact": attribute.Text(store.ContactKey(contactTime, fmt.Sprint("c", m.contacts))),
		}
		if stored != nil {
			it["parties"] = stored
		}
		m.put(t, m.Kit.Contacts.Table, it, nil)
		line := m.remember(m.Kit.Contacts.Table, it, erasing)
		m.copies[line] = filed{party, m.contacts, parties, whole}
		if whole {
			m.keepLater(line, parties, nil)
		}
	}
}

// erasing says whether an open job may still erase contacts of these parties: then a
// contact written now may go too.
func (m *model) erasing(parties []string) bool {
	if len(m.holds.seen) > 0 && m.waiting(parties, "") {
		return true
	}
	return slices.ContainsFunc(m.ledger(m.tb).all, func(e entry) bool {
		list := strings.HasPrefix(e.key, "identifiers-") // of a job with many numbers
		return (e.shard != "" || list) && slices.ContainsFunc(parties, e.has)
	})
}

func (m *model) remember(table string, it item, uncertain bool) (line string) {
	text, err := json.Marshal(it)
	if err != nil {
		m.tb.Fatal(err)
	}
	line = table + " " + string(text)
	m.replace(it, line)
	m.items[line] = lives
	if uncertain {
		m.items[line] = maybe
	}
	return line
}
