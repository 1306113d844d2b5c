package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/frontdoor"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/store"
)

// steps is a door that notes of each call how many calls stand one behind another up to
// it: it is behind each that had its answer before it went out.
type steps struct {
	next http.RoundTripper
	hold func(action string) // runs before a call goes out

	mu              sync.Mutex
	calls           []string
	longest, behind int
}

func (s *steps) RoundTrip(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	s.mu.Lock()
	s.calls = append(s.calls, action)
	own := s.behind + 1
	s.longest = max(s.longest, own)
	s.mu.Unlock()
	s.hold(action)
	answer, err := s.next.RoundTrip(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = max(s.behind, own)
	return answer, err
}

// TestThreeCallsTwoInSequence: to delete a customer with up to ten transactions takes
// three calls of DynamoDB, and no more than two of them one behind the other. Neither of
// the two readings goes on before both are under way.
func TestThreeCallsTwoInSequence(t *testing.T) {
	for _, transactions := range []int{0, 1, store.FewRecords} {
		var both sync.WaitGroup
		both.Add(2)
		door := &steps{hold: func(action string) {
			if action == "TransactWriteItems" {
				return
			}
			both.Done()
			met := make(chan struct{})
			go func() { both.Wait(); close(met) }()
			select {
			case <-met:
			case <-time.After(hung):
				t.Errorf("%s is alone", action)
			}
		}}
		s := newSite(t, func(next http.RoundTripper) http.RoundTripper { door.next = next; return door })
		s.putCustomer(t, transactions)
		if body := s.ask(t, goodForm); !strings.Contains(body, deletedXML) {
			t.Fatal(body)
		}
		slices.Sort(door.calls)
		if want := "BatchGetItem Query TransactWriteItems"; strings.Join(door.calls, " ") != want || door.longest != 2 {
			t.Errorf("%d transactions: calls %v, %d in sequence", transactions, door.calls, door.longest)
		}
		if left := s.Dump(t, s.Customers.Table); len(left) != 1 || !strings.Contains(left[0], "tombstone") {
			t.Errorf("left %s", left)
		}
	}
}

// holding is a door that lets no Query out until its caller gives it up. With failing it
// answers each at once with a failure instead.
type holding struct {
	next    http.RoundTripper
	failing bool
	held    chan struct{} // gets one for each that is held
}

func (h *holding) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Query") {
		return h.next.RoundTrip(r)
	}
	h.held <- struct{}{}
	if h.failing {
		return nil, errors.New("the connection broke")
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestAStrangerNeverWaitsForACustomer: the reading of the customer is held back until the
// function gives it up, or fails. The stranger is answered all the same, in the same
// words, and the log has the same lines.
func TestAStrangerNeverWaitsForACustomer(t *testing.T) {
	for name, form := range strangers {
		answers := map[string]bool{}
		for _, failing := range []bool{false, true} {
			for _, transactions := range []int{-1, 3} {
				door := &holding{failing: failing, held: make(chan struct{}, 10)}
				s := newSite(t, func(next http.RoundTripper) http.RoundTripper { door.next = next; return door })
				if transactions >= 0 {
					s.putCustomer(t, transactions)
				}
				log := metrictest.Capture(t)
				body := s.ask(t, form)
				var messages []string
				for line := range strings.Lines(log.String()) {
					_, message, _ := strings.Cut(line, `"msg":`)
					message, _, _ = strings.Cut(message, ",")
					messages = append(messages, message)
				}
				for _, word := range []string{"Query", "customers:", "broke", "cancel"} {
					if strings.Contains(log.String(), word) {
						t.Errorf("%s: the log says %q: %s", name, word, log)
					}
				}
				answers[body+strings.Join(messages, " ")] = true
				if len(s.Dump(t, s.Erasures.Table)) != 0 {
					t.Errorf("%s: something is on record", name)
				}
			}
		}
		if len(answers) != 1 {
			t.Errorf("%s: %d different answers: %v", name, len(answers), answers)
		}
	}
}

// TestLetInBesideAStranger: while a stranger's reading of the same customer is held, and
// while the reading of one who is let in fails at first, who is let in deletes it.
func TestLetInBesideAStranger(t *testing.T) {
	release := make(chan struct{})
	var mu sync.Mutex
	first := true
	reading := make(chan struct{})
	s := newSite(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			target := r.Header.Get("X-Amz-Target")
			mu.Lock()
			mine := first && strings.HasSuffix(target, ".Query")
			first = first && !mine
			mu.Unlock()
			if mine {
				close(reading)
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			if strings.HasSuffix(target, ".UpdateItem") {
				<-release // the stranger is counted, and still there
			}
			return next.RoundTrip(r)
		})
	})
	s.putCustomer(t, 3)
	stranger := make(chan string, 1)
	go func() { stranger <- s.ask(t, strangers["wrong key"]) }()
	select {
	case <-reading:
	case <-time.After(hung):
		t.Fatal("nothing is read ahead")
	}
	if body := s.ask(t, goodForm); !strings.Contains(body, deletedXML) {
		t.Error(body)
	}
	close(release)
	select {
	case body := <-stranger:
		if !strings.Contains(body, "is wrong") {
			t.Error(body)
		}
	case <-time.After(hung):
		t.Error("the stranger waits for the customer")
	}
	if left := s.Dump(t, s.Customers.Table); len(left) != 1 || !strings.Contains(left[0], "tombstone") {
		t.Errorf("left %s", left)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestWrittenBeforeTheTombstone: a writer adds a transaction right before any call of the
// delete. Whatever the answer finds, nobody who looks at the customer's item finds
// any once it says deleted, and everything is gone at the end.
func TestWrittenBeforeTheTombstone(t *testing.T) {
	for _, transactions := range []int{0, 3, store.FewRecords, 25, 40} {
		t.Run(fmt.Sprint(transactions), func(t *testing.T) {
			s := newSite(t, nil)
			dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
				s.putCustomer(t, transactions)
				s.Faults.Interrupt(k, func() {
					// A writer who keeps the rules is refused once the tombstone stands.
					if !strings.Contains(strings.Join(s.Dump(t, s.Customers.Table), ""), "tombstone") {
						s.Put(t, s.Customers.Table, transaction("late"))
					}
				})
				if body := s.ask(t, goodForm); !strings.Contains(body, deletedXML) {
					t.Fatal(body)
				}
				struck = s.Faults.Struck()
				s.Faults.Calls()
				left := s.Dump(t, s.Customers.Table)
				for _, line := range left {
					if !strings.Contains(line, "tombstone") && !strings.Contains(line, "late") {
						t.Errorf("left %s", line)
					}
				}
				if !strings.Contains(strings.Join(left, ""), "tombstone") {
					t.Errorf("no tombstone stands: %s", left)
				}
				s.clock.Advance(7 * time.Minute)
				if _, err := s.worker.Due(t.Context(), dynamotest.OpenIndex); err != nil {
					t.Fatal(err)
				}
				if left := s.Dump(t, s.Customers.Table); len(left) != 0 {
					t.Errorf("left at the end: %s", left)
				}
				return struck
			})
		})
	}
}

