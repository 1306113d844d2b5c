package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"customercare/infra/dynamotest"
	"customercare/infra/engine"
	"customercare/infra/stack"
	"customercare/infra/stack/lambda"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

// peaks is the most resident memory that each function's processes below parent have ever had, in bytes, by the
// function's folder (Linux; empty elsewhere). None may exceed memoryLimit.
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

type record = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// fill puts items into a table, several calls at once.
func fill(t *testing.T, db *dynamodb.Client, table string, n int, item func(i int) record) {
	t.Helper()
	var group errgroup.Group
	group.SetLimit(4)
	for from := 0; from < n; from += 25 {
		group.Go(func() error {
			var requests []types.WriteRequest
			for i := from; i < min(from+25, n); i++ {
				requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item(i)}})
			}
			for len(requests) > 0 {
				out, err := db.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}})
				if err != nil {
					return err
				}
				requests = out.UnprocessedItems[table]
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// What the workers of TestMemoryOfWorkers are given.
const (
	jobs          = 4  // of numbers; cleanup works on so many at once
	jobNumbers    = 64 // of each job; two windows
	bigCustomers  = 16 // cleanup works on so many at once
	bigCollection = 1500
)

// party is a number of 128 bytes, the longest.
func party(i, k int) string {
	name := fmt.Sprintf("%d.%d.", i, k)
	return name + strings.Repeat("x", 128-len(name))
}

// full are lists of parties that fill pages. Short ones take the engine of the tests long to store, so few numbers have
// contacts with such.
var full = []struct {
	what    string
	numbers int
	parties func(i int) types.AttributeValue
}{
	{"50 parties of 128 bytes", jobNumbers, func(i int) types.AttributeValue { return partyList(50, func(k int) string { return party(i, k) }) }},
	{"1500 parties of 2 bytes", 5, func(i int) types.AttributeValue {
		return partyList(1500, func(k int) string { return string([]byte{'0' + byte(k/50), 'A' + byte(k%50)}) })
	}},
	{"a set of 1500 parties", 5, func(i int) types.AttributeValue {
		set := &types.AttributeValueMemberSS{}
		for k := range 1500 {
			set.Value = append(set.Value, fmt.Sprint(k))
		}
		return set
	}},
}

func partyList(n int, name func(k int) string) types.AttributeValue {
	list := &types.AttributeValueMemberL{}
	for k := range n {
		list.Value = append(list.Value, str(name(k)))
	}
	return list
}

// TestMemoryOfWorkers runs the real processes of the workers with as much data as may be there: jobs of numbers whose
// pages are full of contacts with many parties, and customers with pages full of long keys. Whatever it is, each stays
// below memoryLimit, and deletes.
func TestMemoryOfWorkers(t *testing.T) {
	for _, pages := range full {
		t.Run(pages.what, func(t *testing.T) {
			w := newWorkers(t)
			fill(t, w.Plain, w.Contacts.Table, pages.numbers*200, func(i int) record {
				return record{
					"party":   str(store.PartyKey("acme", party(i%pages.numbers, 0))),
					"contact": str(store.ContactKey(time.Unix(int64(i), 0), "c")), "parties": pages.parties(i % pages.numbers),
				}
			})
			keys := w.open(t, jobs)
			t.Run("cleanup", func(t *testing.T) {
				w.run(t, "cleanup", map[string]string{}, func() int { return w.left(t, w.Contacts.Table) })
			})
			t.Run("continue-erasure", func(t *testing.T) {
				w.run(t, "continue-erasure", stream(keys[0]), func() int { return w.left(t, w.Contacts.Table) })
			})
		})
	}
	t.Run("large customers", func(t *testing.T) {
		w := newWorkers(t)
		long := strings.Repeat("k", 950)
		fill(t, w.Plain, w.Customers.Table, bigCustomers*bigCollection, func(i int) record {
			r := record{"customer": str(store.CustomerKey("shop", fmt.Sprint(i%bigCustomers))), "record": str(store.TransactionRecord("c", fmt.Sprint(long, i)))}
			if i < bigCustomers {
				r["record"] = str(store.CustomerRecord)
			}
			return r
		})
		for i := range bigCustomers {
			// With no time for any deletion.
			if err := w.engine.Customer(t.Context(), "shop", fmt.Sprint(i), "john", 0); err != nil {
				t.Fatal(err)
			}
		}
		w.run(t, "cleanup", map[string]string{}, func() int { return w.left(t, w.Customers.Table) })
	})
}

