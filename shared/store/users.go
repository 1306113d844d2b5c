package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Users is one item per user, key customerId: the maps registration, questions, images, phrases and devices, and
// tempAllows, which maps a temporary allow's type to {expires (Unix milliseconds), grantedBy, grantedAt}.
type Users struct {
	DB    *dynamodb.Client
	Table string
}

// ErrNoUser says that no item stands under the customerId.
var ErrNoUser = errors.New("users: no such user")

// ErrUserFull says that the user's item is so large that nothing more fits, and nothing was written.
// The same call fails in the same way until somebody makes the item smaller.
var ErrUserFull = errors.New("users: the item is full")

// mapType is how a condition writes the type of a map.
var mapType = text("M")

// TempAllow is a temporary allow of one type. It is in force while the clock is before Expires, whether or not
// anything has removed it yet: DynamoDB's own expiry takes days.
type TempAllow struct {
	Type               int
	Expires, GrantedAt time.Time
	GrantedBy          string // the operator's name
}

// CancelTempAllows leaves the user without any temporary allow: one conditional write. An empty map
// takes the place of whatever stands there, of any type, so that setting an allow finds it. Where an
// item without tempAllows has no room for even that, a second write takes the attribute away.
func (u Users) CancelTempAllows(ctx context.Context, id string) error {
	const call = "users: cancel temporary allows"
	err := u.update(ctx, call, id, "SET tempAllows = :none", map[string]types.AttributeValue{":none": object{}.value()})
	if errors.Is(err, ErrUserFull) {
		err = u.update(ctx, call, id, "REMOVE tempAllows", nil)
	}
	return err
}

// UnregisterDevices leaves the user without any device: one conditional write.
func (u Users) UnregisterDevices(ctx context.Context, id string) error {
	return u.update(ctx, "users: unregister devices", id, "REMOVE devices", nil)
}

// Reset removes registration, questions, images and phrases; devices and temporary allows stay: one conditional write.
func (u Users) Reset(ctx context.Context, id string) error {
	return u.update(ctx, "users: reset", id, "REMOVE registration, questions, images, phrases", nil)
}

func (u Users) update(ctx context.Context, call, id, expression string, values map[string]types.AttributeValue) error {
	_, err := u.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &u.Table,
		Key:                       map[string]types.AttributeValue{"customerId": text(id)},
		ConditionExpression:       aws.String("attribute_exists(customerId)"),
		UpdateExpression:          &expression,
		ExpressionAttributeValues: values,
	})
	if _, refused := conditionFailed(err); refused {
		return ErrNoUser
	}
	return notWritten(call, err)
}

// notWritten is failed for a write that may find no room in the user's item.
func notWritten(call string, err error) error {
	if tooLarge(err) {
		return ErrUserFull
	}
	return failed(call, err)
}

// SetTempAllow puts the allow in place of any other of its type: one conditional write. A user item
// without the map tempAllows, or with something else in its place, is a foreign writer's: the map
// takes that place, which costs a second write or, when somebody is at the same item, a third. A full
// item is ErrUserFull.
func (u Users) SetTempAllow(ctx context.Context, id string, allow TempAllow) error {
	const call = "users: set temporary allow"
	kind := strconv.Itoa(allow.Type)
	entry := object{
		"expires":   number(allow.Expires.UnixMilli()),
		"grantedBy": text(allow.GrantedBy),
		"grantedAt": number(allow.GrantedAt.UnixMilli()),
	}
	key := map[string]types.AttributeValue{"customerId": text(id)}
	put := func() error {
		_, err := u.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:                           &u.Table,
			Key:                                 key,
			ConditionExpression:                 aws.String("attribute_exists(customerId) AND attribute_type(tempAllows, :map)"),
			UpdateExpression:                    aws.String("SET tempAllows.#type = :allow"),
			ExpressionAttributeNames:            map[string]string{"#type": kind},
			ExpressionAttributeValues:           map[string]types.AttributeValue{":allow": entry.value(), ":map": mapType},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return err
	}
	err := put()
	item, refused := conditionFailed(err)
	if !refused {
		return notWritten(call, err)
	}
	if item == nil {
		return ErrNoUser
	}
	_, err = u.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &u.Table,
		Key:                       key,
		ConditionExpression:       aws.String("attribute_exists(customerId) AND NOT attribute_type(tempAllows, :map)"),
		UpdateExpression:          aws.String("SET tempAllows = :allows"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":allows": object{kind: entry.value()}.value(), ":map": mapType},
	})
	if _, refused := conditionFailed(err); !refused {
		return notWritten(call, err)
	}
	err = put() // the map, or the user, came or went in between
	switch item, refused := conditionFailed(err); {
	case refused && item == nil:
		return ErrNoUser
	case refused:
		return raced{"users: somebody else keeps writing tempAllows"}
	}
	return notWritten(call, err)
}
