package engine

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// probes ask an engine what it does where engines differ, or where this project leans on
// it. docs/engines.md has a row for each, by name, with the answer of each engine, beside
// what AWS documents.
var probes = []struct {
	name  string
	probe func(p *probe) string
}{
	{"A number above the range, `1e126`", func(p *probe) string { return p.putNumber("1e126") }},
	{"A number below the range, `1e-131`", func(p *probe) string { return p.putNumber("1e-131") }},
	{"The same in a list", func(p *probe) string {
		return p.put(item{"x": &types.AttributeValueMemberL{Value: []types.AttributeValue{number("1e126")}}})
	}},
	{"The same in a number set", func(p *probe) string {
		return p.put(item{"x": &types.AttributeValueMemberNS{Value: []string{"1e126"}}})
	}},
	{"The same in BatchWriteItem", func(p *probe) string { return p.batch(1, item{"x": number("1e126")}) }},
	{"The same in a transaction", func(p *probe) string { return p.transaction(1, 10, item{"x": number("1e126")}) }},
	{"The same in an update's value", func(p *probe) string {
		return p.update("SET x = :one", item{":one": number("1e126")})
	}},
	{"An exponent of three digits, `1e999`", func(p *probe) string { return p.putNumber("1e999") }},
	{"An exponent of 21 digits", func(p *probe) string { return p.putNumber("1e999999999999999999999") }},
	{"A number of 39 digits", func(p *probe) string { return p.putNumber(strings.Repeat("1", 39)) }},
	{"Zero with an exponent out of range, `0e999`", func(p *probe) string { return p.putNumber("0e999") }},
	{"The number `-0`, read back", func(p *probe) string { return p.readNumber("-0") }},
	{"The number `1.50`, read back", func(p *probe) string { return p.readNumber("1.50") }},
	{"The string set `{b, a, c}`, read back", (*probe).setOrder},
	{"An empty set", func(p *probe) string {
		return p.put(item{"x": &types.AttributeValueMemberSS{Value: []string{}}})
	}},
	{"An empty string as a value", func(p *probe) string { return p.put(item{"x": text("")}) }},
	{"An empty string as a key", func(p *probe) string { return p.put(item{"id": text("")}) }},
	{"A partition key of 2048 bytes", func(p *probe) string {
		return p.put(item{"id": text(strings.Repeat("k", 2048))})
	}},
	{"A partition key of 2049 bytes", func(p *probe) string {
		return p.put(item{"id": text(strings.Repeat("k", 2049))})
	}},
	{"A sort key of 1025 bytes", func(p *probe) string { return p.put(item{"at": text(strings.Repeat("k", 1025))}) }},
	{"A value nested 32 levels deep", func(p *probe) string { return p.put(item{"x": nested(31)}) }},
	{"A value nested 33 levels deep", func(p *probe) string { return p.put(item{"x": nested(32)}) }},
	{"An item of 400 KB", func(p *probe) string { return p.put(sized(400 << 10)) }},
	{"An item of 400 KB and a byte", func(p *probe) string { return p.put(sized(400<<10 + 1)) }},
	{"Units of a put of 1 KB", func(p *probe) string { return p.putUnits(1 << 10) }},
	{"Units of a put of 1 KB and a byte", func(p *probe) string { return p.putUnits(1<<10 + 1) }},
	{"Units of a transaction's put of 1 KB", (*probe).transactionUnits},
	{"Units of BatchGetItem of two missing items, consistent", (*probe).batchGetUnits},
	{"Items of 100 KB in a page of 1 MB", (*probe).page},
	{"100 actions in a transaction", func(p *probe) string { return p.transaction(100, 10, nil) }},
	{"101 actions in a transaction", func(p *probe) string { return p.transaction(101, 10, nil) }},
	{"A transaction of 4 MB and more", func(p *probe) string { return p.transaction(11, 390<<10, nil) }},
	{"26 requests in BatchWriteItem", func(p *probe) string { return p.batch(26, nil) }},
	{"The same token, the same transaction", func(p *probe) string { return p.token(1, 1) }},
	{"The same token, another transaction", func(p *probe) string { return p.token(1, 2) }},
	{"Two actions on one item in a transaction", (*probe).twice},
	{"The old item with a failed condition", (*probe).oldItem},
	{"The old item with a cancelled transaction", (*probe).oldItemOfTransaction},
	{"Sixteen writers of one item in transactions", (*probe).contention},
	{"A reserved word in an expression, `status`", func(p *probe) string {
		return p.update("SET status = :one", item{":one": number("1")})
	}},
	{"Overlapping paths in an expression", func(p *probe) string {
		return p.update("SET a = :one, a.b = :one", item{":one": number("1")})
	}},
	{"A value in an expression that is not used", func(p *probe) string {
		return p.update("SET a = :one", item{":one": number("1"), ":two": number("2")})
	}},
	{"An expression of 4 KB and a byte", func(p *probe) string {
		return p.update("SET "+strings.Repeat("a", 4097-len("SET  = :one"))+" = :one", item{":one": number("1")})
	}},
	{"A consistent read of a global index", (*probe).consistentIndex},
	{"A global index right after a write", (*probe).index},
	{"An item past its time to live", (*probe).timeToLive},
	{"Deleting a protected table", (*probe).protection},
	{"Point-in-time recovery", (*probe).recovery},
	{"Tables of another region", func(p *probe) string { return p.seenBy("eu-west-1", "x") }},
	{"Tables of another access key", func(p *probe) string { return p.seenBy(Region, "y") }},
}

// TestConformance asks every engine that this machine can run, and compares its answers
// with the table in docs/engines.md.
func TestConformance(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		table := documented(t, kind)
		s, err := Start(t.Context(), Options{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for _, c := range probes {
			p := &probe{T: t, endpoint: s.Endpoint, db: client(s.Endpoint, Region, "x"), table: "probes"}
			p.createTable()
			got := c.probe(p)
			p.dropTable()
			if want, there := table[c.name]; !there || got != want {
				t.Errorf("| %s | %s | documented as %q", c.name, got, want)
			}
			delete(table, c.name)
		}
		for name := range table {
			if !strings.HasPrefix(name, "After ") { // restart_test.go
				t.Errorf("docs/engines.md has a row that nothing asks: %s", name)
			}
		}
	})
}

// documented reads the table of docs/engines.md: the column of this engine, by row.
func documented(t *testing.T, kind Kind) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/engines.md")
	if err != nil {
		t.Fatal(err)
	}
	column, rows := 0, map[string]string{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			column = 0
		case slices.Index(cells, kind.Name()) > 0:
			column = slices.Index(cells, kind.Name())
		case column > 0 && !strings.HasPrefix(cells[0], "-"):
			rows[cells[0]] = cells[column]
		}
	}
	return rows
}
