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

// SweepTempAllows removes the expired temporary allows of one segment of the table's total, and returns how many. It
// removes each only while it is still the one that was seen expired, never one that was renewed meanwhile. What a
// failed or late run leaves, the next sweep finds; nothing depends on it, since an expired allow is never in force.
//
// Segments rather than an index: an index on the expiry would double or triple the cost of every setting of an allow (1
// write unit for the item, 1 or 2 for the index), while a sweep reads the table once, eventually consistent: 1 million
// users of 2 KB are 2 GB, 250,000 read units, about 0.03 USD in us-east-1 (0.125 USD a million, 2026). A user whose
// allows expired costs one more write.
func (u Users) SweepTempAllows(ctx context.Context, segment, total int32, now time.Time) (removed int, err error) {
	pages := dynamodb.NewScanPaginator(u.DB, &dynamodb.ScanInput{
		TableName:                 &u.Table,
		Segment:                   &segment,
		TotalSegments:             &total,
		FilterExpression:          aws.String("size(tempAllows) > :none"),
		ProjectionExpression:      aws.String("customerId, tempAllows"),
		ExpressionAttributeValues: object{":none": number(0)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return removed, failed("users: sweep", err)
		}
		for _, item := range page.Items {
			n, err := u.removeExpired(ctx, item, now)
			removed += n
			if err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}

// removeExpired removes the expired allows of one user as they were read, all in one conditional write.
func (u Users) removeExpired(ctx context.Context, item object, now time.Time) (int, error) {
	allows, ok := item["tempAllows"].(*types.AttributeValueMemberM)
	if !ok {
		return 0, nil
	}
	var expired []string
	for kind, allow := range allows.Value {
		m, ok := allow.(*types.AttributeValueMemberM)
		if !ok {
			continue
		}
		// What has no time of expiry is a foreign writer's, and not ours to judge.
		if _, ok := m.Value["expires"].(*types.AttributeValueMemberN); ok && !now.Before(object(m.Value).millis("expires")) {
			expired = append(expired, kind)
		}
	}
	if len(expired) == 0 {
		return 0, nil
	}
	slices.Sort(expired)
	names, values := map[string]string{}, object{}
	var remove, unchanged []string
	for i, kind := range expired {
		name, value := fmt.Sprint("#t", i), fmt.Sprint(":e", i)
		names[name], values[value] = kind, object(allows.Value[kind].(*types.AttributeValueMemberM).Value)["expires"]
		remove = append(remove, "tempAllows."+name)
		unchanged = append(unchanged, "tempAllows."+name+".expires = "+value)
	}
	_, err := u.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &u.Table,
		Key:                       object{"customerId": item["customerId"]},
		UpdateExpression:          aws.String("REMOVE " + strings.Join(remove, ", ")),
		ConditionExpression:       aws.String(strings.Join(unchanged, " AND ")),
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	})
	if _, changed := conditionFailed(err); changed {
		return 0, nil // set anew or cancelled since: the next sweep looks again
	}
	if err != nil {
		return 0, failed("users: remove expired allows", err)
	}
	return len(expired), nil
}
