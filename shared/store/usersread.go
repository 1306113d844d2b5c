package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Provision is what a user has. Counts are 0 for what is not there, or is another
// writer's and has no members.
type Provision struct {
	Registered bool
	Questions  int
	Images     int
	Phrases    int
	Devices    int
	Allows     []Allow // that are in force, sorted by type
}

// ReadProvision reads what a user has at the time at: one strongly consistent read.
// ErrNoUser.
func (u Users) ReadProvision(ctx context.Context, id string, kinds AllowTypes, at time.Time) (Provision, error) {
	out, err := u.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &u.Table, Key: object{"customerId": text(id)}, ConsistentRead: aws.Bool(true),
		ProjectionExpression: aws.String("customerId, registration, questions, images, phrases, devices, tempAllows"),
	})
	if err != nil {
		return Provision{}, failed("users: read provision", err)
	}
	if len(out.Item) == 0 {
		return Provision{}, ErrNoUser
	}
	item := object(out.Item)
	return Provision{
		Registered: isThere(item["registration"]),
		Questions:  members(item["questions"]), Images: members(item["images"]),
		Phrases: members(item["phrases"]), Devices: members(item["devices"]),
		Allows: kinds.inForce(item, at),
	}, nil
}

// isThere says whether an attribute has a value, of whatever type but null.
func isThere(value types.AttributeValue) bool {
	null, isNull := value.(*types.AttributeValueMemberNULL)
	return value != nil && !(isNull && null.Value)
}

// members is how many members a map, a list or a set has. Nothing else has any.
func members(value types.AttributeValue) int {
	switch v := value.(type) {
	case *types.AttributeValueMemberM:
		return len(v.Value)
	case *types.AttributeValueMemberL:
		return len(v.Value)
	case *types.AttributeValueMemberSS:
		return len(v.Value)
	case *types.AttributeValueMemberNS:
		return len(v.Value)
	case *types.AttributeValueMemberBS:
		return len(v.Value)
	}
	return 0
}
