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

// Users is one item for each user, key customerId. It has the maps registration,
// questions, images, phrases and devices, the map tempAllows from a temporary allow's
// type to {expires (Unix milliseconds), grantedBy, grantedAt}, and activeAt
// (usersage.go). An allow for a single use that is used up has usedAt and usedBy besides
// (usersuse.go).
type Users struct {
	DB    *dynamodb.Client
	Table string
}

// ErrNoUser says that there is no item with the customerId. Nothing was written.
var ErrNoUser = errors.New("users: no such user")

// ErrUserFull says that the user's item is so large that nothing more fits. Nothing was
// written. The same call fails in the same way until somebody makes the item smaller.
var ErrUserFull = errors.New("users: the item is full")

// mapType is the type of a map, as a condition has it.
var mapType = text("M")

// TempAllow is a temporary allow of one type. It is in force while the clock is before
// Expires, whether or not anything has removed it yet (RemoveExpired).
type TempAllow struct {
	Type               int
	Expires, GrantedAt time.Time
	GrantedBy          string // the operator's name
}

// CancelTempAllows leaves the user without any temporary allow: one conditional write,
// which notes the time at as the user's last activity. An empty map replaces whatever
// stands there, of any type, so that SetTempAllow finds a map. Where the item has no room
// for that, a second write takes the attribute away. ErrNoUser.
func (u Users) CancelTempAllows(ctx context.Context, id string, at time.Time) error {
	return u.change(ctx, "users: cancel temporary allows", id, at, object{":none": object{}.value()},
		"SET activeAt = :activeAt, tempAllows = :none", "REMOVE activeAt, tempAllows", ":none")
}

// UnregisterDevices leaves the user without any device: one conditional write, which
// notes the time at as the user's last activity. ErrNoUser.
func (u Users) UnregisterDevices(ctx context.Context, id string, at time.Time) error {
	return u.change(ctx, "users: unregister devices", id, at, nil,
		"SET activeAt = :activeAt REMOVE devices", "REMOVE activeAt, devices")
}

// Reset removes registration, questions, images and phrases: one conditional write, which
// notes the time at as the user's last activity. Devices and temporary allows stay.
// ErrNoUser.
func (u Users) Reset(ctx context.Context, id string, at time.Time) error {
	return u.change(ctx, "users: reset", id, at, nil,
		"SET activeAt = :activeAt REMOVE registration, questions, images, phrases",
		"REMOVE activeAt, registration, questions, images, phrases")
}

// change is one write of a user who exists.
func (u Users) change(
	ctx context.Context, call, id string, at time.Time, values object, update, full string, drop ...string,
) error {
	err := u.write(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &u.Table,
		Key:                       object{"customerId": text(id)},
		ConditionExpression:       aws.String("attribute_exists(customerId)"),
		ExpressionAttributeValues: values,
	}, at, update, full, drop...)
	if _, conflict := conditionFailed(err); conflict {
		return ErrNoUser
	}
	return notWritten(call, err)
}

// notWritten is failed for a write that may find no room in the user's item: ErrUserFull.
func notWritten(call string, err error) error {
	if tooLarge(err) {
		return ErrUserFull
	}
	return failed(call, err)
}

// Conditions of SetTempAllow: the user exists, with the map tempAllows or without.
const (
	userWithMap    = "attribute_exists(customerId) AND attribute_type(tempAllows, :map)"
	userWithoutMap = "attribute_exists(customerId) AND NOT attribute_type(tempAllows, :map)"
)

// SetTempAllow puts the allow in place of any other of its type: one conditional write,
// which notes GrantedAt as the user's last activity. ErrNoUser, ErrUserFull.
//
// An item without the map tempAllows, or with something else in its place, is another
// writer's. Then a second write puts the map there. Where somebody else has put the map
// there in the meantime, a third is as the first.
func (u Users) SetTempAllow(ctx context.Context, id string, allow TempAllow) error {
	const call = "users: set temporary allow"
	kind := strconv.Itoa(allow.Type)
	entry := object{
		"expires":   number(allow.Expires.UnixMilli()),
		"grantedBy": text(allow.GrantedBy),
		"grantedAt": number(allow.GrantedAt.UnixMilli()),
	}
	key := object{"customerId": text(id)}
	put := func() error {
		return u.write(ctx, &dynamodb.UpdateItemInput{
			TableName:                           &u.Table,
			Key:                                 key,
			ConditionExpression:                 aws.String(userWithMap),
			ExpressionAttributeNames:            map[string]string{"#type": kind},
			ExpressionAttributeValues:           object{":allow": entry.value(), ":map": mapType},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}, allow.GrantedAt, "SET activeAt = :activeAt, tempAllows.#type = :allow",
			"SET tempAllows.#type = :allow REMOVE activeAt")
	}
	err := put()
	item, conflict := conditionFailed(err)
	if !conflict {
		return notWritten(call, err)
	}
	if item == nil {
		return ErrNoUser
	}
	err = u.write(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &u.Table,
		Key:                       key,
		ConditionExpression:       aws.String(userWithoutMap),
		ExpressionAttributeValues: object{":allows": object{kind: entry.value()}.value(), ":map": mapType},
	}, allow.GrantedAt, "SET activeAt = :activeAt, tempAllows = :allows", "SET tempAllows = :allows REMOVE activeAt")
	if _, conflict := conditionFailed(err); !conflict {
		return notWritten(call, err)
	}
	err = put() // the map, or the user, came or went in between
	switch item, conflict := conditionFailed(err); {
	case conflict && item == nil:
		return ErrNoUser
	case conflict:
		return raced{"users: somebody else keeps writing tempAllows"}
	}
	return notWritten(call, err)
}