// workers are functions on tables of their own.
type workers struct {
	*dynamotest.Kit
	engine erasure.Engine
	env    map[string]string
}

func newWorkers(t *testing.T) *workers {
	kit := dynamotest.Open(t)
	if err := stack.Build(t.Context(), dynamotest.Root(), filepath.Join(cache(), "bin")); err != nil {
		t.Fatal(err)
	}
	w := &workers{Kit: kit}
	w.engine = erasure.Engine{
		Ledger: kit.Erasures, Customers: kit.Customers, Contacts: kit.Contacts,
		Digests:        erasure.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key that only these tests know of")}},
		WriterLifetime: time.Second, Now: func() time.Time { return time.Now().Add(-time.Hour) }, // all is due
	}
	w.env = map[string]string{
		"AWS_ENDPOINT_URL": os.Getenv("DYNAMODB_ENDPOINT"), "METRICS_NAMESPACE": "test",
		"ERASURES_TABLE": kit.Erasures.Table, "CUSTOMERS_TABLE": kit.Customers.Table, "CONTACTS_TABLE": kit.Contacts.Table,
		"USERS_TABLE": kit.Users.Table, "OPEN_ERASURES_INDEX": kit.Erasures.Index, "ALLOW_SWEEP_MINUTES": "1",
		"WRITER_LIFETIME": "1s", "CLOCK_SKEW": "0s", "WORKER_LEASE": "30s", "BATCH_STREAMS": "8",
	}
	return w
}

// open puts jobs of the same numbers on record, which one more number tells apart, and returns their keys.
func (w *workers) open(t *testing.T, n int) (keys []string) {
	for j := range n {
		numbers := []string{fmt.Sprint("~job ", j)}
		for i := range jobNumbers {
			numbers = append(numbers, party(i, 0))
		}
		if err := w.engine.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, store.NumbersJob(w.engine.Digests.Set("acme", slices.Sorted(slices.Values(numbers)))))
	}
	return keys
}

func stream(key string) any {
	return map[string]any{"Records": []any{map[string]any{
		"eventName": "INSERT", "dynamodb": map[string]any{"SequenceNumber": "1", "Keys": map[string]any{"erasureId": map[string]string{"S": key}}},
	}}}
}

func (w *workers) left(t *testing.T, table string) int {
	n := 0
	for pages := dynamodb.NewScanPaginator(w.Plain, &dynamodb.ScanInput{TableName: &table, Select: types.SelectCount}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += int(page.Count)
	}
	return n
}

// run gives a function one event, and looks at its memory afterwards, and whether it has got anywhere.
func (w *workers) run(t *testing.T, folder string, event any, left func() int) {
	region := engine.Region
	service, err := lambda.New(lambda.Options{
		Account: lambda.Account{ID: "123456789012", Region: region}, BinDir: filepath.Join(cache(), "bin"), Workers: 1, Log: os.Stderr,
	}, []lambda.Function{{
		Name: folder, Folder: folder, Handler: "bootstrap", MemoryMB: 512, Timeout: 15 * time.Second, Environment: w.env,
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	body, _ := json.Marshal(event)
	before := left()
	if _, err := service.Invoke(context.Background(), folder, body); err != nil {
		t.Error(err)
	}
	if after := left(); after >= before {
		t.Errorf("nothing was deleted: %d items, then %d", before, after)
	} else {
		t.Logf("%d items, then %d", before, after)
	}
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
