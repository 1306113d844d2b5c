package store

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Parties is the numbers that a copy's attribute parties names: all who read contacts read
// it here. It is a list of strings, or a string set. whole is false for everything else that
// another writer may have stored: another type, an empty list, a member that is no string or
// an empty one, no attribute at all. Then nobody knows all the parties. What an erasure may
// still try is in numbers: the strings that are there, and numbers by their digits.
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

// peerCondition is the condition on which the contact's copy under another number goes: it
// is gone already, or is one of a contact with Own, or it is still what unreadable has seen.
func (e Erasable) peerCondition(number string) (condition string, values object) {
	if seen, ok := e.unreadable[number]; ok {
		return "attribute_not_exists(party) OR parties = :seen", object{":seen": seen}
	}
	return "attribute_not_exists(party) OR attribute_not_exists(parties) OR contains(parties, :own)", object{":own": text(e.Own)}
}

// readPeer looks at the copy under another number, which does not name Own where DynamoDB
// looks for it. It is true when the parties of that copy cannot be read: since Own's copy
// names the number, it is taken for one of Own's, and goes on condition that it stays as it
// was seen. False is a copy of a contact that was filed anew without Own, or one that has
// changed since; a second look at the same copy is always false, so that a writer who keeps
// changing it keeps nobody here.
func (c Contacts) readPeer(ctx context.Context, tenant string, e *Erasable, number string) (bool, error) {
	if _, twice := e.unreadable[number]; twice {
		return false, nil
	}
	out, err := c.DB.Query(ctx, &dynamodb.QueryInput{ // as they all read: no right to GetItem is needed
		TableName:              &c.Table,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("party = :party AND contact = :contact"),
		ProjectionExpression:   aws.String("parties"),
		ExpressionAttributeValues: object{
			":party": text(PartyKey(tenant, number)), ":contact": text(e.Contact),
		},
	})
	if err != nil {
		return false, failed("contacts: read copy", err)
	}
	if len(out.Items) == 0 || out.Items[0]["parties"] == nil {
		return false, nil
	}
	parties := out.Items[0]["parties"]
	if _, whole := Parties(parties); whole {
		return false, nil
	}
	if e.unreadable == nil {
		e.unreadable = make(map[string]types.AttributeValue)
	}
	e.unreadable[number] = parties
	return true, nil
}
