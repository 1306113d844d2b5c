package provisiontest

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/quotas"
)

// Foreign is a value of every type of DynamoDB's, as another writer of the table may store one in
// place of any attribute; nil is the attribute that is not there.
func Foreign() map[string]types.AttributeValue {
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	return map[string]types.AttributeValue{
		"absent":        nil,
		"text":          text("none"),
		"empty text":    text(""),
		"number":        &types.AttributeValueMemberN{Value: "7"},
		"bytes":         &types.AttributeValueMemberB{Value: []byte{0, 1}},
		"true":          &types.AttributeValueMemberBOOL{Value: true},
		"null":          &types.AttributeValueMemberNULL{Value: true},
		"list":          &types.AttributeValueMemberL{Value: []types.AttributeValue{text("1")}},
		"empty list":    &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
		"set of texts":  &types.AttributeValueMemberSS{Value: []string{"1"}},
		"set of number": &types.AttributeValueMemberNS{Value: []string{"1"}},
		"set of bytes":  &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
		"empty map":     &types.AttributeValueMemberM{Value: Item{}},
		"map":           &types.AttributeValueMemberM{Value: Item{"1": text("none"), "x": &types.AttributeValueMemberNULL{Value: true}}},
	}
}

// Filled is a copy of item with a further attribute that fills it to DynamoDB's limit but for room bytes.
func Filled(item Item, room int) Item {
	full := Without(item)
	full["filling"] = &types.AttributeValueMemberS{}
	free := quotas.MaxItem - quotas.Size(full) - room
	full["filling"] = &types.AttributeValueMemberS{Value: strings.Repeat("x", free)}
	return full
}
