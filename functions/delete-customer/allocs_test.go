package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/canned"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// One request allocates no more than today, with no transaction, with as many as go in
// one DynamoDB transaction, and with one batch.
func TestAllocations(t *testing.T) {
	const body = "type=customer_delete&account_id=a&user_id=john&user_password=key&code=47"
	event := events.APIGatewayProxyRequest{
		HTTPMethod: "POST", Path: operation.DeleteCustomer.Paths[0],
		Body: base64.StdEncoding.EncodeToString([]byte(body)), IsBase64Encoded: true,
		MultiValueHeaders: map[string][]string{
			"Host":         {"api.example.com"},
			"Content-Type": {"application/x-www-form-urlencoded"},
		},
	}
	event.RequestContext.Identity.SourceIP = "192.0.2.1"
	ctx := canned.Invocation(t)
	digests := digest.Digester{
		Current: "1", Keys: map[string][]byte{"1": []byte("a key of digests, 32 characters.")},
	}
	job := store.CustomerJob(digests.Subject("customer", "a", "47"))
	for transactions, most := range map[int]float64{0: 1609, store.FewRecords: 1815, 25: 2740} {
		t.Run(fmt.Sprint(transactions), func(t *testing.T) {
			items := `{"record":{"S":"customer"}}`
			for i := range transactions {
				items += fmt.Sprintf(`,{"record":{"S":"txn#c#%02d"}}`, i)
			}
			db := canned.Client(canned.Answers(t, map[string][]string{
				"BatchGetItem": {
					`{"Responses":{"Principals":[{"principal":{"S":"apiUser#john"},"hashes":{"L":[{"S":"` +
						principal.Hash("key") + `"}]},"accounts":{"L":[{"S":"a"}]}}]},"UnprocessedKeys":{}}`,
				},
				// The customer, and what stands there when the transactions are gone: the
				// tombstone.
				"Query": {
					`{"Items":[` + items + `]}`,
					`{"Items":[{"record":{"S":"customer"},"tombstone":{"S":"` + job + `"}}]}`,
				},
				"TransactWriteItems": {"{}"}, "BatchWriteItem": {`{"UnprocessedItems":{}}`}, "UpdateItem": {"{}"},
			}))
			handle := handler{
				principal.Directory{
					Principals: store.Principals{DB: db, Table: "Principals"},
					Guard:      principal.Guard{Limit: 10, Window: 5 * time.Minute},
					Now:        time.Now,
				},
				erasure.NewCustomerIntake(
					store.Erasures{DB: db, Table: "Erasures"},
					store.Customers{DB: db, Table: "Customers", Limiter: store.NewLimiter(8)},
					store.Holds{DB: db, Table: "Holds"},
					digests, erasure.Timing{WriterLifetime: 5 * time.Minute, ClockSkew: time.Minute},
					erasure.SystemClock(),
				),
				digests,
				3 * time.Second,
				upstream{},
			}.endpoint().Handler()
			canned.Allocations(t, 200, most, func() {
				if answer, err := handle(ctx, event); err != nil ||
					!strings.Contains(answer.Body, `<customer status="deleted">`) {
					t.Fatal(answer, err)
				}
			})
		})
	}
}
