package stream

import (
	"encoding/json"
	"hash/fnv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// record is a stream record as the function gets it.
type record struct {
	event events.DynamoDBEventRecord
	lane  uint32 // records of one item always have the same
}

// newRecord takes a record of a stream that carries keys only, and keys that are texts or
// numbers.
func newRecord(r types.Record, region, streamARN string) record {
	created := aws.ToTime(r.Dynamodb.ApproximateCreationDateTime)
	event := events.DynamoDBEventRecord{
		EventID: aws.ToString(r.EventID), EventName: string(r.EventName), EventVersion: "1.1",
		EventSource: "aws:dynamodb", EventSourceArn: streamARN, AWSRegion: region,
		Change: events.DynamoDBStreamRecord{
			ApproximateCreationDateTime: events.SecondsEpochTime{Time: created},
			Keys:                        map[string]events.DynamoDBAttributeValue{},
			SequenceNumber:              aws.ToString(r.Dynamodb.SequenceNumber),
			SizeBytes:                   aws.ToInt64(r.Dynamodb.SizeBytes),
			StreamViewType:              string(r.Dynamodb.StreamViewType),
		},
	}
	for name, value := range r.Dynamodb.Keys {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			event.Change.Keys[name] = events.NewStringAttribute(v.Value)
		case *types.AttributeValueMemberN:
			event.Change.Keys[name] = events.NewNumberAttribute(v.Value)
		}
	}
	if r.UserIdentity != nil { // the item expired
		event.UserIdentity = &events.DynamoDBUserIdentity{
			Type: aws.ToString(r.UserIdentity.Type), PrincipalID: aws.ToString(r.UserIdentity.PrincipalId),
		}
	}
	keys, _ := json.Marshal(event.Change.Keys) // sorted by name; such keys always marshal
	h := fnv.New32a()
	h.Write(keys)
	return record{event, h.Sum32()}
}
