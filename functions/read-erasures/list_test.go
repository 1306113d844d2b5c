package main

import (
	"fmt"
	"strings"
	"testing"

	"customercare/infra/attribute"
	"customercare/shared/operation"
	"customercare/shared/statement"
)

// Without an erasure the list is empty, and still a list.
func TestNothingIsListed(t *testing.T) {
	w := newWorld(t)
	expect(t, w.ask(t, "csr", operation.ListErasures, "", ""), 200, `{"erasures":[]}`)
}

// A page reads a bounded part of the log and of the index, whatever its cursor says and
// whatever has not been sealed for long.
func TestAPageIsBounded(t *testing.T) {
	w := newWorld(t)
	record := w.accept(t, 1, statement.Numbers, "acme", "1", "135")
	for range maxLeaves + 1 {
		w.append(t, record, "a", false)
	}
	w.sealed = maxLeaves + 1
	w.seal(t)
	for before, status := range map[int]int{0: 400, 1: 200} {
		got := w.ask(t, "csr", operation.ListErasures, "", "", [2]string{"?", fmt.Sprintf("before=%d-%s", before, id(2))})
		if got.StatusCode != status || status == 400 && !strings.Contains(got.Body, "before is too old, begin with the first page again") {
			t.Errorf("before=%d: %d %s", before, got.StatusCode, got.Body)
		}
	}
	var waiting []item // in one shard: that it alone is cut short must not go unnoticed
	for n := range maxUnsealed {
		waiting = append(waiting, item{
			"erasureId": attribute.Text("erasure-" + id(n+2)), "unlogged": attribute.Text("0"), "unloggedAt": attribute.Number(int64(n)),
		})
	}
	w.Put(t, w.Erasures.Table, waiting...)
	got := w.ask(t, "csr", operation.ListErasures, "", "")
	if got.StatusCode != 503 || got.MultiValueHeaders["Retry-After"][0] != "60" {
		t.Errorf("%d %v %.200s", got.StatusCode, got.MultiValueHeaders, got.Body)
	}
}
