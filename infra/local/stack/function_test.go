package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// TestMain lets the test's own binary be each function of testdata/template.yaml. What it
// does is asked for in the event.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	lambda.Start(handle)
}

type event struct {
	Do             string // direct invocation
	RequestContext json.RawMessage
	Type           string // authorizer
	MethodArn      string
	Headers        map[string]string
	Source         string // schedule
	Records        []events.DynamoDBEventRecord
}

var failed = map[string]bool{}

func handle(raw json.RawMessage) (any, error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	switch {
	case e.Type == "REQUEST":
		return authorize(e)
	case e.Records != nil:
		return deliver(e)
	case e.RequestContext != nil:
		return map[string]any{"statusCode": 200, "body": string(raw)}, nil
	case e.Source == "aws.events":
		fmt.Println("tick", string(raw))
		return nil, nil
	case e.Do == "env":
		return os.Environ(), nil
	case e.Do == "hold": // until the process is ended
		fmt.Println("holding")
		time.Sleep(time.Hour)
	}
	return os.Getpid(), nil
}

func authorize(e event) (any, error) {
	fmt.Println("asked about", e.MethodArn)
	if e.Headers["Authorization"] != "allow" {
		return nil, errors.New("Unauthorized")
	}
	all := events.IAMPolicyStatement{
		Effect: "Allow", Action: []string{"execute-api:Invoke"}, Resource: []string{"*"},
	}
	return events.APIGatewayCustomAuthorizerResponse{
		PrincipalID:    "me",
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{Statement: []events.IAMPolicyStatement{all}},
		Context:        map[string]any{"tenant": "demo"},
	}, nil
}

// deliver fails each record whose key starts with "flaky" once.
func deliver(e event) (any, error) {
	failures := []events.DynamoDBBatchItemFailure{}
	for _, r := range e.Records {
		key := r.Change.Keys["id"].String()
		if strings.HasPrefix(key, "flaky") && !failed[key] {
			failed[key] = true
			fmt.Println("failing", key)
			failures = append(failures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
			continue
		}
		fmt.Println("record", r.EventName, key)
	}
	return events.DynamoDBEventResponse{BatchItemFailures: failures}, nil
}
