package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	"testing"
	"time"

	"customercare/infra/bench"
)

// longPlan is how much the long tables of bulk erasure, sealing, verification and preview
// measure.
type longPlan struct {
	bulkSizes  []int // customers that a file names
	statements int   // that seal-ledger seals
	logSizes   []int // leaves of a log that is verified
	previewed  int   // transactions of a customer
}

// fullLong is that of `make bench-long`. BENCH_BULK, BENCH_STATEMENTS, BENCH_LEAVES and
// BENCH_PREVIEWED are other sizes of the largest.
func fullLong() longPlan {
	return longPlan{
		bulkSizes: upTo(1_000, sizeFrom("BENCH_BULK", 100_000)), statements: sizeFrom("BENCH_STATEMENTS", 10_000),
		logSizes: upTo(10_000, sizeFrom("BENCH_LEAVES", 1_000_000)), previewed: sizeFrom("BENCH_PREVIEWED", 1_000_000),
	}
}

// upTo is a small size, and the largest where that is larger.
func upTo(small, largest int) []int {
	if largest <= small {
		return []int{largest}
	}
	return []int{small, largest}
}

// sizeFrom is the number in a variable, or usual where it holds none.
func sizeFrom(variable string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil && n > 0 {
		return n
	}
	return usual
}

// customercare builds `customercare` and gives the place of the binary.
func (b *Bench) customercare(ctx context.Context) (string, error) {
	binary := filepath.Join(b.Root, ".cache", "bench", "customercare")
	return binary, b.command(ctx, b.Root, "go", "build", "-o", binary, "./infra/cmd/customercare")
}

// lookEvery is how often the memory of a command is read while it runs.
const lookEvery = 20 * time.Millisecond

// runCommand runs a command until it ends, which must be well. peak is the most memory in
// MB that was seen: the last moments before its end cannot be looked at. Outside Linux it
// is 0.
func runCommand(ctx context.Context, c *exec.Cmd) (took time.Duration, peak float64, err error) {
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	began := time.Now()
	if err := c.Start(); err != nil {
		return 0, 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	p := running{proc: fmt.Sprintf("/proc/%d", c.Process.Pid)}
	for {
		peak = max(peak, p.status("VmHWM:")/1024)
		select {
		case err := <-ended:
			if err != nil {
				err = fmt.Errorf("%s: %w: %s", c.Args[1], errors.Join(err, ctx.Err()), said.String())
			}
			return time.Since(began), peak, err
		case <-time.After(lookEvery):
		}
	}
}

// peakOf is the most memory in MB that a process of the function had.
func (b *Bench) peakOf(folder string) (mb float64) {
	for _, p := range processes(b.Functions) {
		if p.folder == folder {
			mb = max(mb, p.status("VmHWM:")/1024)
		}
	}
	return mb
}

// units counts what passes through it to DynamoDB, as the engine reports it.
type units struct {
	*httptest.Server
	mu    sync.Mutex
	count bench.Count
}

// countUnits starts a counter in front of the engine at endpoint. Its caller closes it.
func countUnits(endpoint string) (*units, error) {
	to, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	u := &units{}
	pass := httputil.NewSingleHostReverseProxy(to) // no engine looks at the signature
	pass.Transport = u
	u.Server = httptest.NewServer(pass)
	return u, nil
}

// RoundTrip passes a call on, which it makes say what it consumes.
func (u *units) RoundTrip(request *http.Request) (*http.Response, error) {
	var fields map[string]json.RawMessage
	if err := json.NewDecoder(request.Body).Decode(&fields); err != nil {
		return nil, err
	}
	fields["ReturnConsumedCapacity"] = json.RawMessage(`"TOTAL"`)
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer, err := countedTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	said, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	answer.Body = io.NopCloser(bytes.NewReader(said))
	_, action, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	return answer, errors.Join(err, u.add(action, said))
}

var countedTransport = &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}

// add counts an answer. It says what one table took, or a list of what each took.
func (u *units) add(action string, said []byte) error {
	var answer struct{ ConsumedCapacity json.RawMessage }
	if err := json.Unmarshal(said, &answer); err != nil {
		return err
	}
	type capacity struct{ CapacityUnits float64 }
	all := make([]capacity, 1)
	if text := answer.ConsumedCapacity; len(text) > 0 {
		var into any = &all
		if text[0] == '{' {
			into = &all[0]
		}
		if err := json.Unmarshal(text, into); err != nil {
			return err
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count.Trips++
	for _, table := range all {
		if strings.Contains(action, "Get") || action == "Query" || action == "Scan" {
			u.count.Reads += table.CapacityUnits
		} else {
			u.count.Writes += table.CapacityUnits
		}
	}
	return nil
}

// take is the count since the last time.
func (u *units) take() bench.Count {
	u.mu.Lock()
	defer u.mu.Unlock()
	count := u.count
	u.count = bench.Count{}
	return count
}

// checkLong looks at the figures of the long tables of a small plan, whose counts are the
// same on every machine.
func checkLong(t *testing.T, run bench.File, p longPlan) {
	t.Helper()
	also := func(table string, size int, of string) map[string]float64 {
		f, err := run.Figure(table, fmt.Sprintf("%d %s", size, of), "")
		if err != nil || f.Ours <= 0 {
			t.Errorf("%+v, %v", f, err)
		}
		numbers := map[string]float64{}
		for _, n := range f.Also {
			numbers[n.Name] = n.Value
		}
		return numbers
	}
	// A command that takes no time has ended before a look at its memory finds all of it.
	for _, mb := range []float64{
		also("bulk", p.bulkSizes[0], "customers")["memory of the command"],
		also("verify", p.logSizes[0], "leaves")["memory of the command"],
	} {
		if mb > memoryLimit {
			t.Errorf("a command takes %g MB", mb)
		}
	}
	// A record is told where its statement is, in the table and in its index, and read
	// once. Some for the run itself: the index, the head, the tiles.
	n := float64(p.statements)
	seal := also("sealing", p.statements, "statements")
	if seal["runs"] != 1 || seal["that failed"] != 0 || seal["write units a statement"] < 1 || seal["write units a statement"] > 2+150/n ||
		seal["read units a statement"] > 1+60/n {
		t.Errorf("%v", seal)
	}
	// The principal, the holds, whether an erasure is open; and the pages.
	look := also("preview", p.previewed, "transactions")
	if look["seen"] != float64(p.previewed) || look["calls"] > 4 || look["write units"] != 0 ||
		look["read units"] > 5+float64(p.previewed)*100/4096 {
		t.Errorf("%v", look)
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		return
	}
	for _, mb := range []float64{seal["memory of seal-ledger"], look["memory of preview-erasures"]} {
		if mb < 2 || mb > memoryLimit { // no Go program has less
			t.Errorf("a function takes %g MB", mb)
		}
	}
}
