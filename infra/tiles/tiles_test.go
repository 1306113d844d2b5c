package tiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// A log that grows, with exports that are killed in between, is whole in the end: nothing
// is without text, without an end or bad. What was full is not written twice.
func TestExportIsWholeAfterKills(t *testing.T) {
	s, all, dir := newLog(t, dynamotest.Open(t)), erasures(t), t.TempDir()
	if _, err := s.export(t, dir).Run(t.Context()); err != nil { // the empty log
		t.Fatal(err)
	}
	if r, err := s.check(dir).Run(t.Context()); err != nil || r.Size != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	killed := 0
	var old tlog.Tree
	for part := range 7 {
		s.erase(t, all*part/7, all*(part+1)/7)
		ctx, kill := context.WithCancel(t.Context())
		e := s.export(t, dir)
		n := 0
		e.Progress = func(int) {
			if n++; n > part {
				kill()
			}
		}
		if _, err := e.Run(ctx); err != nil {
			killed++
		}
		kill()
		if r, err := s.check(dir).Run(t.Context()); err != nil || r.Missing+r.Bad != 0 {
			t.Errorf("after a kill: %+v, %v", r, err) // what the checkpoint promises is there
		}
		if part == 3 {
			if _, err := s.export(t, dir).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			old = s.head.Tree
		}
	}
	if killed < 3 {
		t.Fatalf("%d exports are killed", killed)
	}
	first := filepath.Join(dir, "tile", "entries", "000")
	written, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.export(t, dir).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := os.Stat(first); err != nil || !os.SameFile(written, again) {
		t.Errorf("a full bundle is written twice: %v", err)
	}
	r, err := s.check(dir).Run(t.Context())
	if err != nil || r.Size != int64(2*all) || r.Types["accepted"] != all || r.Types["erased"] != all ||
		r.Open+r.Missing+r.Bad+r.Slow+r.TooOld+len(r.Faults) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := Consistent(old, r.Tree, Dir(dir).Hashes(r.Tree)); err != nil || old.N == r.Size {
		t.Errorf("%v since %d", err, old.N)
	}
	// A process that dies between a tile and its bundle leaves the tile alone.
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	if _, err := s.export(t, dir).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again, err := s.check(dir).Run(t.Context()); err != nil || again.Bad+again.Missing != 0 {
		t.Errorf("%+v, %v", again, err)
	}
	t.Logf("%d erasures, %d exports killed: %d without an end, %d without text, %d bad",
		all, killed, r.Open, r.Missing, r.Bad)
	_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error {
		if strings.Contains(path, ".writing-") {
			t.Errorf("%s is left", path)
		}
		return nil
	})
}

// files reads tiles by the path that the specification gives, with nothing of this
// package.
type files struct{ dir string }

func (f files) Height() int                     { return 8 }
func (f files) SaveTiles([]tlog.Tile, [][]byte) {}
func (f files) ReadTiles(all []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range all {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		text, failed := os.ReadFile(filepath.Join(f.dir, path))
		data, err = append(data, text), errors.Join(err, failed)
	}
	return data, err
}

