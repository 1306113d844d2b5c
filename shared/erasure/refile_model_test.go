package erasure

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"customercare/infra/attribute"
	"customercare/shared/store"
)

// fileAgain files a contact again under other numbers, or under the same, as a writer
// does who keeps the rules: all copies at once, each with the marks that it has.
func (m *model) fileAgain(t *rapid.T) {
	of := map[int][]string{}
	for line, c := range m.copies {
		if _, current := m.items[line]; current && c.whole && !slices.Contains(of[c.contact], c.under) {
			of[c.contact] = append(of[c.contact], c.under)
		}
	}
	if len(of) == 0 {
		return
	}
	contact := rapid.SampledFrom(slices.Sorted(maps.Keys(of))).Draw(t, "contact")
	parties := rapid.SliceOfNDistinct(rapid.SampledFrom(numbers), 1, 3, rapid.ID).Draw(t, "parties")
	key := func(party string) item {
		return item{
			"party":   attribute.Text(store.PartyKey(m.tenant, party)),
			"contact": attribute.Text(store.ContactKey(contactTime, fmt.Sprint("c", contact))),
		}
	}
	uncertain := m.erasing(append(slices.Clone(parties), of[contact]...))
	var actions []types.TransactWriteItem
	put := map[string]item{}
	var marks []string // of any copy that stays: the contact goes as a whole
	for _, party := range numbers {
		was := m.get(t, m.Kit.Contacts.Table, key(party))
		condition, values := aws.String("attribute_not_exists(held)"), item(nil)
		if was["held"] != nil {
			condition, values = aws.String("held = :held"), item{":held": was["held"]}
		}
		switch {
		case slices.Contains(parties, party):
			filed := key(party)
			filed["parties"] = attribute.Texts(parties...)
			put[party] = maps.Clone(filed)
			if held, ok := was["held"].(*types.AttributeValueMemberSS); ok {
				filed["held"], marks = held, append(marks, held.Value...)
			}
			actions = append(actions, types.TransactWriteItem{Put: &types.Put{
				TableName: &m.Kit.Contacts.Table, Item: filed,
				ConditionExpression: condition, ExpressionAttributeValues: values,
			}})
		case was != nil:
			actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{
				TableName: &m.Kit.Contacts.Table, Key: key(party),
				ConditionExpression: condition, ExpressionAttributeValues: values,
			}})
		}
	}
	if _, err := m.Plain.TransactWriteItems(context.Background(),
		&dynamodb.TransactWriteItemsInput{TransactItems: actions}); err != nil {
		t.Fatal(err)
	}
	for line, c := range m.copies {
		if c.contact == contact {
			delete(m.items, line)
		}
	}
	for party, it := range put {
		line := m.remember(m.Kit.Contacts.Table, it, uncertain)
		m.copies[line] = filed{party, contact, parties, true}
		m.keepLater(line, parties, marks)
	}
	m.overlap = true // what was erased of it before may be counted as well
}
