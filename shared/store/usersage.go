package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A user's attribute activeAt (Unix milliseconds) is the time of the last activity.
// Operations 1 and 2 write it with all else that they write, in the same call. Nothing
// else is activity: neither the sweep of expired allows nor a load of other fields.
//
// A write that is sent again after a lost answer carries the time of its own call. It can
// put activeAt back behind a later call's time, by less than a function may run. That is
// less than the ClockSkew by which every cutoff of a rule lies earlier.

// write makes an update of a user that notes the time at, in :activeAt, as the last
// activity. An item that has no room for that is given the update full in its place,
// which needs none of the values in drop and keeps no older time either: a user whose age
// nobody can tell stays. That takes a second call, for such an item only. The errors are
// the SDK's.
func (u Users) write(
	ctx context.Context, in *dynamodb.UpdateItemInput, at time.Time, update, full string, drop ...string,
) error {
	_, err := u.update(ctx, in, at, update, full, drop...)
	return err
}

// update is write, with DynamoDB's answer.
func (u Users) update(
	ctx context.Context, in *dynamodb.UpdateItemInput, at time.Time, update, full string, drop ...string,
) (*dynamodb.UpdateItemOutput, error) {
	values := in.ExpressionAttributeValues
	if values == nil {
		values = object{}
		in.ExpressionAttributeValues = values
	}
	values[":activeAt"], in.UpdateExpression = millis(at), &update
	out, err := u.DB.UpdateItem(ctx, in)
	if tooLarge(err) {
		delete(values, ":activeAt")
		for _, name := range drop {
			delete(values, name)
		}
		if in.UpdateExpression = &full; len(values) == 0 {
			in.ExpressionAttributeValues = nil
		}
		out, err = u.DB.UpdateItem(ctx, in)
	}
	return out, err
}

// LastActive is the time that a user's age is taken from: the latest of activeAt and the
// ends of all temporary allows, in force or not. known is false for a user who has no
// activeAt, or anything among the allows of which nobody can say when it ends. Such a
// user stays.
func LastActive(user map[string]types.AttributeValue) (at time.Time, known bool) {
	item := object(user)
	latest := item.number("activeAt")
	if latest < 1 {
		return time.Time{}, false
	}
	if value, there := item["tempAllows"]; there {
		allows, isMap := value.(*types.AttributeValueMemberM)
		if !isMap {
			return time.Time{}, false
		}
		for _, allow := range allows.Value {
			entry, _ := allow.(*types.AttributeValueMemberM)
			if entry == nil {
				return time.Time{}, false
			}
			expires, _ := entry.Value["expires"].(*types.AttributeValueMemberN)
			if expires == nil {
				return time.Time{}, false
			}
			ends, err := wholePart(expires.Value)
			if err != nil {
				return time.Time{}, false
			}
			latest = max(latest, ends)
		}
	}
	return time.UnixMilli(latest), true
}

// Conditions of EraseInactive: no activity since the cutoff, and allows that are none, or
// as they were seen.
const (
	withoutAllows = inactive + " AND (attribute_not_exists(tempAllows) OR tempAllows = :allows)"
	withAllows    = inactive + " AND tempAllows = :allows"
)

// EraseInactive deletes a user who has not been active since the cutoff, and none of
// whose temporary allows is in force at the cutoff or later. DynamoDB decides that in the
// deletion itself, by the item as it stands then. erased is false for any other user: for
// one who is not there, for one whose age nobody can tell (LastActive), and for one to
// whom somebody writes at that moment.
//
// A condition cannot look into a map whose names it does not know. So the deletion of a
// user with allows takes a second call, on condition that they are as the first saw them.
func (u Users) EraseInactive(ctx context.Context, customerID string, cutoff time.Time) (erased bool, err error) {
	const call = "users: erase inactive"
	item, gone, err := u.erase(ctx, customerID, cutoff, withoutAllows, object{}.value())
	if err != nil || gone {
		return gone, failed(call, err)
	}
	allows, isMap := item["tempAllows"].(*types.AttributeValueMemberM)
	at, known := LastActive(item)
	if !isMap || len(allows.Value) == 0 || !known || !at.Before(cutoff) {
		return false, nil
	}
	_, gone, err = u.erase(ctx, customerID, cutoff, withAllows, allows)
	return gone, failed(call, err)
}

// erase deletes a user on a condition. item is what stands there where the condition does
// not hold.
func (u Users) erase(
	ctx context.Context, customerID string, cutoff time.Time, condition string, allows types.AttributeValue,
) (item object, gone bool, err error) {
	_, err = u.DB.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &u.Table, Key: object{"customerId": text(customerID)},
		ConditionExpression: &condition,
		ExpressionAttributeValues: object{
			":one": one, ":cutoff": before(cutoff, time.Millisecond), ":allows": allows,
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if stands, conflict := conditionFailed(err); conflict {
		return stands, false, nil
	}
	return nil, err == nil, err
}