// Another reader of the layout proves every leaf of the export.
func TestAnotherReaderTakesTheExport(t *testing.T) {
	s, dir := newLog(t, dynamotest.Open(t)), t.TempDir()
	s.erase(t, 0, 300)
	if _, err := s.export(t, dir).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	reader := tlog.TileHashReader(s.head.Tree, files{dir})
	for leaf := range s.head.Tree.N {
		proof, err := tlog.ProveRecord(s.head.Tree.N, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		_, text := line(int(leaf%100+leaf/200*100), leaf/100%2 == 1)
		if err := tlog.CheckRecord(proof, s.head.Tree.N, s.head.Tree.Hash, leaf, tlog.RecordHash(text)); err != nil {
			t.Fatalf("leaf %d: %v", leaf, err)
		}
	}
}

// Every file of an export that is altered at its begin, in the middle, at its end, cut,
// made longer or taken away is found.
func TestAlteredExportsAreFound(t *testing.T) {
	s, dir := newLog(t, dynamotest.Open(t)), t.TempDir()
	s.erase(t, 0, 300)
	if _, err := s.export(t, dir).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	tried := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Base(path) == policyFile {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		flip := func(at int) []byte {
			other := append([]byte{}, text...)
			other[at] ^= 1
			return other
		}
		for name, other := range map[string][]byte{
			"first byte": flip(0), "second byte": flip(1), "middle": flip(len(text) / 2), "last byte": flip(len(text) - 1),
			"said of another": bytes.Replace(text, []byte("acme"), []byte("acmf"), 1), "cut": text[:len(text)-1], "longer": append(append([]byte{}, text...), 0), "empty": {}, "gone": nil,
		} {
			tried++
			if bytes.Equal(other, text) { // nothing is said in it
				continue
			}
			if other == nil {
				err = os.Remove(path)
			} else {
				err = os.WriteFile(path, other, 0o600)
			}
			if err != nil {
				return err
			}
			if r, err := s.check(dir).Run(t.Context()); err == nil && r.Bad+r.Missing == 0 {
				t.Errorf("%s: %s is not found", path, name)
			}
		}
		return os.WriteFile(path, text, 0o600)
	})
	if err != nil || tried < 50 {
		t.Fatalf("%d tried, %v", tried, err)
	}
	if r, err := s.check(dir).Run(t.Context()); err != nil || r.Bad+r.Missing != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A log that the folder's is no beginning of is refused, and the folder stays as it is.
func TestAForkIsNotExported(t *testing.T) {
	s, dir := newLog(t, dynamotest.Open(t)), t.TempDir()
	s.erase(t, 0, 200)
	if _, err := s.export(t, dir).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	fork := newLog(t, dynamotest.Open(t))
	fork.erase(t, 200, 500)
	shorter := newLog(t, dynamotest.Open(t))
	shorter.erase(t, 0, 100)
	for name, other := range map[string]*sealed{"fork": fork, "shorter": shorter} {
		if _, err := other.export(t, dir).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing is written") {
			t.Errorf("%s: %v", name, err)
		}
		if err := Consistent(s.head.Tree, other.head.Tree, other.log.Hashes(t.Context(), other.head.Tree)); err == nil {
			t.Errorf("%s is consistent", name)
		}
	}
	if r, err := s.check(dir).Run(t.Context()); err != nil || r.Size != 400 || r.Bad != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// A record that is gone, or that has another text, leaves an empty entry; an acceptance
// without an end is found by its age, and a second end is bad.
func TestWhatIsWrongIsCounted(t *testing.T) {
	s, dir := newLog(t, dynamotest.Open(t)), t.TempDir()
	s.erase(t, 0, 10)
	gone, _ := line(3, false)
	_, err := s.kit.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: &s.kit.Erasures.Table, Key: attribute.Item{"erasureId": attribute.Text(store.RecordPrefix + gone)},
	})
	if err != nil {
		t.Fatal(err)
	}
	altered, accepted := line(5, false)
	s.kit.Put(t, s.kit.Erasures.Table, attribute.Item{
		"erasureId": attribute.Text(store.RecordPrefix + altered), "accepted": attribute.Text(string(accepted)),
		"statement": attribute.Text(string(accepted)),
	})
	e, told := s.export(t, dir), []string{}
	e.Missing = func(leaf int64, of, what string) { told = append(told, fmt.Sprint(leaf, " ", of, " ", what)) }
	if _, err := e.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint("[3 ", gone, " is gone 13 ", gone, " is gone 15 ", altered,
		" has another text than the one that was sealed]")
	if fmt.Sprint(told) != want {
		t.Errorf("%v, want %s", told, want)
	}
	c := s.check(dir)
	c.Now = c.Now.AddDate(0, 0, 2)
	r, err := c.Run(t.Context())
	if err != nil || r.Missing != 3 || r.Open != 1 || r.TooOld != 1 || r.OldestID != altered || r.Bad != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Statements that contradict those before them are bad, and a sentence says how.
