package stream

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// Functions get here what they get on AWS: the files have the shape of records that
// Lambda was seen to send (the KEYS_ONLY ones of public repositories, and "Using AWS
// Lambda with Amazon DynamoDB").
func TestRecordsAreThoseOfTheEvents(t *testing.T) {
	for _, file := range []string{"continue-erasure.json", "continue-erasure.handover.json"} {
		raw, err := os.ReadFile("../../events/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var event struct{ Records []map[string]any }
		if err := json.Unmarshal(raw, &event); err != nil || len(event.Records) != 1 {
			t.Fatalf("%s: %v", file, err)
		}
		want := event.Records[0]
		change := want["dynamodb"].(map[string]any)
		key := change["Keys"].(map[string]any)["erasureId"].(map[string]any)["S"].(string)
		got := newRecord(types.Record{
			EventID: aws.String(want["eventID"].(string)), EventName: types.OperationTypeInsert,
			Dynamodb: &types.StreamRecord{
				ApproximateCreationDateTime: aws.Time(time.Unix(int64(change["ApproximateCreationDateTime"].(float64)), 0)),
				Keys:                        map[string]types.AttributeValue{"erasureId": &types.AttributeValueMemberS{Value: key}},
				SequenceNumber:              aws.String(change["SequenceNumber"].(string)),
				SizeBytes:                   aws.Int64(int64(len("erasureId") + len(key))),
				StreamViewType:              types.StreamViewTypeKeysOnly,
			},
		}, "us-east-1", want["eventSourceARN"].(string))
		text, err := json.Marshal(got.event)
		if err != nil {
			t.Fatal(err)
		}
		var sent map[string]any
		if err := json.Unmarshal(text, &sent); err != nil || !reflect.DeepEqual(sent, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", file, sent, want)
		}
	}
}
