package main

import (
	"slices"
	"strings"
	"testing"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// A command that meets what a newer version has written says so in a sentence, and
// changes nothing of it.
func TestNewerItems(t *testing.T) {
	kit := dynamotest.Open(t)
	stack(t, kit, nil, nil)
	newer := func(table string, names ...string) {
		item := attribute.Item{store.SchemaAttribute: attribute.Number(store.Schema + 1)}
		for i := 0; i < len(names); i += 2 {
			item[names[i]] = attribute.Text(names[i+1])
		}
		item["dueAt"] = attribute.Number(1)
		kit.Put(t, table, item)
	}
	const id = "20261127T101112Z-0123456789abcdef"
	newer(kit.Erasures.Table, "erasureId", "erasure-"+id, "kind", "numbers", "requestedAt", "1", "statement", "{}")
	newer(kit.Erasures.Table, "erasureId", "numbers-x", "id", id, "openShard", "1")
	newer(kit.Holds.Table, "hold", "hold-x", "id", "x", "status", "active", "standing", "1")
	newer(kit.Rules.Table, "rule", "rule-x")
	newer(kit.Rules.Table, "rule", "off")
	newer(kit.Principals.Table, "principal", "operator#csr", "hashes", "x")
	newer(logTable(kit), "part", "head")
	tables := []string{kit.Erasures.Table, kit.Holds.Table, kit.Rules.Table, kit.Principals.Table, logTable(kit)}
	before := kit.Dump(t, tables...)
	records := file(t, `{"kind":"operator","name":"csr","password":"correct horse battery"}`+"\n")
	for _, words := range []string{
		"erasures list", "erasures list --state finished", "erasures show " + id, "erasures show numbers-x",
		"holds list", "holds show x", "holds release x --by legal",
		"retention list", "retention stop --by csr", "retention resume", "retention disable x",
		"principals list", "principals show operator csr", "principals disable operator csr",
		"principals remove operator csr --yes", "import " + records, "log export " + t.TempDir(),
	} {
		said := call(t, "", append(strings.Fields(words), "--stack", "customercare")...)
		if said.code == 0 || !strings.Contains(said.out+said.errs, store.ErrNewer.Error()) {
			t.Errorf("%s: %s", words, said)
		}
	}
	if after := kit.Dump(t, tables...); !slices.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
}