func TestContradictionsAreBad(t *testing.T) {
	said := func(n int, end bool, change func(*statement.Statement)) []byte {
		_, text := line(n, end)
		s, err := statement.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		change(&s)
		return s.Line()
	}
	accepted, ended := said(1, false, func(*statement.Statement) {}), said(1, true, func(*statement.Statement) {})
	again := func(s *statement.Statement) { s.Accepted = statement.TimeOf(s.Accepted.Add(time.Second)) }
	for _, c := range []struct {
		texts [][]byte
		says  string
	}{
		{[][]byte{accepted, accepted}, "leaf 1 is the same statement as leaf 0: it was sealed twice"},
		{[][]byte{accepted, ended, ended}, "leaf 2 is the same statement as leaf 1: it was sealed twice"},
		{[][]byte{accepted, ended, accepted, ended}, "leaf 2 is the same statement as leaf 0: it was sealed twice; " +
			"leaf 3 is the same statement as leaf 1: it was sealed twice"},
		{[][]byte{accepted, said(1, false, again)}, "leaf 1 accepts an erasure that is open already"},
		{[][]byte{accepted, ended, said(1, false, again)}, "leaf 2 accepts an erasure that has ended at leaf 1 already"},
		{[][]byte{accepted, ended, said(1, true, again)}, "leaf 2 ends an erasure that has ended at leaf 1 already"},
		{[][]byte{ended}, "leaf 0 ends an erasure that is not accepted at any leaf before it"},
		{[][]byte{ended, accepted}, "leaf 0 ends an erasure that is not accepted at any leaf before it"},
		{[][]byte{accepted, said(1, true, func(s *statement.Statement) { s.ID += "0" })},
			"leaf 1 ends an erasure that is not accepted at any leaf before it"},
		{[][]byte{[]byte("hello")}, "leaf 0 is no statement"},
		{[][]byte{append(accepted[:len(accepted):len(accepted)], '\n')}, "leaf 0 is no statement"},
		{[][]byte{accepted, said(1, true, again)}, "leaf 1 names another time of acceptance than the acceptance itself"},
		{[][]byte{accepted, said(1, true, func(s *statement.Statement) { s.Kind = statement.Customer })},
			"leaf 1 names another kind than the acceptance itself"},
		{[][]byte{accepted, said(1, true, func(s *statement.Statement) { s.Scope = "another" })},
			"leaf 1 names another scope than the acceptance itself"},
		{[][]byte{accepted, said(1, true, func(s *statement.Statement) { s.By = "another" })},
			"leaf 1 names another caller than the acceptance itself"},
		{[][]byte{accepted, said(1, true, func(s *statement.Statement) { s.Ticket = make([]byte, 32) })},
			"leaf 1 names another ticket than the acceptance itself"},
		{[][]byte{accepted, said(1, true, func(s *statement.Statement) { s.Subjects.N = 2 })},
			"leaf 1 names another number of subjects than the acceptance itself"},
		{[][]byte{accepted, said(1, true, func(s *statement.Statement) { s.Subjects = nil })},
			"leaf 1 names another number of subjects than the acceptance itself"},
	} {
		r, seen := Report{Types: map[string]int{}}, newHistory(time.Hour)
		for leaf, text := range c.texts {
			r.entry(int64(leaf), statement.Hash(text), text, seen)
		}
		if got := strings.Join(r.Faults, "; "); got != c.says || r.Bad != len(r.Faults) {
			t.Errorf("%d bad: %s, want %s", r.Bad, got, c.says)
		}
	}
}

// An end that names another time of acceptance is bad. One that comes within the time
// that an erasure may take is not slow, one that comes a moment later is.
func TestTimesOfAnEnd(t *testing.T) {
	at := time.UnixMilli(1_900_000_000_000)
	said := func(kind string, accepted time.Time, end *statement.End) []byte {
		return statement.Statement{Type: kind, ID: "x", Accepted: statement.TimeOf(accepted), End: end}.Line()
	}
	for name, c := range map[string]struct {
		accepted, finished time.Time
		bad, slow          int
	}{
		"in time": {at, at.Add(time.Hour), 0, 0}, "late": {at, at.Add(time.Hour + time.Millisecond), 0, 1},
		"of another acceptance": {at.Add(-time.Millisecond), at, 1, 0},
	} {
		r, seen := Report{Types: map[string]int{}}, newHistory(time.Hour)
		for leaf, text := range [][]byte{
			said(statement.Accepted, at, nil),
			said(statement.Erased, c.accepted, &statement.End{Finished: statement.TimeOf(c.finished)}),
		} {
			r.entry(int64(leaf), statement.Hash(text), text, seen)
		}
		if r.Bad != c.bad || r.Slow != c.slow || len(seen.open) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Two roots of one size are no log that only grew.
func TestTwoRootsOfOneSize(t *testing.T) {
	one, other := tlog.Tree{N: 3}, tlog.Tree{N: 3, Hash: tlog.Hash{1}}
	if err := Consistent(one, other, nil); err == nil {
		t.Error("they are consistent")
	}
	if err := Consistent(one, one, nil); err != nil {
		t.Error(err)
	}
}

func TestPolicy(t *testing.T) {
	s := newLog(t, dynamotest.Open(t))
	good := "# ours\n\nlog " + s.head.Key + " https://example.com\n quorum none\n"
	if _, err := Policy(good); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"": "must name a log", "quorum none\n": "must name a log", "log " + s.head.Key: "once",
		good + "quorum none\n": "once", "log x\nquorum none\n": "no verifier key", "hello\n": "not a policy",
		good + "witness w " + s.head.Key: "witnesses", "log " + s.head.Key + "\nquorum w\n": "witnesses",
	} {
		if _, err := Policy(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