// counted is a client like this one, but that asked counts each call that it is asked
// for, also one that is given up before it goes out.
func counted(client *dynamodb.Client, asked *atomic.Int32) *dynamodb.Client {
	count := middleware.InitializeMiddlewareFunc("count", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		asked.Add(1)
		return next.HandleInitialize(ctx, in)
	})
	return dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(count, middleware.Before)
		})
	})
}

// TestRefusalsReadNothing: what is refused before the key is looked at makes no call.
func TestRefusalsReadNothing(t *testing.T) {
	for name, form := range map[string]string{
		"no type":         strings.Replace(goodForm, "type=", "kind=", 1),
		"another type":    strings.Replace(goodForm, "customer_delete", "customer_info", 1),
		"no user":         strings.Replace(goodForm, "user_id=john", "user_id=", 1),
		"a long user":     strings.Replace(goodForm, "user_id=john", "user_id="+strings.Repeat("j", store.MaxName+1), 1),
		"no account":      strings.Replace(goodForm, "account_id=a", "account_id=", 1),
		"a long account":  strings.Replace(goodForm, "account_id=a", "account_id="+strings.Repeat("a", 129), 1),
		"no code":         strings.Replace(goodForm, "code=", "core=", 1),
		"no key":          strings.Replace(goodForm, "=key", "=", 1),
		"two keys":        goodForm + "&user_api_key=other",
		"a wrong output":  goodForm + "&output=YAML",
		"a broken form":   goodForm + "&a=%zz",
		"a code twice":    goodForm + "&code=48",
		"no valid UTF-8":  goodForm + "&output=%ff",
		"a wrong calling": goodForm + "&output=JSON&callback=1",
	} {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int32
			db := &frontdoor.Database{Known: true}
			r := frontdoor.Request{
				Method: "POST", Path: "/", Header: [][2]string{{"Content-Type", urlencoded}}, Body: []byte(form),
			}
			answer, err := onDatabase(counted(db.Client(), &asked))(t.Context(), r.Event())
			synctest.Wait()
			if err != nil || !strings.Contains(answer.Body, "error") || asked.Load() > 0 {
				t.Errorf("%s: %d calls, %v: %s", name, asked.Load(), err, answer.Body)
			}
		})
	}
}
