package stream

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// record is a stream record as the function gets it.
type record struct {
	json     map[string]any
	sequence string
	lane     uint32 // records of one item always have the same
}

// newRecord makes the JSON of aws-lambda-go's events.DynamoDBEventRecord.
func newRecord(r types.Record, region, streamARN string) record {
	change := map[string]any{
		"Keys":           attributes(r.Dynamodb.Keys),
		"SequenceNumber": aws.ToString(r.Dynamodb.SequenceNumber),
		"SizeBytes":      float64(aws.ToInt64(r.Dynamodb.SizeBytes)),
		"StreamViewType": string(r.Dynamodb.StreamViewType),
	}
	if t := r.Dynamodb.ApproximateCreationDateTime; t != nil {
		change["ApproximateCreationDateTime"] = float64(t.Unix())
	}
	if r.Dynamodb.NewImage != nil {
		change["NewImage"] = attributes(r.Dynamodb.NewImage)
	}
	if r.Dynamodb.OldImage != nil {
		change["OldImage"] = attributes(r.Dynamodb.OldImage)
	}
	event := map[string]any{
		"eventID":        aws.ToString(r.EventID),
		"eventName":      string(r.EventName),
		"eventVersion":   "1.1",
		"eventSource":    "aws:dynamodb",
		"awsRegion":      region,
		"dynamodb":       change,
		"eventSourceARN": streamARN,
	}
	if r.UserIdentity != nil { // the item expired
		event["userIdentity"] = map[string]any{
			"type": aws.ToString(r.UserIdentity.Type), "principalId": aws.ToString(r.UserIdentity.PrincipalId),
		}
	}
	keys, _ := json.Marshal(change["Keys"]) // sorted by name; strings and maps always marshal
	h := fnv.New32a()
	h.Write(keys)
	return record{json: event, sequence: aws.ToString(r.Dynamodb.SequenceNumber), lane: h.Sum32()}
}

// attributes turns an item into DynamoDB's JSON.
func attributes(item map[string]types.AttributeValue) map[string]any {
	m := make(map[string]any, len(item))
	for name, value := range item {
		m[name] = attribute(value)
	}
	return m
}

func attribute(value types.AttributeValue) map[string]any {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": v.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": base64.StdEncoding.EncodeToString(v.Value)}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": attributes(v.Value)}
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, member := range v.Value {
			list[i] = attribute(member)
		}
		return map[string]any{"L": list}
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": v.Value}
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": v.Value}
	case *types.AttributeValueMemberBS:
		list := make([]string, len(v.Value))
		for i, member := range v.Value {
			list[i] = base64.StdEncoding.EncodeToString(member)
		}
		return map[string]any{"BS": list}
	}
	return map[string]any{}
}
