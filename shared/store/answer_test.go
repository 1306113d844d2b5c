package store_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// Only a whole answer counts as one. A failed call says whether trying again may help.
func TestOnlyAnswersCount(t *testing.T) {
	t.Parallel()
	const ours = "application/x-amz-json-1.0"
	for _, test := range []struct {
		what        string
		status      int
		media, body string
		name, value string // of one more header
		done        bool
		retryable   bool // where it is not done
	}{
		{"an answer", 200, ours, "{}", "", "", true, false},
		{"white space around it", 200, ours + "; charset=utf-8", " {} \n", "", "", true, false},
		{"its checksum", 200, ours, "{}", "X-Amz-Crc32", "2745614147", true, false},
		{"another's checksum", 200, ours, "{}", "X-Amz-Crc32", "2745614148", false, true},
		{"no checksum", 200, ours, "{}", "X-Amz-Crc32", "x", false, true},
		{"nothing", 200, ours, "", "", "", false, true},
		{"no content", 204, ours, "", "", "", false, true},
		{"accepted", 202, ours, "{}", "", "", false, true},
		{"another media type", 200, "text/html", "{}", "", "", false, true},
		{"a page", 200, "text/html", "<html>busy</html>", "", "", false, true},
		{"null", 200, ours, "null", "", "", false, true},
		{"half", 200, ours, `{"Attributes":{"a":{"S":"x"}`, "", "", false, true},
		{"more behind", 200, ours, `{} error`, "", "", false, true},
		{"more of the same behind", 200, ours, `{"Attributes":{}}{"x":1}`, "", "", false, true},
		{"moved", 301, ours, "{}", "Location", "/elsewhere", false, true},
		{"moved for now", 307, ours, "{}", "Location", "/elsewhere", false, true},
		{"an unknown refusal", 400, ours, `{"__type":"x#Strange","message":"m"}`, "", "", false, false},
		{"a page as refusal", 400, "text/html", "<html>", "", "", false, true},
		{"a page as failure", 502, "text/html", "<html>", "", "", false, true},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", ours)
			if r.URL.Path == "/elsewhere" {
				w.Write([]byte("{}"))
				return
			}
			w.Header().Set("Content-Type", test.media)
			if test.name != "" {
				w.Header().Set(test.name, test.value)
			}
			w.WriteHeader(test.status)
			w.Write([]byte(test.body))
		}))
		users := store.Users{DB: dynamotest.Client(server.URL, withoutPause), Table: "users"}
		err := users.SetTempAllow(t.Context(), "u", store.TempAllow{Type: 1})
		failure, failed := errors.AsType[*store.Error](err)
		if test.done != (err == nil) || !test.done && (!failed || failure.Retryable() != test.retryable) {
			t.Errorf("%s: the store says %v", test.what, err)
		}
		server.Close()
	}
}

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
			db := dynamotest.Client(server.URL, withoutPause)
			for _, shared := range []bool{false, true} {
				ctx := context.Background()
				if shared {
					ctx = store.NewMemory(20<<20, 8<<20).Share().On(ctx)
				}
				_, err := store.Contacts{DB: db, Table: "c"}.Read(ctx, "acme", "135", "", "")
				_, err2 := store.Customers{DB: db, Table: "c"}.Read(ctx, "acme", "")
				if err == nil || err2 == nil {
					t.Errorf("status %d, %q, share %v: %v, %v", status, body, shared, err, err2)
				}
			}
			server.Close()
		}
	}
}

// withoutPause makes a client try again at once: the servers here always answer the same.
func withoutPause(o *dynamodb.Options) { o.Retryer = noPause{o.Retryer} }

type noPause struct{ aws.Retryer }

func (noPause) RetryDelay(int, error) (time.Duration, error) { return 0, nil }
