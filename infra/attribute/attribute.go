// Package attribute builds and reads DynamoDB's attribute values, for the programs and
// tests around the product. It needs nothing but the SDK's types, so that small programs
// stay small.
package attribute

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Item is a stored item, or the members of a map within one.
type Item = map[string]types.AttributeValue

// Text is a string attribute.
func Text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// Texts is a list of strings.
func Texts(all ...string) types.AttributeValue {
	list := make([]types.AttributeValue, len(all))
	for i, s := range all {
		list[i] = Text(s)
	}
	return &types.AttributeValueMemberL{Value: list}
}

// Number is a number attribute.
func Number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// Digits is a number attribute whose digits are as written, for example "1.50".
func Digits(number string) types.AttributeValue { return &types.AttributeValueMemberN{Value: number} }

// List is a list attribute.
func List(members ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: members}
}

// Map is a map attribute.
func Map(members Item) types.AttributeValue { return &types.AttributeValueMemberM{Value: members} }

// ReadText is a string attribute of an item, "" when there is none of that name and type.
func ReadText(item Item, name string) string {
	value, _ := item[name].(*types.AttributeValueMemberS)
	if value == nil {
		return ""
	}
	return value.Value
}

// ReadNumber is an integer attribute of an item, 0 when there is none of that name and
// type.
func ReadNumber(item Item, name string) int64 {
	value, _ := item[name].(*types.AttributeValueMemberN)
	if value == nil {
		return 0
	}
	n, _ := strconv.ParseInt(value.Value, 10, 64)
	return n
}

// ReadMap is the members of a map attribute of an item, nil when there is none of that
// name and type.
func ReadMap(item Item, name string) Item {
	value, _ := item[name].(*types.AttributeValueMemberM)
	if value == nil {
		return nil
	}
	return value.Value
}
