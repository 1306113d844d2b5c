package store

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// inactive is the condition that an item's last activity is known, and lies before the
// cutoff.
const inactive = "activeAt >= :one AND activeAt < :cutoff"

// before is a cutoff as a condition has it: a time in whole units lies before the cutoff
// where it is less than this number.
func before(cutoff time.Time, unit time.Duration) types.AttributeValue {
	last := cutoff.Add(unit - 1)
	if unit == time.Second {
		return number(last.Unix())
	}
	return number(last.UnixMilli())
}
