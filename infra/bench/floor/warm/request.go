package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// recorded is a call of DynamoDB by a function.
type recorded struct {
	Operation string
	Body      json.RawMessage
	Refused   bool // the answer was an error, such as a condition that does not hold
}

// request is a recorded call as the SDK takes it, ready to be sent once.
type request struct {
	operation string
	refused   bool
	send      func(context.Context) (answer any, err error)
}

// requests makes the SDK's requests of recorded calls.
func requests(db *dynamodb.Client, invocations [][]recorded) ([][]request, error) {
	operations := map[string]func(body []byte) (func(context.Context) (any, error), error){
		"Query":              of(db.Query),
		"UpdateItem":         of(db.UpdateItem),
		"PutItem":            of(db.PutItem),
		"BatchGetItem":       of(db.BatchGetItem),
		"TransactWriteItems": of(db.TransactWriteItems),
	}
	all := make([][]request, len(invocations))
	for i, calls := range invocations {
		for _, call := range calls {
			operation, known := operations[call.Operation]
			if !known {
				return nil, fmt.Errorf("cannot make the call %s", call.Operation)
			}
			send, err := operation(call.Body)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", call.Operation, err)
			}
			all[i] = append(all[i], request{call.Operation, call.Refused, send})
		}
	}
	return all, nil
}

// of makes the requests of one of the SDK's operations.
func of[In, Out any](
	call func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error),
) func(body []byte) (func(context.Context) (any, error), error) {
	return func(body []byte) (func(context.Context) (any, error), error) {
		in := new(In)
		err := jsonv2.Unmarshal(body, in, jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(readValue)))
		if transaction, is := any(in).(*dynamodb.TransactWriteItemsInput); is {
			transaction.ClientRequestToken = nil // the SDK makes one for each call
		}
		return func(ctx context.Context) (any, error) { return call(ctx, in) }, err
	}
}

// readValue reads an attribute's value in DynamoDB's JSON, such as {"S":"text"}.
func readValue(from *jsontext.Decoder, value *types.AttributeValue) error {
	var v struct {
		S, N *string
		BOOL *bool
		B    []byte
		M    map[string]types.AttributeValue
		L    []types.AttributeValue
		SS   []string
	}
	if err := jsonv2.UnmarshalDecode(from, &v); err != nil {
		return err
	}
	switch {
	case v.S != nil:
		*value = &types.AttributeValueMemberS{Value: *v.S}
	case v.N != nil:
		*value = &types.AttributeValueMemberN{Value: *v.N}
	case v.BOOL != nil:
		*value = &types.AttributeValueMemberBOOL{Value: *v.BOOL}
	case v.B != nil:
		*value = &types.AttributeValueMemberB{Value: v.B}
	case v.M != nil:
		*value = &types.AttributeValueMemberM{Value: v.M}
	case v.L != nil:
		*value = &types.AttributeValueMemberL{Value: v.L}
	case v.SS != nil:
		*value = &types.AttributeValueMemberSS{Value: v.SS}
	default:
		return errors.New("a value of another type")
	}
	return nil
}
