package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
)

// Sizes of one round.
const (
	customers    = 4
	transactions = 400
	numbers      = 60
	contacts     = 600
	killsARound  = 2 // in the first lives; the third is left to answer what is still unanswered

	// A life ends at one of its first calls to DynamoDB, so many with requests, so many
	// with nothing but workers. Together they are about what a round takes.
	requestsCalls, workersCalls = 150, 150
)

// figures are what `make chaos` prints. Kept are the items that holds kept in the middle
// of an erasure, kept lost those of them that were not there any more.
type figures struct{ rounds, kills, erased, lost, left, kept, keptLost, wrong int }

func (f figures) String() string {
	return fmt.Sprintf("rounds %d, kills %d, items erased %d, items lost %d, items left %d, "+
		"items kept by holds %d, of them lost %d, wrong counts %d",
		f.rounds, f.kills, f.erased, f.lost, f.left, f.kept, f.keptLost, f.wrong)
}

func TestKillsInTheMiddleOfErasures(t *testing.T) {
	if os.Getenv("DYNAMODB_ENDPOINT") == "" {
		t.Skip("takes the local stack: run `make test` or `make chaos`")
	}
	if err := stack.Build(t.Context(), dynamotest.Root(), filepath.Join(cache(), "bin")); err != nil {
		t.Fatal(err)
	}
	r := run{data: t.TempDir()}
	r.v = start(t, r.data)
	load(t, r.v, callers()...)
	load(t, r.v, subjects("stays")...)
	stays := r.dump(t)
	f := &r.figures
	for f.rounds = 0; f.rounds < number("CHAOS_ROUNDS", 2); f.rounds++ {
		mark := fmt.Sprintf("r%d", f.rounds)
		load(t, r.v, subjects(mark)...)
		r.ask(t, rand.IntN(2), placings(mark))
		kept := r.kept(t, mark)
		r.ask(t, killsARound, erasures(mark))
		if rand.IntN(2) == 0 { // and once more, while workers go on in the background
			r.v.tell("die %d", 1+rand.IntN(workersCalls))
			for open := true; open && !r.v.over(); time.Sleep(10 * time.Millisecond) {
				open = r.v.anyOpen()
			}
			r.again(t)
		}
		waitUntilClosed(t, r.v)
		f.kept += len(kept)
		f.keptLost += r.missing(t, kept, len(stays)+len(kept))
		r.ask(t, rand.IntN(2), releases(mark))
		r.ask(t, 0, released(mark))
		waitUntilClosed(t, r.v)
		f.lost += r.missing(t, stays, len(stays))
		erased := int64(0)
		for _, line := range dynamotest.Dump(t, r.v.client, "Erasures") {
			erased += deleted(t, line)
		}
		want := (f.rounds + 1) * (customers*(transactions+1) + contacts)
		f.erased = int(erased)
		if f.erased != want {
			f.wrong++
			t.Errorf("round %d: the records say %d items, %d were there", f.rounds, f.erased, want)
		}
	}
	r.v.stop(t)
	t.Log(r.figures)
	fmt.Println("chaos:", r.figures)
	if f.lost != 0 || f.left != 0 || f.keptLost != 0 {
		t.Error("a promise was broken")
	}
}

// run is the lives of one stack, one after the other, on the same data.
type run struct {
	figures
	data string
	v    *victim
}

// again kills the stack and starts it anew.
func (r *run) again(t *testing.T) {
	r.v.kill()
	r.kills++
	r.v = start(t, r.data)
}

// ask makes requests until each is answered as it must be. As many lives as kills says
// end while they are under way; the one behind them is left to answer.
func (r *run) ask(t *testing.T, kills int, requests []request) {
	for life := 0; len(requests) > 0; life++ {
		unanswered := make(chan request, len(requests))
		var group sync.WaitGroup
		token := r.v.token()
		if life < kills {
			r.v.tell("die %d", 1+rand.IntN(requestsCalls))
		}
		for _, e := range requests {
			group.Go(func() {
				if !r.v.send(e, token) {
					unanswered <- e
				}
			})
		}
		group.Wait()
		if life < kills { // also when all were answered before: workers go on
			r.again(t)
		}
		close(unanswered)
		requests = nil
		for e := range unanswered {
			requests = append(requests, e)
			time.Sleep(10 * time.Millisecond) // others want to go on, too
		}
	}
}

// dump is every item of customers and contacts, sorted.
func (r *run) dump(t *testing.T) []string {
	return dynamotest.Dump(t, r.v.client, tables.Customers, tables.Contacts)
}

// missing says how many of these lines are not there. What is there beyond so many that
// must be counts as left.
func (r *run) missing(t *testing.T, lines []string, all int) (missing int) {
	after := r.dump(t)
	for _, line := range lines {
		if _, found := slices.BinarySearch(after, line); !found {
			missing++
		}
	}
	r.left += len(after) - (all - missing)
	return missing
}

// subjects are records of customers and contacts whose every key holds mark.
func subjects(mark string) (records []fixture.Record) {
	for c := range customers {
		records = append(records, fixture.CustomerWith(by.Account, fmt.Sprintf("%s-%d", mark, c), transactions)...)
	}
	for i := range contacts {
		calling, called := fmt.Sprintf("%s-%d", mark, i%numbers), fmt.Sprintf("%s-%d", mark, numbers+i%7)
		records = append(records, fixture.Contact(tenant, fmt.Sprintf("%s-%d", mark, i), calling, called))
	}
	return records
}

// erasures are those of all subjects with this mark. The first customer is held.
func erasures(mark string) (all []request) {
	all = append(all, request{client.DeleteCustomer(by, mark+"-0"), like(client.NotDeleted(client.XML, refused))})
	for c := 1; c < customers; c++ {
		all = append(all, deletes(fmt.Sprintf("%s-%d", mark, c)))
	}
	return append(all, cleans(mark+"-", numbers))
}
