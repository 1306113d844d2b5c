package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

func TestPatterns(t *testing.T) {
	event := keyed("numbers-17", "1").event
	event.Change.Keys["n"] = events.NewNumberAttribute("17")
	for _, c := range []struct {
		pattern string
		want    bool
	}{
		{`{}`, true},
		{`{"eventName":["INSERT"]}`, true},
		{`{"eventName":["MODIFY","INSERT"]}`, true},
		{`{"eventName":["insert"]}`, false},
		{`{"dynamodb":{"Keys":{"id":{"S":[{"prefix":"numbers-"}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"id":{"S":[{"prefix":"handover-"},{"prefix":"numbers-17"}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"id":{"S":[{"prefix":"numbers-2"}]}}}}`, false},
		{`{"dynamodb":{"Keys":{"id":{"S":[]}}}}`, false},
		{`{"dynamodb":{"Keys":{"n":{"S":[{"prefix":"1"}]}}}}`, false},
		{`{"eventName":["INSERT"],"dynamodb":{"Keys":{"other":{"S":[{"prefix":""}]}}}}`, false},
		{`{"eventName":["MODIFY"],"dynamodb":{"Keys":{"id":{"S":[{"prefix":"numbers-"}]}}}}`, false},
	} {
		p, err := ParsePattern(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if p.matches(event) != c.want {
			t.Errorf("%s: %t", c.pattern, !c.want)
		}
	}
	for _, bad := range []string{`{"a":["b"]}`, `{"eventName":"INSERT"}`, `{"eventName":[1]}`, `nonsense`,
		`{"dynamodb":{"Keys":{"id":{"S":["exact"]}}}}`, `{"dynamodb":{"Keys":{"id":{"N":[{"prefix":"1"}]}}}}`,
		`{"dynamodb":{"Keys":{"id":{"S":[{"suffix":"a"}]}}}}`, `{"dynamodb":{"NewImage":{}}}`,
	} {
		if _, err := ParsePattern(bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func keyed(key, sequence string) record {
	return newRecord(types.Record{
		EventID: aws.String("e" + sequence), EventName: types.OperationTypeInsert,
		Dynamodb: &types.StreamRecord{
			Keys:           map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: key}},
			SequenceNumber: aws.String(sequence), SizeBytes: aws.Int64(9), StreamViewType: types.StreamViewTypeKeysOnly,
		},
	}, "us-east-1", "arn:stream")
}

// The event must be what aws-lambda-go's functions read.
func TestEventShape(t *testing.T) {
	raw, err := json.Marshal(keyed("k", "5").event)
	if err != nil {
		t.Fatal(err)
	}
	var r events.DynamoDBEventRecord
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if r.EventName != "INSERT" || r.EventID != "e5" || r.EventSource != "aws:dynamodb" ||
		r.AWSRegion != "us-east-1" || r.EventSourceArn != "arn:stream" ||
		r.Change.Keys["id"].String() != "k" || r.Change.SequenceNumber != "5" || r.Change.SizeBytes != 9 ||
		r.Change.StreamViewType != "KEYS_ONLY" {
		t.Errorf("%s is read as %s", raw, repr.String(r))
	}
}

// calls notes the sequence numbers of every invocation and answers with the given
// outcomes, then with success.
type calls struct {
	mu       sync.Mutex
	got      []string
	outcomes []func() (string, error)
}

func (c *calls) invoke(_ context.Context, _ string, event []byte) ([]byte, error) {
	var e events.DynamoDBEvent
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, err
	}
	var sequences []string
	for _, r := range e.Records {
		sequences = append(sequences, r.Change.SequenceNumber)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, strings.Join(sequences, " "))
	if len(c.outcomes) == 0 {
		return []byte(`null`), nil
	}
	next := c.outcomes[0]
	c.outcomes = c.outcomes[1:]
	answer, err := next()
	return []byte(answer), err
}

func report(sequence string) func() (string, error) {
	return func() (string, error) { return `{"batchItemFailures":[{"itemIdentifier":"` + sequence + `"}]}`, nil }
}

func fail() (string, error) { return "", errors.New("boom") }

func none() (string, error) { return `{"batchItemFailures":[]}`, nil }

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name     string
		retries  int
		outcomes []func() (string, error)
		want     string
		givenUp  bool
	}{
		{"success", 3, nil, "1", false},
		{"an error repeats it", 3, []func() (string, error){fail}, "1,1", false},
		{"a report repeats it", 3, []func() (string, error){report("1")}, "1,1", false},
		{"an unknown record fails it", 3, []func() (string, error){report("9")}, "1,1", false},
		{"an empty report is fine", 3, []func() (string, error){none}, "1", false},
		{"given up", 1, []func() (string, error){fail, report("1")}, "1,1", true},
		{"for ever", -1, []func() (string, error){fail, fail, fail}, "1,1,1,1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log strings.Builder
			seen := &calls{outcomes: c.outcomes}
			p := &Poller{Options: Options{Invoke: seen.invoke, Log: &log, Mapping: Mapping{
				Function: "F", Table: "T", MaxRetries: c.retries, OnFailure: "arn:queue"}}}
			p.deliver(t.Context(), keyed("a", "1"))
			if got := strings.Join(seen.got, ","); got != c.want {
				t.Errorf("invoked with %s, want %s", got, c.want)
			}
			if strings.Contains(log.String(), "given up") != c.givenUp ||
				strings.Contains(log.String(), "arn:queue") != c.givenUp {
				t.Errorf("log: %s", &log)
			}
		})
	}
}

// Records of one item stay in order, whatever runs at the same time.
func TestLanesKeepOrder(t *testing.T) {
	seen := &calls{}
	p := &Poller{Options: Options{Invoke: seen.invoke, Mapping: Mapping{Parallel: 4}}}
	lanes := p.openLanes(t.Context())
	for i := range 100 {
		lanes.put(t.Context(), keyed(fmt.Sprint("item", i%5), fmt.Sprintf("%03d", i)))
	}
	lanes.close()
	for item := range 5 {
		var order []string
		for _, sequence := range seen.got {
			var n int
			if fmt.Sscanf(sequence, "%d", &n); n%5 == item {
				order = append(order, sequence)
			}
		}
		if len(order) != 20 || !slices.IsSorted(order) {
			t.Errorf("item %d arrived as %v", item, order)
		}
	}
}
