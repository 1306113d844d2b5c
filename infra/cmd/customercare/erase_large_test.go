package main

import (
	"fmt"
	"strings"
	"testing"

	"customercare/infra/bulk"
)

// A file of many customers takes one call for each, and one before that looks whether
// the account is the caller's. They share a few connections.
func TestEraseAsksOnceForEach(t *testing.T) {
	const customers = 400
	var rows strings.Builder
	rows.WriteString("account,code\n")
	for n := range customers {
		fmt.Fprintf(&rows, "shop,%d\n", n)
	}
	api := serveAPI(t)
	if r := erase(t, rowsFile(t, rows.String()), "--yes"); r.code != 0 {
		t.Fatal(r)
	}
	if calls := api.requests.Load(); calls != customers+1 {
		t.Errorf("%d calls for %d customers", calls, customers)
	}
	if opened := api.opened.Load(); opened > 2*bulk.AtOnce {
		t.Errorf("%d connections for %d calls", opened, customers)
	}
}
