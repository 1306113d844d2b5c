package attribute

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json/jsontext"
)

// AppendJSON appends an item, or a map in one, as DynamoDB writes it in JSON: each value
// beside the name of its type, the names in order.
func AppendJSON(to []byte, members Item) []byte {
	to = append(to, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendText(to, name), ':')
		to = appendValue(to, members[name])
	}
	return append(to, '}')
}

func appendValue(to []byte, value types.AttributeValue) []byte {
	switch a := value.(type) {
	case *types.AttributeValueMemberS:
		to = appendText(append(to, `{"S":`...), a.Value)
	case *types.AttributeValueMemberN:
		to = appendText(append(to, `{"N":`...), a.Value)
	case *types.AttributeValueMemberB:
		to = appendBytes(append(to, `{"B":`...), a.Value)
	case *types.AttributeValueMemberSS:
		to = appendList(append(to, `{"SS":`...), a.Value, appendText)
	case *types.AttributeValueMemberNS:
		to = appendList(append(to, `{"NS":`...), a.Value, appendText)
	case *types.AttributeValueMemberBS:
		to = appendList(append(to, `{"BS":`...), a.Value, appendBytes)
	case *types.AttributeValueMemberBOOL:
		if a.Value {
			return append(to, `{"BOOL":true}`...)
		}
		return append(to, `{"BOOL":false}`...)
	case *types.AttributeValueMemberM:
		to = AppendJSON(append(to, `{"M":`...), a.Value)
	case *types.AttributeValueMemberL:
		to = appendList(append(to, `{"L":`...), a.Value, appendValue)
	case nil, *types.AttributeValueMemberNULL:
		return append(to, `{"NULL":true}`...)
	default: // a value that is left out would be lost without a word
		panic(fmt.Sprintf("attribute: no JSON for %T", value))
	}
	return append(to, '}')
}

func appendList[E any](to []byte, members []E, each func([]byte, E) []byte) []byte {
	to = append(to, '[')
	for i, member := range members {
		if i > 0 {
			to = append(to, ',')
		}
		to = each(to, member)
	}
	return append(to, ']')
}

// appendText appends a text. What is not UTF-8 would be replaced: DynamoDB has none.
func appendText(to []byte, text string) []byte {
	to, _ = jsontext.AppendQuote(to, text)
	return to
}

func appendBytes(to, bytes []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(to, '"'), bytes), '"')
}
