package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
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

	"customercare/infra/importer"
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

	// A life ends at one of its first calls to DynamoDB, so many with requests, so many with nothing but workers.
	// Together they are about what a round takes.
	requestsCalls, workersCalls = 150, 150
)

// figures are what `make chaos` prints.
type figures struct{ rounds, kills, erased, lost, left, wrong int }

func (f figures) String() string {
	return fmt.Sprintf("rounds %d, kills %d, items erased %d, items lost %d, items left %d, wrong counts %d",
		f.rounds, f.kills, f.erased, f.lost, f.left, f.wrong)
}

var tables = importer.Tables{Users: "Users", Customers: "Customers", Contacts: "Contacts", Principals: "Principals"}

func TestKillsInTheMiddleOfErasures(t *testing.T) {
	if os.Getenv("DYNAMODB_ENDPOINT") == "" {
		t.Skip("takes the local stack: run `make test` or `make chaos`")
	}
	if err := stack.Build(t.Context(), dynamotest.Root(), filepath.Join(cache(), "bin")); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	v := start(t, data)
	load(t, v, `{"kind":"apiUser","name":"john","key":"key-0123456789abcdef","accounts":["shop"]}`,
		`{"kind":"app","name":"ak","secret":"sk-0123456789abcdef","tenantId":"acme"}`)
	load(t, v, subjects("stays")...)
	stays := dynamotest.Dump(t, v.client, tables.Customers, tables.Contacts)

	var f figures
	for f.rounds = 0; f.rounds < number("CHAOS_ROUNDS", 2); f.rounds++ {
		mark := fmt.Sprintf("r%d", f.rounds)
		load(t, v, subjects(mark)...)
		requests := deletions(mark)
		for life := 0; len(requests) > 0; life++ {
			unanswered := make(chan deletion, len(requests))
			var group sync.WaitGroup
			token := v.token()
			if life < killsARound {
				v.tell("die %d", 1+rand.IntN(requestsCalls))
			}
			for _, d := range requests {
				group.Go(func() {
					if !v.send(d, token) {
						unanswered <- d
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
			for d := range unanswered {
				requests = append(requests, d)
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
		settle(t, v)
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

// subjects are records of customers and contacts whose every text holds mark.
func subjects(mark string) []string {
	var records []string
	for c := range customers {
		records = append(records, fmt.Sprintf(`{"kind":"customer","accountId":"shop","code":"%s-%d","name":"%s"}`, mark, c, mark))
		for i := range transactions {
			records = append(records, fmt.Sprintf(`{"kind":"transaction","accountId":"shop","code":"%s-%d","campaignId":"c%d","transactionId":"t%d","at":"2026-01-02T03:04:05Z","amount":"1.50"}`, mark, c, i%5, i))
		}
	}
	for i := range contacts {
		records = append(records, fmt.Sprintf(`{"kind":"contact","tenantId":"acme","contactId":"%s-%d","at":"2026-01-02T03:04:05Z","callingNumber":"%s-%d","calledNumber":"%s-%d","content":"%s"}`,
			mark, i, mark, i%numbers, mark, numbers+i%7, mark))
	}
	return records
}

// deletion is one request that must be answered with success in the end.
type deletion struct{ path, body, contentType string }

func deletions(mark string) []deletion {
	var all []deletion
	for c := range customers {
		all = append(all, deletion{"/api.php", fmt.Sprintf("user_id=john&user_password=key-0123456789abcdef&type=customer_delete&account_id=shop&code=%s-%d", mark, c), "application/x-www-form-urlencoded"})
	}
	list := make([]string, numbers)
	for i := range list {
		list[i] = fmt.Sprintf("%s-%d", mark, i)
	}
	body, _ := json.Marshal(map[string][]string{"customNos": list})
	return append(all, deletion{"/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata", string(body), "application/json"})
}

// send reports whether the answer was a success; any other, and none, is a reason to ask again.
func (v *victim) send(d deletion, token string) bool {
	body, err := v.post(d.path, d.body, d.contentType, token)
	return err == nil && (strings.Contains(body, `status="deleted"`) || strings.Contains(body, "VerifyParams success"))
}

func (v *victim) post(path, body, contentType, token string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), generous)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

func (v *victim) token() string {
	body, _ := v.post("/apigovernance/api/oauth/tokenByAkSk", `{"app_key":"ak","app_secret":"sk-0123456789abcdef"}`, "application/json", "")
	var answer struct{ AccessToken string }
	_ = json.Unmarshal([]byte(body), &answer)
	return answer.AccessToken
}

func load(t *testing.T, v *victim, records ...string) {
	t.Helper()
	_, err := importer.Load(t.Context(), importer.Options{
		Client: v.client, Tables: tables,
		Report: func(line int, sentence string) { t.Errorf("line %d: %s", line, sentence) },
	}, strings.NewReader(strings.Join(records, "\n")))
	if err != nil {
		t.Fatal(err)
	}
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
		TableName: aws.String("Erasures"), ConsistentRead: aws.Bool(true), FilterExpression: aws.String("attribute_exists(openShard)"),
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

// farthest is how far ahead the time may lie at which cleanup takes up a job that is left.
const farthest = 3 * time.Minute

// settle waits until no erasure is open. What cleanup would only take up later it takes up now: when it would is looked at,
// and nobody waits for it.
func settle(t *testing.T, v *victim) {
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
				ConditionExpression: aws.String("attribute_exists(openShard) AND dueAt = :seen"), UpdateExpression: aws.String("SET dueAt = :now"),
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
