package bulk_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"customercare/infra/bulk"
	"customercare/infra/client"
)

// accepts answers every call as the API does that erases everybody.
type accepts struct{}

func (accepts) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Body: io.NopCloser(strings.NewReader(`{"status":"success"}`)),
		Header: http.Header{"Link": {`</erasures/20261127T101112Z-0123456789abcdef>; rel="status"`}},
	}, nil
}

// What an erasure of a file holds in memory is a few bytes for each row
// (docs/runbook.md), however long the rows are: it is looked at again and again, while
// rows get their outcomes.
func TestEraseHoldsLittle(t *testing.T) {
	const rows, each, slack = 60_000, 20, 1 << 20
	folder := t.TempDir()
	file, err := os.Create(filepath.Join(folder, "rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	fmt.Fprintln(out, "account,code")
	for n := range rows {
		fmt.Fprintf(out, "shop,%0100d\n", n)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	held := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	before, most := held(), int64(0)
	plan, err := bulk.Look(t.Context(), file, func(int) {}, func(int, string) {})
	if err != nil {
		t.Fatal(err)
	}
	looks := make(chan int, 1) // a lock: rows get their outcomes at the same time
	looks <- 0
	counts, err := bulk.Erase(t.Context(), plan, bulk.Options{
		API:  client.Client{Base: "http://127.0.0.1", HTTP: &http.Client{Transport: accepts{}}},
		User: "john", Key: "key", Result: filepath.Join(folder, "result"), Rate: 1e9,
		Progress: func() {
			n := <-looks
			if n%(rows/8) == 0 {
				most = max(most, held()-before)
			}
			looks <- n + 1
		},
	})
	if n := <-looks; n < rows {
		t.Errorf("it was looked at for %d of %d rows", n, rows)
	}
	if err != nil || counts.Accepted != rows {
		t.Fatalf("%v, %+v", err, counts)
	}
	if most > rows*each+slack {
		t.Errorf("%d bytes are held for %d rows", most, rows)
	}
	t.Logf("%d bytes are held for %d rows", most, rows)
}
