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
	"golang.org/x/crypto/argon2"

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
			var answer any
			for _, r := range loaded[e.Number] {
				if answer, err = r.send(ctx); (err != nil) != r.refused {
					return errors.Join(err, fmt.Errorf("%s ends otherwise than that of the function", r.operation))
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
