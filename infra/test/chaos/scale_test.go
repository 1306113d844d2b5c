package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
)

// memoryLimit is what no function may exceed (128 MB is the smallest Lambda).
const memoryLimit = 128 << 20

// startInMemory starts a stack that keeps nothing, with those who call.
func startInMemory(t *testing.T) *victim {
	if os.Getenv("DYNAMODB_ENDPOINT") == "" {
		t.Skip("takes the local stack: run `make test` or `make chaos`")
	}
	if err := stack.Build(t.Context(), dynamotest.Root(), filepath.Join(cache(), "bin")); err != nil {
		t.Fatal(err)
	}
	v := start(t, inMemory)
	load(t, v, callers()...)
	return v
}

// TestMillionTransactions erases one customer with very many transactions: the call
// answers in time, that is with most of the work left to workers, which wait meanwhile;
// many workers hand the rest on, none needs much memory. `make test` is content with
// 20,000.
func TestMillionTransactions(t *testing.T) {
	v := startInMemory(t)
	n := number("SCALE_TRANSACTIONS", 20_000)
	load(t, v, fixture.Customer(by.Account, "big"), fixture.Customer(by.Account, "stays"))
	err := fixture.Fill(t.Context(), v.client, tables.Customers, fixture.Transactions(by.Account, "big", n))
	if err != nil {
		t.Fatal(err)
	}
	v.tell("hold continue-erasure cleanup")
	began := time.Now()
	if err := v.expect(client.DeleteCustomer(by, "big"), client.Deleted(client.XML, "big")); err != nil {
		t.Fatalf("%v, after %s", err, time.Since(began))
	}
	answered := time.Since(began)
	standing, err := v.client.Scan(t.Context(),
		&dynamodb.ScanInput{TableName: &tables.Customers, Select: types.SelectCount, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	if standing.Count < 100 {
		t.Errorf("%d items are left at the answer: the call has done the work of workers", standing.Count)
	}
	v.tell("go")
	waitUntilClosed(t, v)
	took := time.Since(began)
	left := dynamotest.Dump(t, v.client, tables.Customers)
	if len(left) != 1 || !strings.Contains(left[0], "stays") {
		t.Errorf("%d items left", len(left))
	}
	if records, erased := v.finished(t); records != 1 || erased != int64(n)+1 {
		t.Errorf("%d records of %d items", records, erased)
	}
	fmt.Printf("scale: %d transactions, answered after %s, gone after %s, most memory of a function %d MB\n",
		n, answered.Round(time.Millisecond), took.Round(time.Second), v.memory(t)>>20)
}

// TestThousandNumbers erases 1000 numbers with many contacts each in one call.
func TestThousandNumbers(t *testing.T) {
	v := startInMemory(t)
	each := number("SCALE_CONTACTS", 2)
	load(t, v, fixture.Contact(tenant, "stays", "other", "agent1"))
	err := fixture.Fill(t.Context(), v.client, tables.Contacts, func(yield func(fixture.Record) bool) {
		for i := range 1000 * each {
			number, contact := i/each, i%each
			id, agent := fmt.Sprintf("k%d-%d", number, contact), fmt.Sprint("agent", contact%7)
			if !yield(fixture.Contact(tenant, id, fmt.Sprint("n", number), agent)) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	token := v.token()
	v.send(cleans("warm", 1), token) // the second call is not a cold start
	began := time.Now()
	if !v.send(cleans("n", 1000), token) {
		t.Fatal("not accepted")
	}
	accepted := time.Since(began)
	if accepted > time.Second {
		t.Errorf("accepted after %s", accepted)
	}
	waitUntilClosed(t, v)
	took := time.Since(began)
	if left := dynamotest.Dump(t, v.client, tables.Contacts); len(left) != 2 {
		t.Errorf("%d copies left, want the 2 of one contact", len(left))
	}
	if _, erased := v.finished(t); erased != int64(1000*each) {
		t.Errorf("%d contacts on record", erased)
	}
	fmt.Printf("scale: 1000 numbers with %d contacts each, accepted after %s, gone after %s, most memory of a function %d MB\n",
		each, accepted.Round(time.Millisecond), took.Round(time.Second), v.memory(t)>>20)
}

// TestStormOfNumbers sends many calls of 1000 numbers at once: each is accepted, and each
// is done.
func TestStormOfNumbers(t *testing.T) {
	v := startInMemory(t)
	calls := number("SCALE_CALLS", 8)
	token := v.token()
	began := time.Now()
	var group sync.WaitGroup
	refused := make(chan int, calls)
	for i := range calls {
		group.Go(func() {
			if !v.send(cleans(fmt.Sprintf("s%d-", i), 1000), token) {
				refused <- i
			}
		})
	}
	group.Wait()
	accepted := time.Since(began)
	if n := len(refused); n > 0 {
		t.Errorf("%d of %d calls were not accepted", n, calls)
	}
	waitUntilClosed(t, v)
	if records, _ := v.finished(t); records != calls {
		t.Errorf("%d records of %d calls", records, calls)
	}
	fmt.Printf("scale: %d calls of 1000 numbers at once, accepted after %s, done after %s, most memory of a function %d MB\n",
		calls, accepted.Round(time.Millisecond), time.Since(began).Round(time.Second), v.memory(t)>>20)
}

// finished counts the ledger's records and what they say was deleted.
func (v *victim) finished(t *testing.T) (records int, erased int64) {
	for _, line := range dynamotest.Dump(t, v.client, "Erasures") {
		if strings.Contains(line, `"state":{"Value":"done"}`) {
			records++
			erased += deleted(t, line)
		}
	}
	return records, erased
}

// memory is the most resident memory that any running function process ever had, in bytes
// (Linux; 0 elsewhere).
func (v *victim) memory(t *testing.T) (most int64) {
	all := peaks(t, v.cmd.Process.Pid)
	report(all, t.Name())
	for _, peak := range all {
		most = max(most, peak)
	}
	return most
}
