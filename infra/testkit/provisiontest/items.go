package provisiontest

import (
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/quotas"
)

// User is a full item as the import writes it: every attribute of a user, one device and
// two temporary allows, and one attribute that no operation knows.
func User(id string) Item {
	text, number, object := attribute.Text, attribute.Number, attribute.Map
	allow := func(expires int64) types.AttributeValue {
		return object(Item{
			"expires": number(expires), "grantedBy": text("someone"), "grantedAt": number(1690000000000),
		})
	}
	return Item{
		"customerId":   text(id),
		"registration": object(Item{"level": number(2), "at": text("2024-02-29T12:00:00Z")}),
		"questions":    object(Item{"q1": text("first pet")}),
		"images":       object(Item{"i1": &types.AttributeValueMemberB{Value: []byte{0, 255, 7}}}),
		"phrases":      object(Item{"p1": text("ünïcode <&> \u2028")}),
		"devices":      object(Item{"d1": object(Item{"name": text("phone")})}),
		"tempAllows":   object(Item{"1": allow(1700000000000), "2": allow(4100000000000)}),
		"extra": &types.AttributeValueMemberL{Value: []types.AttributeValue{
			&types.AttributeValueMemberN{Value: "1.5"}, &types.AttributeValueMemberNULL{Value: true},
		}},
	}
}

// Without is a copy of item without the attributes of those names.
func Without(item Item, names ...string) Item {
	rest := maps.Clone(item)
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// Foreign is a value of every type of DynamoDB's, as another writer of the table may
// store one in place of any attribute; nil is the attribute that is not there.
func Foreign() map[string]types.AttributeValue {
	null := &types.AttributeValueMemberNULL{Value: true}
	return map[string]types.AttributeValue{
		"absent":        nil,
		"text":          attribute.Text("none"),
		"empty text":    attribute.Text(""),
		"number":        attribute.Number(7),
		"bytes":         &types.AttributeValueMemberB{Value: []byte{0, 1}},
		"true":          &types.AttributeValueMemberBOOL{Value: true},
		"null":          null,
		"list":          attribute.Texts("1"),
		"empty list":    attribute.Texts(),
		"set of texts":  &types.AttributeValueMemberSS{Value: []string{"1"}},
		"set of number": &types.AttributeValueMemberNS{Value: []string{"1"}},
		"set of bytes":  &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
		"empty map":     attribute.Map(Item{}),
		"map":           attribute.Map(Item{"1": attribute.Text("none"), "x": null}),
	}
}

// Filled is a copy of item with a further attribute that fills it to DynamoDB's limit but
// for room bytes.
func Filled(item Item, room int) Item {
	full := maps.Clone(item)
	full["filling"] = attribute.Text("")
	free := quotas.MaxItem - quotas.Size(full) - room
	full["filling"] = attribute.Text(strings.Repeat("x", free))
	return full
}
