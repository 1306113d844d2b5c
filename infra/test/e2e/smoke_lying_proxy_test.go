package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/operation"
	"customercare/shared/store"
)

// lyingProxy stands in front of the API. A lie may answer by itself, change the request,
// or do harm behind the product's back; a twist changes the answer.
type lyingProxy struct {
	lie   func(w http.ResponseWriter, r *http.Request, body []byte) (answered bool)
	twist func(*http.Response)
}

// serve starts the proxy and gives its address.
func (l lyingProxy) serve(t testing.TB) string {
	t.Helper()
	target, err := url.Parse(running.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			if l.twist != nil {
				l.twist(r)
			}
			return nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if l.lie == nil || !l.lie(w, r, body) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// A stack that says what is not so, or forgets a check, is not green, and the checks that
// fail are the right ones.
func TestSmokeNoticesLies(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long, and the engine is all the same to it")
	}
	stranger := operator(t, "csr-of-the-liar")
	isDelete := func(body []byte) bool { // the one that is to delete the customer
		return bytes.Contains(body, []byte(`name="code"`)) && !bytes.Contains(body, []byte(`name="output"`))
	}
	isClean := func(r *http.Request, body []byte) bool { // the one that is to erase contacts
		return r.URL.Path == cleanPath && bytes.Count(body, []byte(`","`)) == 2
	}
	account := func(body []byte) string { return regexp.MustCompile(`smoke-[0-9a-f]{12}`).FindString(string(body)) }
	foreign := regexp.MustCompile(`smoke-[0-9a-f]{12}-other`)
	var basicOf atomic.Pointer[string]
	for name, row := range map[string]struct {
		lyingProxy
		timeout time.Duration
		fails   []string // beginnings of the names of checks
	}{
		"says deleted": {lyingProxy{lie: func(w http.ResponseWriter, r *http.Request, body []byte) bool {
			if isClean(r, body) { // a token names its app, which is the run's
				_, encoded, _ := strings.Cut(r.Header.Get("Authorization"), ".")
				app, _ := base64.RawURLEncoding.DecodeString(encoded)
				r.Header.Set("X-Run", account(app))
			}
			return isDelete(body) && says(w, "application/xml; charset=utf-8", goneXML("4711000011112222"))
		}, twist: func(r *http.Response) { // what is true is so at the first look: the timeout is for the lie
			if run := r.Request.Header.Get("X-Run"); run != "" {
				eventually(t, "the first pass is over", func() bool {
					return slices.ContainsFunc(scan(t, running.Table("Erasures"), "attribute_exists(passes)"),
						func(job item) bool {
							passes, _ := job["passes"].(*types.AttributeValueMemberN)
							return passes != nil && passes.Value != "0" &&
								job["scope"].(*types.AttributeValueMemberS).Value == run
						})
				})
			}
		}}, 5 * time.Second, []string{
			"a customer is deleted", "no transaction is left", "the deletion's link", "nobody but who asked",
			"an operator finds it", "the receipt proves", "the receipt of one subject",
		}},
		"says verified": {lyingProxy{lie: func(w http.ResponseWriter, r *http.Request, body []byte) bool {
			return isClean(r, body) && says(w, "application/json", cleaned)
		}}, 5 * time.Second, []string{"they are gone under every number", "everybody else's data"}},
		"lets everybody in": {lyingProxy{lie: func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
			if strings.HasSuffix(r.URL.Path, "/provision") {
				name, value, _ := strings.Cut(stranger, ": ")
				r.Header.Set(name, value)
			}
			return false
		}}, 0, []string{
			"operations 1 and 2 refuse a call without Authorization", "operations 1 and 2 refuse a wrong password",
			"operations 1 and 2 refuse an app's token",
			"what was refused has changed nothing", "a temporary allow is set, in JSON",
			"a temporary allow is set, in XML", "of three deletions",
		}},
		"grants as another": {lyingProxy{lie: func(_ http.ResponseWriter, r *http.Request, body []byte) bool {
			if r.Method == "PUT" && bytes.Contains(body, []byte("expirationDate")) &&
				!bytes.Contains(body, []byte("2021-")) {
				name, value, _ := strings.Cut(stranger, ": ")
				r.Header.Set(name, value)
			}
			return false
		}}, 0, []string{"a temporary allow is set, in JSON", "a temporary allow is set, in XML"}},
		"does not look at X-APP-Key": {lyingProxy{lie: func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
			r.Header.Del("X-APP-Key")
			return false
		}}, 0, []string{"cleaning is refused: another app's X-APP-Key"}},
		"lets tokens live on": {lyingProxy{
			lie: func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.Header.Get("X-Token-Expire") != "" {
					r.Header.Set("X-Token-Expire", "3600")
				}
				return false
			},
			twist: func(r *http.Response) { replace(r, `"Expires":"3600"`, `"Expires":"1"`) },
		}, 0, []string{"an expired token is refused"}},
		"says no challenge": {lyingProxy{twist: func(r *http.Response) { r.Header.Del("WWW-Authenticate") }}, 0,
			[]string{
				"operations 1 and 2 refuse a call without Authorization", "operations 1 and 2 refuse a wrong password",
				"operations 1 and 2 refuse an app's token",
				"cleaning is refused: no token", "cleaning is refused: an unknown token",
				"cleaning is refused: an operator's password", "an expired token is refused",
			}},
		"says it in other words": {lyingProxy{twist: func(r *http.Response) {
			replace(r, `"responseMessage":""`,
				`"responseMessage":"done"`)
		}}, 0, []string{
			// which finds an allow that it does not know of
			"a temporary allow is set, in JSON", "a temporary allow is set, in XML",
			"of three deletions", "no allow lets in", "devices are gone", "registration, questions",
			"a customer ID of any characters",
		}},
		"says another status": {lyingProxy{twist: func(r *http.Response) {
			if r.StatusCode == http.StatusNotFound {
				r.StatusCode = http.StatusForbidden
			}
		}}, 0, []string{"an unknown customer ID", "GET is not offered", "a path that nobody offers",
			"nobody but who asked"}},
		"resets instead": {lyingProxy{lie: func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
			if r.URL.RawQuery == "unregisterDevices=true" {
				r.URL.RawQuery = "reset=true"
			}
			return false
		}}, 0, []string{"devices are gone", "registration, questions", "a customer ID of any characters",
			"everybody else's data"}},
		"tells users from accounts": {lyingProxy{
			lie: func(_ http.ResponseWriter, r *http.Request, body []byte) bool {
				if foreign.Match(body) {
					r.Header.Set("X-Foreign", "yes")
				}
				return false
			},
			twist: func(r *http.Response) {
				if r.Request.Header.Get("X-Foreign") != "" {
					replace(r, wrongCaller, "account_id is wrong")
				}
			},
		}, 0, []string{"wrong key, wrong user and foreign account get the same words"}},
		"links to nothing": {lyingProxy{twist: func(r *http.Response) { r.Header.Del("Link") }}, 0, []string{
			"the deletion's link", "nobody but who asked", "an operator finds it", "the receipt proves",
			"the receipt of one subject",
		}},
		"lists nothing": {lyingProxy{twist: func(r *http.Response) {
			if r.Request.URL.Path == operation.ListErasures.Path {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(`{"erasures":[]}`)), -1
				r.Header.Del("Content-Length")
				r.Header.Del("Link")
			}
		}}, 0, []string{"an operator finds it"}},
		"says sealed of another's": {lyingProxy{twist: func(r *http.Response) {
			text, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(text))
			if bytes.Contains(text, []byte(`"leaf":`)) {
				replace(r, `"by":"smoke-`, `"by":"smoked-`)
			}
		}}, 0, []string{"the deletion's link"}},
		"never seals": {lyingProxy{twist: func(r *http.Response) {
			if strings.HasPrefix(r.Request.URL.Path, "/erasures/") {
				replace(r, `"leaf":`, `"later":`)
			}
		}}, 5 * time.Second, []string{"the deletion's link"}},
		"tells an app of an API user's": {lyingProxy{lie: func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
			if user := basicOf.Load(); strings.HasPrefix(r.URL.Path, "/erasures/") && user != nil {
				r.Header.Set("Authorization", *user)
			}
			if value := r.Header.Get("Authorization"); strings.HasPrefix(r.URL.Path, "/erasures/") {
				basicOf.Store(&value)
			}
			return false
		}}, 0, []string{"nobody but who asked", "nobody is told"}},
		"shows another key": {lyingProxy{twist: func(r *http.Response) {
			if r.Request.URL.Path == operation.ReadLogKey.Path {
				replace(r, ".customercare+", ".customercase+")
			}
		}}, 0, []string{"the log's checkpoint", "the receipt proves", "the receipt of one subject"}},
		"shows another tree": {lyingProxy{twist: func(r *http.Response) {
			if r.Request.URL.Path == operation.ReadCheckpoint.Path {
				replace(r, ".customercare\n", ".customercare\n1")
			}
		}}, 0, []string{"the log's checkpoint"}},
		"gives receipts of nothing": {lyingProxy{twist: func(r *http.Response) {
			if r.Request.Method == http.MethodGet && strings.HasSuffix(r.Request.URL.Path, "/receipt") {
				replace(r, "\nindex ", "\nindex 1")
			}
		}}, 0, []string{"the receipt proves"}},
		"gives the receipt of all": {lyingProxy{lie: func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
			if strings.HasSuffix(r.URL.Path, "/receipt") {
				r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
			}
			return false
		}}, 0, []string{"the receipt of one subject"}},
		"touches a neighbour": {lyingProxy{lie: func(_ http.ResponseWriter, _ *http.Request, body []byte) bool {
			if isDelete(body) {
				harm(t, store.CustomerKey(account(body), "47110000111122223"), store.TransactionRecord("c1", "t1"),
					"SET amount = :x")
			}
			return false
		}}, 0, []string{"everybody else's data"}},
		"lifts the tombstone": {lyingProxy{
			lie: func(_ http.ResponseWriter, r *http.Request, body []byte) bool {
				if isDelete(body) {
					r.Header.Set("X-Run", account(body))
				}
				return false
			},
			twist: func(r *http.Response) {
				if run := r.Request.Header.Get("X-Run"); run != "" {
					harm(t, store.CustomerKey(run, "4711000011112222"), store.CustomerRecord,
						"REMOVE tombstone SET amount = :x")
					for _, job := range scan(t, running.Table("Erasures"), "attribute_exists(openShard)") {
						if job["scope"].(*types.AttributeValueMemberS).Value == run {
							elapse(t, running.Table("Erasures"), job)
						}
					}
				}
			},
		}, 0, []string{"a customer is deleted"}}, // the product notices itself, later
		"answers differently, as AWS may": {lyingProxy{twist: func(r *http.Response) {
			if value := r.Header.Get("WWW-Authenticate"); value != "" {
				r.Header.Del("WWW-Authenticate")
				r.Header["x-amzn-remapped-www-authenticate"] = []string{value}
			}
		}, lie: func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
			if strings.HasSuffix(r.URL.Path, "/nothing") {
				r.Header.Del("Accept") // always in one format
			}
			return false
		}}, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			counts, said := smoke(t, t.Context(), row.serve(t), row.timeout, io.Discard)
			removed(t, said)
			var failed []string
			for _, m := range checkLine.FindAllStringSubmatch(said, -1) {
				if m[1] == "FAIL" {
					failed = append(failed, m[2])
				}
			}
			// What is cleaned that ought to be refused is gone when a worker has been
			// there, before the next look or after it.
			if n := len(failed); n == 2 && name == "does not look at X-APP-Key" &&
				strings.HasPrefix(failed[1], "what was refused has changed nothing") {
				failed = failed[:1]
			}
			same := slices.EqualFunc(failed, row.fails,
				func(got, want string) bool { return strings.HasPrefix(got, want) })
			if counts.Green() != (len(row.fails) == 0) || !same {
				t.Errorf("%+v, failed: %q\nwant %q\n%s", counts, failed, row.fails, said)
			}
		})
	}
}

// says answers as a function does.
func says(w http.ResponseWriter, contentType, body string) bool {
	w.Header().Set("Content-Type", contentType)
	for name, value := range onEveryAnswer {
		w.Header().Set(name, value)
	}
	_, _ = io.WriteString(w, body)
	return true
}

// replace puts other words in an answer.
func replace(r *http.Response, old, words string) {
	text, _ := io.ReadAll(r.Body)
	text = bytes.Replace(text, []byte(old), []byte(words), 1)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), -1
	r.Header.Del("Content-Length")
}

// harm changes an item of the customers behind everybody's back.
func harm(t testing.TB, customer, record, expression string) {
	table := running.Table("Customers")
	_, err := database.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
		TableName: &table, UpdateExpression: &expression,
		Key: map[string]types.AttributeValue{
			"customer": &types.AttributeValueMemberS{Value: customer},
			"record":   &types.AttributeValueMemberS{Value: record},
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{":x": &types.AttributeValueMemberS{Value: "harmed"}},
	})
	if err != nil {
		t.Errorf("no harm done: %v", err)
	}
}
