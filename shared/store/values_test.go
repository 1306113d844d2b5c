package store_test

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is an item, or a value of the type map, as the SDK has it.
type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// number is a number by its digits.
func number(digits string) types.AttributeValue { return &types.AttributeValueMemberN{Value: digits} }

func list(members ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: members}
}

func mapOf(members item) types.AttributeValue { return &types.AttributeValueMemberM{Value: members} }

func set(members ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: members}
}

// userWithAllows is a user with devices, and with temporary allows of these types that
// expire at these times.
func userWithAllows(id string, expires map[string]time.Time) item {
	allows := item{}
	for kind, at := range expires {
		allows[kind] = mapOf(item{
			"expires": number(strconv.FormatInt(at.UnixMilli(), 10)), "grantedBy": text("csr"),
		})
	}
	return item{"customerId": text(id), "tempAllows": mapOf(allows), "devices": text(id + "'s")}
}
