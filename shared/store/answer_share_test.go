package store_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// A page that is read under a share of the memory counts only when it is DynamoDB's
// answer, whatever status somebody else gives to something else.
func TestOnlyAnswersCountUnderAShare(t *testing.T) {
	for _, status := range []int{200, 202, 203, 204} {
		for _, body := range []string{"", "{}"} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(status)
				if status != 204 {
					_, _ = io.WriteString(w, body)
				}
			}))
			db := dynamotest.Client(server.URL, dynamotest.AtOnce)
			for _, shared := range []bool{false, true} {
				ctx := context.Background()
				if shared {
					ctx = store.NewMemory(20<<20, 8<<20).Share().On(ctx)
				}
				_, err := store.Contacts{DB: db, Table: "c"}.Read(ctx, "acme", "135", "")
				_, err2 := store.Customers{DB: db, Table: "c"}.Read(ctx, "acme", "")
				if err == nil || err2 == nil {
					t.Errorf("status %d, %q, share %v: %v, %v", status, body, shared, err, err2)
				}
			}
			server.Close()
		}
	}
}
