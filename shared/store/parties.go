package store

import (
	"context"
	"errors"
	"fmt"
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

// peer is what shows that a copy's parties still cannot be read: a condition, which is
// small however much it is that stands there.
type peer struct {
	condition string
	odd       types.AttributeValue
}

// unreadable is how DynamoDB can tell, without the whole of it, that value is none of what
// Parties can read, nil for what it can.
func unreadable(value types.AttributeValue) *peer {
	if _, whole := Parties(value); whole {
		return nil
	}
	switch v := value.(type) {
	case *types.AttributeValueMemberSS:
		return &peer{"contains(parties, :odd)", text("")}
	case *types.AttributeValueMemberL:
		for i, member := range v.Value {
			if s, ok := member.(*types.AttributeValueMemberS); !ok {
				return &peer{fmt.Sprintf("attribute_type(parties[%d], :odd)", i), text(typeOf(member))}
			} else if s.Value == "" {
				return &peer{fmt.Sprintf("parties[%d] = :odd", i), s}
			}
		}
		return &peer{"size(parties) = :odd", number(0)}
	}
	return &peer{"attribute_type(parties, :odd)", text(typeOf(value))}
}

// typeOf is DynamoDB's name of a value's type, as a condition has it.
func typeOf(value types.AttributeValue) string {
	switch value.(type) {
	case *types.AttributeValueMemberS:
		return "S"
	case *types.AttributeValueMemberN:
		return "N"
	case *types.AttributeValueMemberB:
		return "B"
	case *types.AttributeValueMemberBOOL:
		return "BOOL"
	case *types.AttributeValueMemberNULL:
		return "NULL"
	case *types.AttributeValueMemberNS:
		return "NS"
	case *types.AttributeValueMemberBS:
		return "BS"
	case *types.AttributeValueMemberL:
		return "L"
	case *types.AttributeValueMemberSS:
		return "SS"
	}
	return "M"
}

// peerCondition is the condition on which the contact's copy under another number goes: it
// is gone already, or is one of a contact with Own, or its parties can be read no more than
// when readPeer saw them.
func (e Erasable) peerCondition(number string) (condition string, values object) {
	if seen, ok := e.unreadable[number]; ok {
		return "attribute_not_exists(party) OR " + seen.condition, object{":odd": seen.odd}
	}
	return "attribute_not_exists(party) OR attribute_not_exists(parties) OR contains(parties, :own)", object{":own": text(e.Own)}
}

// readPeer looks at the copy under another number, which does not name Own where DynamoDB
// looks for it. It is true when the parties of that copy cannot be read: since Own's copy
// names the number, it is taken for one of Own's, and goes on condition that they still
// cannot. False is a copy of a contact that was filed anew without Own, or one that has
// changed since; a second look at the same copy is always false, so that a writer who keeps
// changing it keeps nobody here.
func (c Contacts) readPeer(ctx context.Context, tenant string, e *Erasable, number string) (bool, error) {
	if _, twice := e.unreadable[number]; twice {
		return false, nil
	}
	share := c.Limiter.look() // not of what the caller has in hand
	defer share.Release()
	in := &dynamodb.QueryInput{ // as they all read: no right to GetItem is needed
		TableName:              &c.Table,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("party = :party AND contact = :contact"),
		ProjectionExpression:   aws.String("parties"),
		ExpressionAttributeValues: object{
			":party": text(PartyKey(tenant, number)), ":contact": text(e.Contact),
		},
	}
	read, err := query(share.On(ctx), c.DB, in)
	for errors.Is(err, ErrNoRoom) {
		share.Release()
		if err = share.Wait(ctx); err == nil {
			read, err = query(share.On(ctx), c.DB, in)
		}
	}
	var odd *peer
	if err == nil {
		err = read.each("parties", func(_ object, parties Stored) {
			if parties != nil {
				odd = unreadable(parties.Value())
			}
		})
	}
	if err != nil {
		return false, failed("contacts: read copy", err)
	}
	if odd == nil {
		return false, nil
	}
	if e.unreadable == nil {
		e.unreadable = make(map[string]peer)
	}
	e.unreadable[number] = *odd
	return true, nil
}
