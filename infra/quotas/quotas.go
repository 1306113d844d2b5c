// Package quotas is what AWS documents of a DynamoDB item: how its size counts, and what
// it may hold. The engines that stand in for DynamoDB each keep to a part of it. So the
// importer and the benchmark go by these rules and not by an engine's.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html and
// CapacityUnitCalculations.html.
package quotas

import "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

// Item is the attributes of an item, or of a map, by their names.
type Item = map[string]types.AttributeValue

// The limits. Sizes are in bytes.
const (
	MaxItem         = 400 << 10 // names included
	MaxPartitionKey = 2048
	MaxSortKey      = 1024
	MaxName         = 65535 // of one attribute, at any depth
	MaxDepth        = 32    // levels of lists and maps in one attribute
)
