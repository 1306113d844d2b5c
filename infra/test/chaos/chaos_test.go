package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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

// figures are what `make chaos` prints.
type figures struct{ rounds, kills, erased, lost, left, wrong int }

func (f figures) String() string {
	return fmt.Sprintf("rounds %d, kills %d, items erased %d, items lost %d, items left %d, wrong counts %d",
		f.rounds, f.kills, f.erased, f.lost, f.left, f.wrong)
}

func TestKillsInTheMiddleOfErasures(t *testing.T) {
	if os.Getenv("DYNAMODB_ENDPOINT") == "" {
		t.Skip("takes the local stack: run `make test` or `make chaos`")
	}
	if err := stack.Build(t.Context(), dynamotest.Root(), filepath.Join(cache(), "bin")); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	v := start(t, data)
	load(t, v, callers()...)
	load(t, v, subjects("stays")...)
	stays := dynamotest.Dump(t, v.client, tables.Customers, tables.Contacts)

	var f figures
	for f.rounds = 0; f.rounds < number("CHAOS_ROUNDS", 2); f.rounds++ {
		mark := fmt.Sprintf("r%d", f.rounds)
		load(t, v, subjects(mark)...)
		requests := erasures(mark)
		for life := 0; len(requests) > 0; life++ {
			unanswered := make(chan request, len(requests))
			var group sync.WaitGroup
			token := v.token()
			if life < killsARound {
				v.tell("die %d", 1+rand.IntN(requestsCalls))
			}
			for _, e := range requests {
				group.Go(func() {
					if !v.send(e, token) {
						unanswered <- e
					}
				})
			}
			group.Wait()
			if life < killsARound { // also when all were answered before: workers go on
				v.kill()
				f.kills++
			}
			close(unanswered)
			requests = nil
			for e := range unanswered {
				requests = append(requests, e)
			}
			if life < killsARound {
				v = start(t, data)
			}
		}
		if rand.IntN(2) == 0 { // and once more, while workers go on in the background
			v.tell("die %d", 1+rand.IntN(workersCalls))
			for open := true; open && !v.over(); time.Sleep(10 * time.Millisecond) {
				open = v.anyOpen()
			}
			v.kill()
			f.kills++
			v = start(t, data)
		}
		waitUntilClosed(t, v)
		after := dynamotest.Dump(t, v.client, tables.Customers, tables.Contacts)
		for _, line := range stays {
			if _, found := slices.BinarySearch(after, line); !found {
				f.lost++
			}
		}
		f.left += len(after) - (len(stays) - f.lost)
		erased := int64(0)
		for _, line := range dynamotest.Dump(t, v.client, "Erasures") {
			erased += deleted(t, line)
		}
		want := (f.rounds + 1) * (customers*(transactions+1) + contacts)
		f.erased = int(erased)
		if f.erased != want {
			f.wrong++
			t.Errorf("round %d: the records say %d items, %d were there", f.rounds, f.erased, want)
		}
	}
	v.stop(t)
	t.Log(f)
	fmt.Println("chaos:", f)
	if f.lost != 0 || f.left != 0 {
		t.Error("a promise was broken")
	}
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

// erasures are those of all subjects with this mark.
func erasures(mark string) (all []request) {
	for c := range customers {
		all = append(all, deletes(fmt.Sprintf("%s-%d", mark, c)))
	}
	return append(all, cleans(mark+"-", numbers))
}

// over says that it is no more.
func (v *victim) over() bool {
	select {
	case <-v.ended:
		return true
	default:
		return false
	}
}

// openJobs are the erasures that are not done.
func (v *victim) openJobs() ([]map[string]types.AttributeValue, error) {
	var all []map[string]types.AttributeValue
	for pages := dynamodb.NewScanPaginator(v.client, &dynamodb.ScanInput{
		TableName: aws.String("Erasures"), ConsistentRead: aws.Bool(true),
		FilterExpression: aws.String("attribute_exists(openShard)"),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
	}
	return all, nil
}

// anyOpen says whether an erasure is, as far as DynamoDB still tells.
func (v *victim) anyOpen() bool {
	jobs, err := v.openJobs()
	return err != nil || len(jobs) > 0
}

// farthest is how far ahead the time may lie at which cleanup takes up a job that is
// left.
const farthest = 3 * time.Minute

// waitUntilClosed waits until no erasure is open. What cleanup would only take up later
// it takes up now: when it would is looked at, and nobody waits for it.
func waitUntilClosed(t *testing.T, v *victim) {
	t.Helper()
	for end := time.Now().Add(generous); ; time.Sleep(50 * time.Millisecond) {
		jobs, err := v.openJobs()
		switch {
		case err != nil:
			t.Fatal(err)
		case len(jobs) == 0:
			return
		case time.Now().After(end):
			t.Fatalf("%d erasures are still open after %s", len(jobs), generous)
		}
		now := time.Now()
		for _, job := range jobs {
			value, _ := job["dueAt"].(*types.AttributeValueMemberN)
			if value == nil {
				t.Fatalf("a job that is never due: %v", job)
			}
			due, _ := strconv.ParseInt(value.Value, 10, 64)
			ahead := time.UnixMilli(due).Sub(now)
			if ahead > farthest {
				t.Errorf("a job is due in %s only", ahead)
			}
			if ahead <= 0 {
				continue
			}
			_, err := v.client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: aws.String("Erasures"), Key: map[string]types.AttributeValue{"erasureId": job["erasureId"]},
				ConditionExpression: aws.String("attribute_exists(openShard) AND dueAt = :seen"),
				UpdateExpression:    aws.String("SET dueAt = :now"),
				ExpressionAttributeValues: map[string]types.AttributeValue{
					":seen": value, ":now": &types.AttributeValueMemberN{Value: strconv.FormatInt(now.UnixMilli(), 10)},
				},
			})
			var moved *types.ConditionalCheckFailedException
			if err != nil && !errors.As(err, &moved) {
				t.Fatal(err)
			}
		}
	}
}

// deleted is the count in a finished record, 0 for any other line of the ledger.
func deleted(t *testing.T, line string) int64 {
	var item struct {
		State   struct{ Value string } `json:"state"`
		Deleted struct {
			Value int64 `json:",string"`
		} `json:"deleted"`
	}
	_, text, _ := strings.Cut(line, " ")
	if err := json.Unmarshal([]byte(text), &item); err != nil {
		t.Fatal(err)
	}
	if item.State.Value != "done" {
		return 0
	}
	return item.Deleted.Value
}
