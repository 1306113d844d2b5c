// Command warm is what an invocation costs at least: it makes the DynamoDB calls that the
// function was recorded to make, with the same SDK, and nothing else. It does the work:
// what the function deletes, it deletes. It looks at no request, makes no digest but the
// slow one of a password, and writes no line into a log.
package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/alexedwards/argon2id"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/errgroup"

	"customercare/shared/start"
	"customercare/shared/store"
)

// event is one invocation: either the recordings of all that follow, or which of them to
// make.
type event struct {
	Load     [][]recorded
	Number   int
	Password string // is checked against the hash that the last call reads, "": no such call
}

func main() {
	start.Function(func(s store.Settings) (any, error) {
		db, connected := store.Connect(s)
		connected()
		var loaded [][]request
		return func(ctx context.Context, e event) (err error) {
			if e.Load != nil {
				loaded, err = requests(db, e.Load)
				return err
			}
			calls := loaded[e.Number]
			n := 0 // readings before all else, which need not wait for each other
			for n < len(calls) && calls[n].reads() {
				n++
			}
			var answer any
			group, together := errgroup.WithContext(ctx)
			for _, r := range calls[:n] {
				group.Go(func() error {
					read, err := r.make(together)
					if n == 1 {
						answer = read
					}
					return err
				})
			}
			if err := group.Wait(); err != nil {
				return err
			}
			for _, r := range calls[n:] {
				if answer, err = r.make(ctx); err != nil {
					return err
				}
			}
			if e.Password != "" {
				return check(e.Password, answer.(*dynamodb.BatchGetItemOutput))
			}
			return nil
		}, nil
	})
}

// check makes the slow hash: no way leads around it.
func check(password string, found *dynamodb.BatchGetItemOutput) error {
	for _, items := range found.Responses {
		hashes := items[0]["hashes"].(*types.AttributeValueMemberL)
		p, salt, want, err := argon2id.DecodeHash(hashes.Value[0].(*types.AttributeValueMemberS).Value)
		if err != nil {
			return err
		}
		got := argon2.IDKey([]byte(password), salt, p.Iterations, p.Memory, p.Parallelism, p.KeyLength)
		if subtle.ConstantTimeCompare(got, want) == 1 {
			return nil
		}
	}
	return errors.New("another password")
}

// recorded is a call of DynamoDB by a function.
type recorded struct {
	Operation string
	Body      jsontext.Value
	Refused   bool // a condition did not hold
}

// request is a recorded call as the SDK takes it, ready to be sent once.
type request struct {
	operation string
	refused   bool
	send      func(context.Context) (answer any, err error)
}

// reads says whether the call changes nothing.
func (r request) reads() bool { return r.operation == "Query" || r.operation == "BatchGetItem" }

// make makes the call, which must end as that of the function did.
func (r request) make(ctx context.Context) (answer any, err error) {
	answer, err = r.send(ctx)
	_, refused := errors.AsType[*types.ConditionalCheckFailedException](err)
	if refused != r.refused || err != nil && !refused {
		return nil, errors.Join(err, fmt.Errorf("%s ends otherwise than that of the function", r.operation))
	}
	return answer, nil
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
		values := json.WithUnmarshalers(json.UnmarshalFromFunc(readValue))
		err := json.Unmarshal(body, in, values, json.RejectUnknownMembers(true))
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
	if err := json.UnmarshalDecode(from, &v); err != nil {
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
