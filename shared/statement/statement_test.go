package statement_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alecthomas/repr"

	"customercare/shared/statement"
)

var accepted = statement.TimeOf(time.Date(2026, 11, 27, 10, 11, 12, 345_999_999, time.FixedZone("", 3600)))

// The lines to the letter: whoever verifies one reads these bytes.
func TestLines(t *testing.T) {
	subjects := &statement.Subjects{N: 1, Root: make([]byte, 32)}
	const root = `"subjects":{"n":1,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}`
	begun := statement.Statement{
		Type: statement.Accepted, ID: "20261127T091112Z-0123456789abcdef", Kind: statement.Customer,
		Scope: "greatwidgets", By: "john1970", Accepted: accepted, Subjects: subjects,
	}
	const same = `"id":"20261127T091112Z-0123456789abcdef","kind":"customer","scope":"greatwidgets",` +
		`"by":"john1970","accepted":"2026-11-27T09:11:12.345Z",`
	ended, ticket := begun, begun
	ended.Type, ended.End = statement.Erased, &statement.End{
		Finished: accepted, Verified: accepted, Found: 4, Passes: 2, AtLeast: true, BackupsUntil: accepted,
	}
	ticket.Ticket = []byte{1, 2, 3}
	for want, s := range map[string]statement.Statement{
		`{"v":1,"type":"accepted",` + same + root:                      begun,
		`{"v":1,"type":"accepted",` + same + `"ticket":"AQID",` + root: ticket,
		`{"v":1,"type":"erased",` + same + `"finished":"2026-11-27T09:11:12.345Z",` +
			`"verified":"2026-11-27T09:11:12.345Z","found":4,"erased":0,"atLeast":true,"passes":2,` +
			`"backupsUntil":"2026-11-27T09:11:12.345Z",` + root: ended,
		`{"v":1,"type":"key-destroyed","id":"x","by":"ops","key":"2026","at":"2026-11-27T09:11:12.345Z"}`: {
			Type: statement.KeyDestroyed, ID: "x", By: "ops", Key: "2026", At: accepted,
		},
		`{"v":1,"type":"restored","id":"x","by":"ops","at":"2026-11-27T09:11:12.345Z","restored":{"table":"t",` +
			`"to":"2026-11-27T09:11:12.345Z","read":9,"leftOut":4,"loaded":5,"left":0}}`: {
			Type: statement.Restore, ID: "x", By: "ops", At: accepted,
			Restored: &statement.Restored{Table: "t", To: accepted, Read: 9, LeftOut: 4, Loaded: 5},
		},
	} {
		got := string(s.Line())
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		back, err := statement.Parse([]byte(got))
		if err != nil || string(back.Line()) != want {
			t.Errorf("read again: %s, %v", back.Line(), err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{
		"", "{}", "[]", "null", `{"v":2,"type":"accepted","id":"x"}`, `{"v":1,"type":"accepted"}`, `{"v":1,"id":"x"}`,
		`{"v":1,"type":"accepted","id":"x"}x`, `{"v":1,"type":"accepted","id":"x","accepted":"2026-11-27"}`,
	} {
		if s, err := statement.Parse([]byte(line)); err == nil {
			t.Errorf("%s is taken for %s", line, repr.String(s))
		}
	}
	later := `{"v":1,"type":"held","id":"x","new":{"field":1}}`
	if _, err := statement.Parse([]byte(later)); err != nil {
		t.Errorf("a field of a later program: %v", err)
	}
}

// Every subject of trees of all shapes is found at its place, and nowhere else, with no
// other outcome, path or size.
func TestSubjects(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 1000} {
		subjects := make([]statement.Subject, n)
		for i := range subjects {
			subjects[i] = statement.Subject{Commitment: sha256.Sum256(fmt.Append(nil, i)), Outcome: statement.OutcomeErased}
		}
		tree := statement.NewTree(subjects)
		said := tree.Subjects()
		if said.N != n {
			t.Fatalf("%d subjects, the tree has %d", n, said.N)
		}
		for i, subject := range subjects {
			path := tree.Path(i)
			if err := said.Check(subject, i, path); err != nil {
				t.Fatalf("%d of %d: %v", i, n, err)
			}
			wrong := subject
			wrong.Outcome = statement.OutcomeNotFound
			other := subject
			other.Commitment[31] ^= 1
			short, long := *said, *said
			short.Root, long.Root = said.Root[:31], append(slices.Clone(said.Root), 0)
			for name, err := range map[string]error{
				"another outcome":  said.Check(wrong, i, path),
				"no outcome":       said.Check(statement.Subject{Commitment: subject.Commitment}, i, path),
				"another subject":  said.Check(other, i, path),
				"the next index":   said.Check(subject, i+1, path),
				"the index n":      said.Check(subject, n, path),
				"a short root":     short.Check(subject, i, path),
				"a long root":      long.Check(subject, i, path),
				"a negative index": said.Check(subject, -1, path),
				"a longer path":    said.Check(subject, i, append(slices.Clone(path), make([]byte, 32))),
				"a short hash":     said.Check(subject, i, append(slices.Clone(path), []byte{1})),
			} {
				if err == nil {
					t.Errorf("%d of %d: %s is taken", i, n, name)
				}
			}
			if len(path) > 0 && said.Check(subject, i, path[1:]) == nil {
				t.Errorf("%d of %d: a shorter path is taken", i, n)
			}
		}
	}
}

// A tree over one subject is RFC 6962's: the root is SHA-256 of a zero byte, the
// commitment and the outcome.
func TestRootOfOne(t *testing.T) {
	commitment := sha256.Sum256([]byte("x"))
	for outcome, leaf := range map[statement.Outcome][]byte{
		statement.Open:            append([]byte{0}, commitment[:]...),
		statement.OutcomeNotFound: append(append([]byte{0}, commitment[:]...), 'n'),
	} {
		want := sha256.Sum256(leaf)
		got := statement.NewTree([]statement.Subject{{Commitment: commitment, Outcome: outcome}}).Subjects()
		if !slices.Equal(got.Root, want[:]) {
			t.Errorf("outcome %q: %x, want %x", outcome, got.Root, want)
		}
	}
}

func TestTime(t *testing.T) {
	var at statement.Time
	if err := json.Unmarshal([]byte(`"2026-11-27T10:11:12.345+01:00"`), &at); err == nil {
		t.Error("a time that is not in UTC is taken")
	}
}
