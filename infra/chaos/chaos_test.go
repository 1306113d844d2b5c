package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/dynamotest"
	"customercare/infra/importer"
	"customercare/infra/stack"
)

// Sizes of one round.
const (
	customers    = 4
	transactions = 400
	numbers      = 60
	contacts     = 600
	killsARound  = 2 // in the first lives; the third is left to answer what is still unanswered
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
			for _, d := range requests {
				group.Go(func() {
					if !v.send(d, token) {
						unanswered <- d
					}
				})
			}
			if life < killsARound {
				time.Sleep(time.Duration(rand.IntN(1500)) * time.Millisecond)
				v.kill()
				f.kills++
			}
			group.Wait()
			close(unanswered)
			requests = nil
			for d := range unanswered {
				requests = append(requests, d)
			}
			if v.cmd.ProcessState != nil {
				v = start(t, data)
			}
		}
		if rand.IntN(2) == 0 { // and once more, while workers go on in the background
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Millisecond)
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
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
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

// settle waits until no erasure is open.
func settle(t *testing.T, v *victim) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if !slices.ContainsFunc(dynamotest.Dump(t, v.client, "Erasures"), func(line string) bool {
			return strings.Contains(line, `"openShard"`)
		}) {
			return
		}
	}
	t.Fatal("erasures are still open after 3 minutes")
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
