package erasure

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
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
			sys := newSystem(t)
			if passes == 1 {
				sys.WriterLifetime, sys.ClockSkew = 0, 0
			}
			sys.putCustomer(t, "shop", "4711", 12)
			sys.putContact(t, "acme", "c1", "wen11", "r\u00e9my")
			sys.putContact(t, "acme", "c2", "135****1111", "peer")
			sys.putContact(t, "acme", "c3", "peer", "only a peer")
			sys.putContact(t, "rival", "c4", "of another tenant", "1350001111")
			log := metrictest.Capture(t)
			if err := sys.Customer(t.Context(), "shop", "4711", "john", 0); err != nil {
				t.Fatal(err)
			}
			for range 2 { // a repeat joins
				sys.eraseNumbers(t, c.numbers...)
			}
			sys.finishAll(t)
			if told := unknown(t, log); len(told) != 1 || told[0] != c.want {
				t.Errorf("%q, %d passes: %v, want %v", c.numbers, passes, told, c.want)
			}
			log = metrictest.Capture(t)
			sys.eraseNumbers(t, c.numbers...)
			sys.finishAll(t)
			if told := unknown(t, log); len(told) != 1 || told[0] != float64(len(c.numbers)) {
				t.Errorf("%q again: %v, want all %d", c.numbers, told, len(c.numbers))
			}
		}
	}
}

// The count is right whatever call a worker dies at, in whichever of many windows,
// though the contacts of later windows went with those of earlier ones; the worker that
// dies as it ends the pass tells nothing. It costs no call.
func TestNumbersUnknownUnderDeadWorkers(t *testing.T) {
	sys := newSystem(t)
	var numbers []string
	for i := range 70 {
		numbers = append(numbers, fmt.Sprintf("n%02d", i))
	}
	key := sys.numbersJob(numbers...)
	silent := 0
	// Dies before the first call, after it, before the second, and so on. The windows'
	// readings, calls 13 to 72, come in no order: of these only every third is one to
	// die at.
	dynamotest.EveryMoment(t, func(t *testing.T, moment int) (struck bool) {
		k := moment
		if moment > 25 {
			k += 5 * min(moment-25, 20)
		}
		// 20 numbers of the first two windows, and as many of the last two.
		for i := range 20 {
			sys.putContact(t, "acme", fmt.Sprint("c", i), numbers[i*2], numbers[69-i])
		}
		sys.eraseNumbers(t, numbers...)
		log := metrictest.Capture(t)
		_ = recovered(func() error { return sys.Continue(sys.Faults.Die((k+1)/2, k%2 == 0), key) })
		sys.Faults.Calls()
		sys.finishAll(t)
		switch told := unknown(t, log); {
		case len(told) == 0:
			silent++
		case len(told) > 1 || told[0] != 30:
			t.Errorf("dies at call %d, after it %v: %v, want 30", (k+1)/2, k%2 == 0, told)
		}
		sys.clear(t)
		return sys.Faults.Struck()
	})
	if silent > 1 {
		t.Errorf("%d deaths leave the count out", silent)
	}
}

// A pass that ends, and whose end is refused because somebody asked again, has told.
func TestNumbersUnknownWhenTheEndIsRefused(t *testing.T) {
	sys := newSystem(t)
	sys.WriterLifetime, sys.ClockSkew = 0, 0
	sys.putContact(t, "acme", "c1", "135", "200")
	numbers := []string{"135", "136"}
	key := sys.numbersJob(numbers...)
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		sys.putContact(t, "acme", "c1", "135", "200")
		sys.eraseNumbers(t, numbers...)
		log := metrictest.Capture(t)
		sys.Faults.Interrupt(1+k, func() { // behind the call that resumes the job
			if err := sys.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
				t.Error(err)
			}
		})
		sys.goOn(t, key)
		sys.Faults.Calls()
		sys.finishAll(t)
		if told := unknown(t, log); len(told) != 1 || told[0] != 1 {
			t.Errorf("told %v, want 1", told)
		}
		sys.clear(t)
		return sys.Faults.Struck()
	})
}

// A repeat so late that it begins an erasure of its own tells for itself what it finds.
func TestNumbersUnknownOfALateRepeat(t *testing.T) {
	sys := newSystem(t)
	sys.putContact(t, "acme", "c1", "135", "200")
	numbers := []string{"135", "136"}
	log := metrictest.Capture(t)
	ask := func() {
		t.Helper()
		sys.eraseNumbers(t, numbers...)
		sys.goOn(t, sys.numbersJob(numbers...))
	}
	ask()
	sys.clock.Advance(11 * time.Minute) // twice WriterLifetime and ClockSkew are 12
	ask()
	sys.clock.Advance(2 * time.Minute)
	sys.cleanUp(t)
	sys.finishAll(t)
	if told := unknown(t, log); !slices.Equal(told, []float64{1, 2}) || len(sys.ledger(t).records) != 2 {
		t.Errorf("%v, %d records", told, len(sys.ledger(t).records))
	}
}
