package store

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Parties is the numbers in a copy's attribute parties. All who read contacts read the
// attribute with this function. It is a list of strings, or a string set.
//
// whole is false for everything else that another writer may have stored: another type,
// an empty list, a member that is no string or an empty one, no attribute at all. Then
// nobody knows all the parties, and numbers is what an erasure may still try: the strings
// that are there, and of numbers the digits.
func Parties(value types.AttributeValue) (numbers []string, whole bool) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		numbers = []string{v.Value}
	case *types.AttributeValueMemberN:
		numbers = []string{v.Value}
	case *types.AttributeValueMemberNS:
		numbers = v.Value
	default:
		numbers, whole = Texts(value)
		if list, ok := value.(*types.AttributeValueMemberL); ok && !whole {
			for _, member := range list.Value {
				if n, ok := member.(*types.AttributeValueMemberN); ok {
					numbers = append(numbers, n.Value)
				}
			}
		}
	}
	if slices.Contains(numbers, "") {
		whole = false
		numbers = slices.DeleteFunc(slices.Clone(numbers), func(n string) bool { return n == "" })
	}
	return numbers, whole && len(numbers) > 0
}
