package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/canned"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/operation"
	"customercare/shared/respond"
	"customercare/shared/store"
)

// One request allocates no more than today, with one number and with as many as there may
// be.
func TestAllocations(t *testing.T) {
	want, err := json.Marshal(respond.Verified)
	if err != nil {
		t.Fatal(err)
	}
	ctx := canned.Invocation(t)
	const conditionFailed = `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}` // no open job of the same numbers
	for numbers, most := range map[int]float64{1: 495, maxNumbers: 23110} {
		t.Run(fmt.Sprint(numbers), func(t *testing.T) {
			update := "{}"
			if numbers > 1 {
				update = conditionFailed
			}
			db := canned.Client(canned.Answers(t, map[string][]string{
				"UpdateItem": {update}, "PutItem": {"{}"}, "TransactWriteItems": {"{}"},
			}))
			digests := digest.Digester{
				Current: "1", Keys: map[string][]byte{"1": []byte("a key of digests, 32 characters.")},
			}
			handle := handler{erasure.NewNumbersIntake(
				store.Erasures{DB: db, Table: "Erasures"},
				digests,
				time.Now,
			), digests}.endpoint().Handler()
			var asked request
			for i := range numbers {
				asked.CustomNos = append(asked.CustomNos, fmt.Sprintf("135****%04d", i))
			}
			body, err := json.Marshal(map[string][]string{"customNos": asked.CustomNos})
			if err != nil {
				t.Fatal(err)
			}
			event := events.APIGatewayProxyRequest{
				HTTPMethod: "POST", Path: operation.CleanCustomerData.Paths[0],
				Body: base64.StdEncoding.EncodeToString(body), IsBase64Encoded: true,
				MultiValueHeaders: map[string][]string{
					"Host":         {"api.example.com"},
					"Content-Type": {"application/json"},
				},
			}
			event.RequestContext.Authorizer = map[string]any{"principalId": "ak", "appKey": "ak", "tenantId": "acme"}
			canned.Allocations(t, 100, most, func() {
				if answer, err := handle(ctx, event); err != nil || answer.Body != string(want) {
					t.Fatal(answer, err)
				}
			})
		})
	}
}
