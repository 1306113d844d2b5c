package erasure

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"customercare/infra/testkit/metrictest"
	"customercare/shared/store"
)

// unknown is what the log tells of numbers that nobody knows, one value an erasure.
func unknown(t *testing.T, log *metrictest.Log) (told []float64) {
	t.Helper()
	for _, line := range metrictest.Lines(t, log.String()) {
		if n, ok := line["NumbersUnknown"].(float64); ok {
			told = append(told, n)
		}
	}
	return told
}

// Numbers are matched byte for byte, and how many of them nobody knows is told once an
// erasure, with or without a second pass; a customer's erasure tells nothing of the kind.
func TestNumbersUnknown(t *testing.T) {
	for _, c := range []struct {
		numbers []string
		want    float64
	}{
		{[]string{"wen11"}, 0},
		{[]string{"wen11", "Wen11", "wen11 ", " wen11", "WEN11"}, 4},
		{[]string{"r\u00e9my", "re\u0301my"}, 1}, // NFC is stored, NFD is another number
		{[]string{"135****1111", "1350001111"}, 1},
		{[]string{"only a peer", "peer", "nobody"}, 1},
		{[]string{"of another tenant"}, 1},
	} {
		for _, passes := range []int{1, 2} {
			w := newWorld(t)
			if passes == 1 {
				w.WriterLifetime, w.ClockSkew = 0, 0
			}
			w.putCustomer(t, "shop", "4711", 12)
			w.putContact(t, "acme", "c1", "wen11", "r\u00e9my")
			w.putContact(t, "acme", "c2", "135****1111", "peer")
			w.putContact(t, "acme", "c3", "peer", "only a peer")
			w.putContact(t, "rival", "c4", "of another tenant", "1350001111")
			log := metrictest.Capture(t)
			if err := w.Customer(t.Context(), "shop", "4711", "john", 0); err != nil {
				t.Fatal(err)
			}
			for range 2 { // a repeat joins
				if err := w.Numbers(t.Context(), "acme", c.numbers, "app"); err != nil {
					t.Fatal(err)
				}
			}
			w.settle(t)
			if told := unknown(t, log); len(told) != 1 || told[0] != c.want {
				t.Errorf("%q, %d passes: %v, want %v", c.numbers, passes, told, c.want)
			}
			log = metrictest.Capture(t)
			if err := w.Numbers(t.Context(), "acme", c.numbers, "app"); err != nil {
				t.Fatal(err)
			}
			w.settle(t)
			if told := unknown(t, log); len(told) != 1 || told[0] != float64(len(c.numbers)) {
				t.Errorf("%q again: %v, want all %d", c.numbers, told, len(c.numbers))
			}
		}
	}
}

// The count is right whatever call a worker dies at, in whichever of many windows, though
// the contacts of later windows went with those of earlier ones; the worker that dies as it
// ends the pass tells nothing. It costs no call.
func TestNumbersUnknownUnderDeadWorkers(t *testing.T) {
	w := newWorld(t)
	var numbers []string
	for i := range 70 {
		numbers = append(numbers, fmt.Sprintf("n%02d", i))
	}
	key := store.NumbersJob(w.Digests.Set("acme", numbers))
	silent := 0
	for k := 1; ; k++ {
		for i := range 20 { // 20 numbers of the first two windows, and as many of the last two
			w.putContact(t, "acme", fmt.Sprint("c", i), numbers[i*2], numbers[69-i])
		}
		if err := w.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
			t.Fatal(err)
		}
		log := metrictest.Capture(t)
		_ = recovered(func() error { return w.Continue(w.Faults.Die((k+1)/2, k%2 == 0), key) })
		w.Faults.Calls()
		w.settle(t)
		switch told := unknown(t, log); {
		case len(told) == 0:
			silent++
		case len(told) > 1 || told[0] != 30:
			t.Errorf("dies at call %d, after it %v: %v, want 30", (k+1)/2, k%2 == 0, told)
		}
		w.clear(t)
		if !w.Faults.Struck() {
			break
		}
		if k > 24 && k < 140 { // the windows' readings come in no order
			k += 5
		}
	}
	if silent > 1 {
		t.Errorf("%d deaths leave the count out", silent)
	}
}

// A pass that ends, and whose end is refused because somebody asked again, has told.
func TestNumbersUnknownWhenTheEndIsRefused(t *testing.T) {
	w := newWorld(t)
	w.WriterLifetime, w.ClockSkew = 0, 0
	w.putContact(t, "acme", "c1", "135", "200")
	numbers := []string{"135", "136"}
	key := store.NumbersJob(w.Digests.Set("acme", numbers))
	for k := 2; ; k++ {
		w.putContact(t, "acme", "c1", "135", "200")
		if err := w.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
			t.Fatal(err)
		}
		log := metrictest.Capture(t)
		w.Faults.Interrupt(k, func() {
			if err := w.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
				t.Error(err)
			}
		})
		if err := w.Continue(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		w.Faults.Calls()
		w.settle(t)
		if told := unknown(t, log); len(told) != 1 || told[0] != 1 {
			t.Errorf("asked again at call %d: %v, want 1", k, told)
		}
		w.clear(t)
		if !w.Faults.Struck() {
			return
		}
	}
}

// A repeat so late that it begins an erasure of its own tells for itself what it finds.
func TestNumbersUnknownOfALateRepeat(t *testing.T) {
	w := newWorld(t)
	w.putContact(t, "acme", "c1", "135", "200")
	numbers := []string{"135", "136"}
	log := metrictest.Capture(t)
	ask := func() {
		t.Helper()
		if err := w.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
			t.Fatal(err)
		}
		if err := w.Continue(t.Context(), store.NumbersJob(w.Digests.Set("acme", numbers))); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	w.clock.Advance(11 * time.Minute) // twice WriterLifetime and ClockSkew are 12
	ask()
	w.clock.Advance(2 * time.Minute)
	if _, err := w.Due(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settle(t)
	if told := unknown(t, log); !slices.Equal(told, []float64{1, 2}) || len(w.records(t)) != 2 {
		t.Errorf("%v, %d records", told, len(w.records(t)))
	}
}
