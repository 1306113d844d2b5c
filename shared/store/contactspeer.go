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

// unreadableParties is a condition that holds while a copy's parties cannot be read. It
// names one fault in them, so it is small, however much it is that stands there.
type unreadableParties struct {
	condition string
	odd       types.AttributeValue // the value :odd in it
}

// faultIn is what Parties cannot read in value, nil where it can read all of it.
func faultIn(value types.AttributeValue) *unreadableParties {
	if _, whole := Parties(value); whole {
		return nil
	}
	switch v := value.(type) {
	case *types.AttributeValueMemberSS:
		return &unreadableParties{"contains(parties, :odd)", text("")}
	case *types.AttributeValueMemberL:
		for i, member := range v.Value {
			if s, ok := member.(*types.AttributeValueMemberS); !ok {
				return &unreadableParties{fmt.Sprintf("attribute_type(parties[%d], :odd)", i), text(typeOf(member))}
			} else if s.Value == "" {
				return &unreadableParties{fmt.Sprintf("parties[%d] = :odd", i), s}
			}
		}
		return &unreadableParties{"size(parties) = :odd", number(0)}
	}
	return &unreadableParties{"attribute_type(parties, :odd)", text(typeOf(value))}
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

// peerCondition is the condition on which the contact's copy under another number goes.
// The copy is gone already, or belongs to a contact with Own, or its parties still cannot
// be read, as readPeer found.
func (e Erasable) peerCondition(number string) (condition string, values object) {
	if fault, ok := e.unreadable[number]; ok {
		return "(attribute_not_exists(party) OR " + fault.condition + ") AND " + unmarked, object{":odd": fault.odd}
	}
	return "(attribute_not_exists(party) OR attribute_not_exists(parties) OR contains(parties, :own)) AND " + unmarked,
		object{":own": text(e.Own)}
}

// Takes says whether a copy of the contact under another number, with these parties, goes
// with the deletion of the contact: what peerCondition and readPeer come to.
func (e Erasable) Takes(parties Stored) bool {
	if parties == nil {
		return true
	}
	numbers, whole := parties.Parties()
	return !whole || slices.Contains(numbers, e.Own)
}

// MarksElsewhere is the copies of the contact that holds keep, or have kept, under other
// numbers than those in Copies: what its deletion would meet there.
func (c Contacts) MarksElsewhere(ctx context.Context, tenant string, e Erasable) (marked []KeptCopy, err error) {
	for _, number := range e.filed(tenant).Copies[len(e.Copies):] {
		_, marks, err := c.readPeer(ctx, tenant, &e, number)
		if err != nil {
			return nil, err
		}
		if marks != nil && (marks.Foreign || len(marks.Holds) > 0) {
			marked = append(marked, KeptCopy{Contact: e.Contact, Number: number, Marks: *marks})
		}
	}
	return marked, nil
}

// readPeer looks at the contact's copy under another number, after DynamoDB has said that
// the copy does not name Own.
//
// ours is true where the parties of that copy cannot be read. Since the copy under Own
// names the number, this one is taken for a copy of the same contact, and peerCondition
// lets it go while its parties cannot be read. ours is false where the copy belongs to a
// contact that was filed again without Own, or has changed since. A second look at the
// same copy always says false: a writer who keeps changing it keeps nobody waiting.
//
// marks are those of a copy that holds keep, and that is not of another contact. They are
// empty where it was kept a moment ago: the caller reads the contact again.
func (c Contacts) readPeer(ctx context.Context, tenant string, e *Erasable, number string) (
	ours bool, marks *Marks, err error,
) {
	_, again := e.unreadable[number]
	share := c.Limiter.peerShare() // not the one that the caller's pages are in
	defer share.Release()
	in := &dynamodb.QueryInput{ // as everything else is read: no right to GetItem is needed
		TableName:              &c.Table,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("party = :party AND contact = :contact"),
		ProjectionExpression:   aws.String("parties, held"),
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
	var fault *unreadableParties
	there, other := false, false // other: of a contact without Own
	if err == nil {
		err = read.each("parties", func(copy object, parties Stored) {
			there, other = true, parties != nil && !e.Takes(parties)
			if marks = readMarks(copy); parties != nil {
				fault = faultIn(parties.Value())
			}
		})
	}
	if err != nil {
		return false, nil, failed("contacts: read copy", err)
	}
	switch {
	case other || again && marks == nil || !there:
		return false, nil, nil
	case marks != nil:
		return false, marks, nil
	case fault == nil:
		return false, &Marks{}, nil // it was kept when the condition was looked at
	}
	if e.unreadable == nil {
		e.unreadable = make(map[string]unreadableParties)
	}
	e.unreadable[number] = *fault
	return true, nil, nil
}
