package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

// Erasures that the engine accepts and ends, while several sealers die at any of their
// calls, and the log is exported by commands that are killed at any of theirs: in the
// end `customercare verify log` finds nothing unsealed, nothing without an end, nothing
// bad. ERASURES=10000 measures the full size.
func TestLogOfManyErasures(t *testing.T) {
	metrictest.Capture(t)
	all, err := strconv.Atoi(os.Getenv("ERASURES"))
	if err != nil {
		all = 700
	}
	m := &ledger{bench: open(t), tb: t}
	m.index = &lateIndex{next: m.kit.Faults} // on time
	export := newExporter(t, m.bench)

	var done atomic.Bool
	var deaths atomic.Int64
	var others sync.WaitGroup
	for range 3 {
		others.Go(func() {
			for !done.Load() {
				fate := []string{"dies before", "dies after"}[rand.IntN(2)]
				m.seal([]step{{call: 1 + rand.IntN(1+rand.IntN(80)), do: func() { deaths.Add(1) }, fate: fate}})
			}
		})
	}
	others.Go(func() {
		for !done.Load() {
			export.killed(t)
		}
	})
	m.erase(t, all)
	done.Store(true)
	others.Wait()
	m.seal(nil)
	m.check(t)
	export.killed(t)
	if deaths.Load() < 10 || export.kills < 3 {
		t.Errorf("%d sealers died, %d exports were killed", deaths.Load(), export.kills)
	}

	if out, code := export.call(0, "log", "export", export.dir); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	out, code := export.call(0, "verify", "log", export.dir, "--json")
	var said struct {
		Size, Open, WithoutText, Bad int
		Statements                   map[string]int
	}
	err = json.Unmarshal([]byte(out), &said)
	if err != nil || code != 0 || said.Open+said.WithoutText+said.Bad != 0 || said.Size != 2*all ||
		said.Statements["accepted"] != all || said.Statements["erased"] != all {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	export.consistent(t)
	t.Logf("%d erasures, %d sealers died, %d exports were killed: %s", all, deaths.Load(), export.kills, out)
}

// erase lets the engine accept erasures, each tenth of a customer, and work on them until
// all have ended.
func (m *ledger) erase(t *testing.T, all int) {
	digests := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key that only these tests know of")}}
	clock := erasure.NewClock(m.clock.Now, m.clock.AfterFunc)
	numbers := erasure.NewNumbersIntake(m.bench.ledger, digests, m.clock.Now)
	customers := erasure.NewCustomerIntake(m.bench.ledger, m.kit.Customers, m.kit.Holds, digests, erasure.Timing{}, clock)
	worker := erasure.NewWorker(m.bench.ledger, m.kit.Customers, m.kit.Contacts, m.kit.Holds, nil, erasure.Timing{}, time.Minute, clock)
	for n, idle := 0, 0; n < all || idle < 3; {
		for end := min(n+max(50, all/20), all); n < end; n++ {
			var err error
			if code := fmt.Sprint(n); n%10 == 0 {
				m.kit.Put(t, m.kit.Customers.Table, attribute.Item{
					"customer": attribute.Text(store.CustomerKey("greatwidgets", code)), "record": attribute.Text("customer"),
				})
				asked := erasure.CustomerRequest{Account: "greatwidgets", Code: code, By: "john1970"}
				_, err = customers.Customer(t.Context(), asked, time.Second)
			} else {
				_, err = numbers.Numbers(t.Context(), erasure.NumbersRequest{Tenant: "acme", Numbers: []string{code}, By: "app"})
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
		m.clock.Advance(time.Hour)
		taken, err := worker.Due(t.Context(), dynamotest.OpenIndex)
		if err != nil {
			t.Error(err)
			return
		}
		if idle++; taken > 0 {
			idle = 0
		}
	}
}

// exporter calls the command customercare, which reaches the engine through a server
// that can kill it at a call.
type exporter struct {
	binary, dir string
	env         []string
	kills       int
	seen        []string // the checkpoints that exports have left, in order, each once

	mu     sync.Mutex
	left   int // calls until the command is killed; below 0: it is not
	victim *exec.Cmd
}

func newExporter(t *testing.T, b *bench) *exporter {
	t.Helper()
	temp := t.TempDir()
	e := &exporter{binary: filepath.Join(temp, "customercare"), dir: filepath.Join(temp, "evidence")}
	if out, err := exec.Command("go", "build", "-o", e.binary, "customercare/infra/cmd/customercare").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	engine, err := url.Parse(*b.kit.Plain.Options().BaseEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(engine)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		e.left--
		if e.left == 0 {
			_ = e.victim.Process.Kill()
			e.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
		e.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	e.env = append(os.Environ(), "STACK=", "DYNAMODB_ENDPOINT="+server.URL, "ERASURES_TABLE="+b.ledger.Table, "LOG_TABLE="+b.plain.Table)
	return e
}

// call runs the command, which is killed at its call of this number, 0 for never.
func (e *exporter) call(kill int, args ...string) (out string, code int) {
	var said, errs strings.Builder
	cmd := exec.Command(e.binary, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = e.env, &said, &errs
	e.mu.Lock()
	e.left, e.victim = kill, cmd
	err := cmd.Start()
	e.mu.Unlock()
	if err != nil {
		return err.Error(), -1
	}
	_ = cmd.Wait()
	if code = cmd.ProcessState.ExitCode(); code != 0 {
		return said.String() + errs.String(), code
	}
	return said.String(), 0
}

// killed exports with a kill at any call. What the folder's checkpoint promises, if there
// is one, must be there.
func (e *exporter) killed(t *testing.T) {
	if out, code := e.call(1+rand.IntN(8), "log", "export", e.dir); code == -1 {
		e.kills++
	} else if code != 0 {
		t.Errorf("exit %d: %s", code, out)
	}
	checkpoint, err := os.ReadFile(filepath.Join(e.dir, "checkpoint"))
	if err != nil {
		return
	}
	if text := string(checkpoint); len(e.seen) == 0 || e.seen[len(e.seen)-1] != text {
		e.seen = append(e.seen, text)
	}
	const ever = "87600h" // some are open: the clock of the erasures is not that of the command
	if out, code := e.call(0, "verify", "log", e.dir, "--max-age", ever); code != 0 {
		t.Errorf("after a kill: exit %d: %s", code, out)
	}
}

// consistent holds the checkpoints of some exports against each other and against the
// last one, with proofs of the log in the database and of the exported one. A root that
// was changed is no other log's.
func (e *exporter) consistent(t *testing.T) {
	t.Helper()
	if len(e.seen) < 2 {
		t.Fatalf("the exports have left %d checkpoints", len(e.seen))
	}
	keep := func(name, text string) string {
		name = filepath.Join(filepath.Dir(e.dir), name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	last := filepath.Join(e.dir, "checkpoint")
	for _, from := range [][]string{nil, {"--log", e.dir}} {
		for n := 0; n < len(e.seen); n += max(1, len(e.seen)/5) {
			old := keep("old", e.seen[n])
			args := append([]string{"verify", "consistency", old, last}, from...)
			if out, code := e.call(0, args...); code != 0 || !strings.Contains(out, "nothing in it was changed") {
				t.Errorf("%q, checkpoint %d of %d: exit %d: %s", from, n, len(e.seen), code, out)
			}
		}
		lines := strings.Split(e.seen[len(e.seen)/2], "\n")
		lines[2] = base64.StdEncoding.EncodeToString(make([]byte, 32))
		altered := keep("altered", strings.Join(lines, "\n"))
		args := append([]string{"verify", "consistency", altered, last}, from...)
		if out, code := e.call(0, args...); code != 1 || !strings.Contains(out, "altered") {
			t.Errorf("%q, another root: exit %d: %s", from, code, out)
		}
	}
}
