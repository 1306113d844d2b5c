package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPartition(t *testing.T) {
	p := newPartition(1000, 0)
	if got := p.take(0, 1500, 1); got != 1000 {
		t.Errorf("a full bucket gave %d", got)
	}
	if got := p.take(9*time.Millisecond, 25, 1); got != 9 {
		t.Errorf("9 ms gave %d", got)
	}
	if got := p.take(30*time.Millisecond, 25, 25); got != 0 {
		t.Errorf("21 ms gave all of 25, or %d", got)
	}
	if got := p.take(34*time.Millisecond, 25, 25); got != 25 { // what was refused is still there
		t.Errorf("25 ms gave %d", got)
	}
	if got := p.take(time.Hour, 2000, 1); got != 1000 {
		t.Errorf("an hour gave %d", got)
	}
	b := newPartition(1000, 300*time.Second)
	if got := b.take(time.Minute, 400_000, 1); got != 300_000 {
		t.Errorf("the burst gave %d", got)
	}
}

// TestSameSeedSameRun: every machine says the same, and chance decides little.
func TestSameSeedSameRun(t *testing.T) {
	c := reading(t)
	l := c.batches(4, 20_000)
	one, again, other := c.simulate(l, 1), c.simulate(l, 1), c.simulate(l, 2)
	if one != again {
		t.Errorf("%+v, then %+v", one, again)
	}
	if one == other || math.Abs(float64(one.calls()-other.calls())) > 0.03*float64(one.calls()) {
		t.Errorf("%+v, with another seed %+v", one, other)
	}
}

// TestWorkersHandOver: a job outlives its workers, keeps what they have done, and is taken up by cleanup when it was put back.
func TestWorkersHandOver(t *testing.T) {
	c := reading(t)
	l := c.batches(1, 300_000)
	r := c.simulate(l, 1)
	if r.handed != 2 || r.gaveUp != 0 || r.whole < l.items/l.call || r.last < 299*time.Second || r.last > 303*time.Second {
		t.Errorf("one customer: %+v", r)
	}
	l = c.transactions(4, 2_000)
	l.patience = 2
	if r = c.simulate(l, 1); r.gaveUp == 0 || r.last < c.schedule/2 {
		t.Errorf("without patience: %+v", r)
	}
	// More jobs than workers: the others wait their turn.
	c.workerConcurrency = 2
	if r = c.simulate(c.batches(6, 2_000), 1); r.first > r.last/2 || r.gaveUp != 0 {
		t.Errorf("two workers: %+v", r)
	}
}

func TestConstantsOfSource(t *testing.T) {
	dir := t.TempDir()
	text := "package x\n\nimport \"time\"\n\nconst (\n\ta = 3\n\tb, c = a << 2, (a + 1) * time.Second\n)\n\nconst d = f()\n\nvar e = 1\n"
	if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x_test.go"), []byte("package x\n\nconst g = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := source{dir, nil}
	for name, want := range map[string]int64{"a": 3, "b": 12, "c": int64(4 * time.Second)} {
		if got, err := s.value(".", name); err != nil || got != want {
			t.Errorf("%s is %d, %v", name, got, err)
		}
	}
	for _, name := range []string{"d", "e", "f", "g"} {
		if got, err := s.value(".", name); err == nil {
			t.Errorf("%s is %d", name, got)
		}
	}
}
