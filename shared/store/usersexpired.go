package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Segment is one of Total equal parts of the users, and how far it has been read. Number
// counts from 0. A new Segment begins at its start.
//
// The sweep reads the whole table because an index on the expiry would cost more. Every
// setting of an allow would take 2 or 3 write units in place of 1. A sweep of 1 million
// users of 2 KB reads 2 GB, eventually consistent: 250,000 read units, about 0.03 USD in
// us-east-1 (0.125 USD a million, 2026), and one write for each user whose allows
// expired.
type Segment struct {
	Number, Total int32

	from object // the last key that was read, nil at the start
}

// Expired is a user with the temporary allows that had expired when they were read, as
// they were then.
type Expired struct {
	user   types.AttributeValue
	allows []expiredAllow
}

type expiredAllow struct {
	kind    string
	expires *types.AttributeValueMemberN
}

// Since is when the first of the allows expired.
func (e Expired) Since() time.Time {
	oldest := int64(0)
	for i, allow := range e.allows {
		if at, _ := wholePart(allow.expires.Value); i == 0 || at < oldest {
			oldest = at
		}
	}
	return time.UnixMilli(oldest)
}

// ReadExpired reads the next page of the segment and moves the segment behind it. It
// returns the users on that page whose allows had expired at the time by; more says that
// there are further pages. After an error the segment is where it was.
func (u Users) ReadExpired(ctx context.Context, segment *Segment, by time.Time) (
	users []Expired, more bool, err error,
) {
	page, err := u.DB.Scan(ctx, &dynamodb.ScanInput{
		TableName:         &u.Table,
		Segment:           &segment.Number,
		TotalSegments:     &segment.Total,
		ExclusiveStartKey: segment.from,
		// Another writer's tempAllows may be of any type, and DynamoDB has a size of only
		// some.
		FilterExpression:          aws.String("attribute_type(tempAllows, :map) AND tempAllows <> :none"),
		ProjectionExpression:      aws.String("customerId, tempAllows"),
		ExpressionAttributeValues: object{":map": mapType, ":none": object{}.value()},
	})
	if err != nil {
		return nil, false, failed("users: sweep", err)
	}
	for _, item := range page.Items {
		if allows := expiredOf(item, by); len(allows) > 0 {
			users = append(users, Expired{item["customerId"], allows})
		}
	}
	segment.from = page.LastEvaluatedKey
	return users, segment.from != nil, nil
}

// expiredOf are the allows in a user's item that had expired at the time by, sorted by
// their kind. What has no time of expiry, or one that is no time, is another writer's,
// and stays as it is.
func expiredOf(item object, by time.Time) (expired []expiredAllow) {
	allows, _ := item["tempAllows"].(*types.AttributeValueMemberM)
	if allows == nil {
		return nil
	}
	for kind, allow := range allows.Value {
		m, _ := allow.(*types.AttributeValueMemberM)
		if m == nil {
			continue
		}
		expires, _ := m.Value["expires"].(*types.AttributeValueMemberN)
		if expires == nil {
			continue
		}
		if at, err := wholePart(expires.Value); err == nil && at <= by.UnixMilli() {
			expired = append(expired, expiredAllow{kind, expires})
		}
	}
	slices.SortFunc(expired, func(a, b expiredAllow) int { return strings.Compare(a.kind, b.kind) })
	return expired
}

// removedAtOnce is how many allows of a user one write removes. DynamoDB takes
// expressions of at most 4 KB and 300 operators. The condition is the longer one, of 36
// bytes and two operators for each allow. Few users have more than three kinds of allows.
const removedAtOnce = 50

// RemoveExpired removes the allows of one user, and returns how many. Each goes only
// while it is as it was read: never one that was renewed in the meantime. Where one of
// those in the same write has changed, that write removes nothing, and the next sweep
// looks again. The error is that of the first write that failed; the others were made
// nevertheless.
func (u Users) RemoveExpired(ctx context.Context, user Expired) (removed int, err error) {
	for allows := range slices.Chunk(user.allows, removedAtOnce) {
		writeErr := u.remove(ctx, user.user, allows)
		_, changed := conditionFailed(writeErr)
		switch {
		case writeErr == nil:
			removed += len(allows)
		case changed: // one was set again or cancelled
		case err == nil:
			err = failed("users: remove expired allows", writeErr)
		}
	}
	return removed, err
}

// remove removes allows of one user in one write, if all are as they were read.
func (u Users) remove(ctx context.Context, user types.AttributeValue, allows []expiredAllow) error {
	names, values := make(map[string]string, len(allows)), make(object, len(allows))
	remove, unchanged := make([]string, len(allows)), make([]string, len(allows))
	for i, allow := range allows {
		name, value := fmt.Sprint("#t", i), fmt.Sprint(":e", i)
		names[name], values[value] = allow.kind, allow.expires
		remove[i] = "tempAllows." + name
		unchanged[i] = "tempAllows." + name + ".expires = " + value
	}
	_, err := u.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &u.Table,
		Key:                       object{"customerId": user},
		UpdateExpression:          aws.String("REMOVE " + strings.Join(remove, ", ")),
		ConditionExpression:       aws.String(strings.Join(unchanged, " AND ")),
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	})
	return err
}
