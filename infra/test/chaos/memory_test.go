package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/local/engine"
	"customercare/infra/local/lambda"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

// peaks is the most resident memory that each function's processes below parent have ever
// had, in bytes, by the function's folder (Linux; empty elsewhere). None may exceed
// memoryLimit.
func peaks(t *testing.T, parent int) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		program, _ := os.Readlink(filepath.Join(folder, "exe"))
		if filepath.Base(program) != "bootstrap" || !strings.HasPrefix(program, cache()) {
			continue
		}
		text, _ := os.ReadFile(filepath.Join(folder, "status"))
		status := map[string]int64{}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) >= 2 {
				status[fields[0]], _ = strconv.ParseInt(fields[1], 10, 64)
			}
		}
		if status["PPid:"] != int64(parent) {
			continue
		}
		name := filepath.Base(filepath.Dir(program))
		all[name] = max(all[name], status["VmHWM:"]<<10)
		if status["VmHWM:"]<<10 > memoryLimit {
			t.Errorf("%s has had %d MB", name, status["VmHWM:"]>>10)
		}
	}
	return all
}

// pages stands between the functions and DynamoDB, and answers what they read of contacts
// and customers with pages as large as DynamoDB gives them, which no table need be filled
// with. Deletions are answered as done until there were enough, then refused, which ends
// the work. All else is DynamoDB's.
type pages struct {
	next                http.Handler
	contacts, customers string // tables
	// the parties of the ith contact of a page of number n, as JSON; "" ends the page
	contact           func(n, i int) string
	mu                sync.Mutex
	served, deletions int
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in struct {
		TableName, ProjectionExpression string
		ExpressionAttributeValues       map[string]struct{ S string }
		ExclusiveStartKey               map[string]struct{ S string }
	}
	_ = json.Unmarshal(body, &in)
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer := ""
	if action == "Query" {
		p.mu.Lock()
		p.served++
		p.mu.Unlock()
	}
	switch {
	case action == "Query" && in.TableName == p.contacts:
		answer = p.ofContacts(in.ExpressionAttributeValues[":party"].S, in.ProjectionExpression == "contact")
	case action == "Query" && in.TableName == p.customers:
		answer = p.ofCustomer(in.ExpressionAttributeValues[":customer"].S, in.ExclusiveStartKey["record"].S)
	case action == "BatchWriteItem", action == "TransactWriteItems" && bytes.Contains(body, []byte(p.contacts)):
		p.mu.Lock()
		p.deletions++
		over := p.deletions > enough
		p.mu.Unlock()
		if answer = "{}"; over {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"}`)
			return
		}
	default:
		p.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = io.WriteString(w, answer)
}

// ofContacts is a page of a number's contacts, as DynamoDB's JSON.
func (p *pages) ofContacts(key string, keysOnly bool) string {
	number := 0
	if _, err := fmt.Sscanf(strings.TrimPrefix(key, "acme#"), "n%d-", &number); err != nil {
		return `{"Count":0,"Items":[],"ScannedCount":0}`
	}
	var items []string
	for i := 0; i < 200; i++ {
		parties := p.contact(number, i)
		if parties == "" {
			break
		}
		items = append(items, fmt.Sprintf(`{"contact":{"S":"2026-01-02T03:04:05.%d#%s"},"parties":%s}`, i, key,
			parties))
	}
	return fmt.Sprintf(`{"ConsumedCapacity":{"CapacityUnits":256,"TableName":"c"},"Count":%d,"Items":[%s],"ScannedCount":%[1]d}`, len(items), strings.Join(items, ","))
}

// ofCustomer is three pages of 1,000 records with keys of 1 KB, or of as many of the
// shortest as a page has.
func (p *pages) ofCustomer(key, after string) string {
	records, width := 1000, 1000
	if strings.HasSuffix(key, "7") {
		records, width = 10_000, 12
	}
	var page int
	_, _ = fmt.Sscanf(after, "txn#%d#", &page)
	page++
	var items []string
	for i := range records {
		items = append(items, fmt.Sprintf(`{"record":{"S":"txn#%d#%0*d"}}`, page, width, i))
	}
	if page == 3 {
		return `{"Items":[` + strings.Join(items, ",") + `]}`
	}
	return fmt.Sprintf(`{"Items":[%s],"LastEvaluatedKey":{"customer":{"S":%q},"record":{"S":"txn#%d#%0*d"}}}`,
		strings.Join(items, ","), key, page, width, records-1)
}

const (
	jobs         = 4   // of numbers; cleanup works on so many at once
	jobNumbers   = 64  // of each job: two windows
	bigCustomers = 16  // cleanup works on so many at once
	enough       = 600 // deleting calls: by then all that is held at once has been
)

// party is a number of 128 bytes, the longest.
func party(n, k int) string {
	name := fmt.Sprintf("n%d-%d.", n, k)
	return name + strings.Repeat("x", 128-len(name))
}

// list is n texts as DynamoDB's JSON.
func list(n int, name func(k int) string) string {
	all := make([]string, n)
	for k := range all {
		all[k] = `{"S":"` + name(k) + `"}`
	}
	return `{"L":[` + strings.Join(all, ",") + `]}`
}

// TestMemoryOfWorkers runs the real processes of the workers with as much data as there
// can be: jobs of numbers whose pages are full of contacts with many parties, and
// customers with pages full of long keys. Whatever it is, they stay below memoryLimit.
func TestMemoryOfWorkers(t *testing.T) {
	short := list(1500, func(k int) string { return string([]byte{'0' + byte(k/64), '0' + byte(k%64)}) })
	short = strings.ReplaceAll(short, `\`, "/")
	longest := list(130_000, func(k int) string { return strconv.FormatInt(int64(k), 36) })
	for _, test := range []struct {
		what    string
		contact func(n, i int) string
	}{
		{"50 parties of 128 bytes", func(n, i int) string {
			if i == 155 { // a megabyte
				return ""
			}
			return list(50, func(k int) string { return party(n, k) })
		}},
		{"1500 parties of 2 bytes", func(_, i int) string {
			if i == 170 {
				return ""
			}
			return short
		}},
		{"130,000 parties", func(_, i int) string {
			if i == 2 {
				return ""
			}
			return longest
		}},
	} {
		t.Run(test.what, func(t *testing.T) {
			w := newWorkers(t, test.contact)
			w.open(t, jobs)
			w.run(t, "cleanup", map[string]string{})
			w = newWorkers(t, test.contact)
			w.run(t, "continue-erasure", stream(w.open(t, 1)[0]))
		})
	}
	t.Run("large customers", func(t *testing.T) {
		w := newWorkers(t, nil)
		for i := range bigCustomers {
			code := fmt.Sprint(i)
			w.Put(t, w.Customers.Table, attribute.Item{"customer": attribute.Text(store.CustomerKey("shop", code)),
				"record": attribute.Text(store.CustomerRecord)})
			for k := range store.FewRecords + 1 {
				w.Put(t, w.Customers.Table, attribute.Item{"customer": attribute.Text(store.CustomerKey("shop",
					code)), "record": attribute.Text(store.TransactionRecord("c", fmt.Sprint(k)))})
			}
			// With no time for any deletion.
			asked := erasure.CustomerRequest{Account: "shop", Code: code, By: "john"}
			if _, err := w.customers.Customer(t.Context(), asked, 0); err != nil {
				t.Fatal(err)
			}
		}
		w.run(t, "cleanup", map[string]string{})
	})
}

// workers are functions on tables of their own, behind pages.
type workers struct {
	*dynamotest.Kit
	digests   digest.Digester
	numbers   erasure.NumbersIntake
	customers erasure.CustomerIntake
	pages     *pages
	env       map[string]string
}

// newWorkers starts nothing: run does.
func newWorkers(t *testing.T, contact func(n, i int) string) *workers {
	kit := dynamotest.Open(t)
	if err := stack.Build(t.Context(), dynamotest.Root(), filepath.Join(cache(), "bin")); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(os.Getenv("DYNAMODB_ENDPOINT"))
	if err != nil {
		t.Fatal(err)
	}
	w := &workers{Kit: kit, pages: &pages{
		next: httputil.NewSingleHostReverseProxy(to), contacts: kit.Contacts.Table, customers: kit.Customers.Table,
		contact: contact,
	}}
	server := httptest.NewServer(w.pages)
	t.Cleanup(server.Close)
	anHourAgo := func() time.Time { return time.Now().Add(-time.Hour) } // so that all is due
	w.digests = digest.Digester{Current: "1",
		Keys: map[string][]byte{"1": []byte("a key that only these tests know of")}}
	w.numbers = erasure.NewNumbersIntake(kit.Erasures, w.digests, anHourAgo)
	w.customers = erasure.NewCustomerIntake(kit.Erasures, kit.Customers, kit.Holds, w.digests,
		erasure.Timing{WriterLifetime: time.Second},
		erasure.NewClock(anHourAgo, func(d time.Duration,
			do func()) (stop func() bool) {
			return time.AfterFunc(d, do).Stop
		}))
	w.env = map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "METRICS_NAMESPACE": "test",
		"ERASURES_TABLE": kit.Erasures.Table, "CUSTOMERS_TABLE": kit.Customers.Table,
		"CONTACTS_TABLE": kit.Contacts.Table, "HOLDS_TABLE": kit.Holds.Table, "STANDING_HOLDS_INDEX": dynamotest.StandingIndex,
		"RULES_TABLE": kit.Rules.Table,
		"USERS_TABLE": kit.Users.Table, "OPEN_ERASURES_INDEX": dynamotest.OpenIndex, "ALLOW_SWEEP_MINUTES": "1",
		"WRITER_LIFETIME": "1s", "CLOCK_SKEW": "0s", "WORKER_LEASE": "30s", "BATCH_CALLS": "8", "BACKUP_DAYS": "35",
	}
	return w
}

// open puts jobs of numbers on record, and returns their keys.
func (w *workers) open(t *testing.T, n int) (keys []string) {
	for j := range n {
		var numbers []string
		for i := range jobNumbers {
			numbers = append(numbers, party(j*jobNumbers+i, 0))
		}
		asked := erasure.NumbersRequest{Tenant: "acme", Numbers: numbers, By: "app"}
		if _, err := w.numbers.Numbers(t.Context(), asked); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, store.NumbersJob(w.digests.Set("acme", slices.Sorted(slices.Values(numbers)))))
	}
	return keys
}

// stream is the event of a job that was put on record.
func stream(key string) any {
	return map[string]any{"Records": []any{map[string]any{
		"eventName": "INSERT", "dynamodb": map[string]any{"SequenceNumber": "1",
			"Keys": map[string]any{"erasureId": map[string]string{"S": key}}},
	}}}
}

// run gives a function one event, and looks at its memory afterwards, and whether it has
// read and deleted.
func (w *workers) run(t *testing.T, folder string, event any) {
	service, err := lambda.New(lambda.Options{
		Account: lambda.Account{ID: "123456789012", Region: engine.Region}, BinDir: filepath.Join(cache(), "bin"),
		Workers: 1, Log: os.Stderr,
	}, []lambda.Function{{
		Name: folder, Folder: folder, Handler: "bootstrap", MemoryMB: 512, Timeout: 2 * time.Minute, Environment: w.env,
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	body, _ := json.Marshal(event)
	if _, err := service.Invoke(context.Background(), folder, body); err != nil {
		t.Logf("%s ends with %v", folder, err)
	}
	if w.pages.served == 0 || w.pages.deletions == 0 {
		t.Errorf("%d were read, %d calls deleted", w.pages.served, w.pages.deletions)
	}
	t.Logf("%s: %d were read, %d calls deleted", folder, w.pages.served, w.pages.deletions)
	report(peaks(t, os.Getpid()), t.Name())
}

var reporting sync.Mutex

// report prints what `make chaos` is asked for.
func report(peaks map[string]int64, under string) {
	reporting.Lock()
	defer reporting.Unlock()
	for _, name := range slices.Sorted(maps.Keys(peaks)) {
		fmt.Printf("memory: %s %d MB at most, %s\n", name, peaks[name]>>20, under)
	}
}
