package importer_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
)

// A contact that a hold keeps stays as it is: loaded again, with the same numbers or with
// others, it would lose its mark, and an erasure would take it.
func TestHeldContactsStay(t *testing.T) {
	kit := dynamotest.Open(t)
	mustLoad(t, kit, contactLine(1, "a", "b"))
	kit.Put(t, kit.Contacts.Table, map[string]types.AttributeValue{
		"party": attribute.Text("t#b"), "contact": attribute.Text("2029-01-01T00:00:00.000000000Z#1"),
		"parties": attribute.Texts("a", "b"), "held": &types.AttributeValueMemberSS{Value: []string{"case-1"}},
	})
	before := items(t, kit, kit.Contacts.Table)
	for _, line := range []string{contactLine(1, "a", "b"), contactLine(1, "a", "c"), contactLine(1, "a")} {
		_, reports, _ := load(t, kit, line)
		same(t, reports, []string{"0001: a hold keeps the contact as it is: load it when the hold is released"})
		same(t, items(t, kit, kit.Contacts.Table), before)
	}
}
