// Command function is the Lambda function of the local stack's tests. What it does is
// asked for in the event.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	if os.Getenv("FAIL_AT_START") != "" {
		fmt.Println("cannot start")
		os.Exit(3)
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

func handle(ctx context.Context, raw json.RawMessage) (any, error) {
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
	}
	return do(ctx, e.Do)
}

func do(ctx context.Context, what string) (any, error) {
	verb, arg, _ := strings.Cut(what, " ")
	switch verb {
	case "pid":
		return os.Getpid(), nil
	case "env":
		return os.Environ(), nil
	case "deadline":
		at, _ := ctx.Deadline()
		return at.UnixMilli(), nil
	case "hold":
		return hold(arg)
	case "exit":
		fmt.Print("bye without a newline")
		os.Exit(4)
	case "panic":
		panic("as asked")
	case "error":
		return nil, errors.New(arg)
	}
	return what, nil
}

// hold says so and is at work until the file at path is there. A process that is to be
// ended meanwhile holds for a file that never comes.
func hold(path string) (any, error) {
	fmt.Println("holding")
	for {
		if _, err := os.Stat(path); err == nil {
			return os.Getpid(), nil
		}
		time.Sleep(time.Millisecond)
	}
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
