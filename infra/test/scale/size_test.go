package scale

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"customercare/infra/bench"
	"customercare/infra/testkit/dynamotest"
)

// warm reads what a warm invocation took when it was measured (docs/performance.md), by
// the begin of its name.
func warm(t *testing.T, begins string) time.Duration {
	t.Helper()
	file, err := bench.ReadFile(filepath.Join(dynamotest.Root(), bench.ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range file.Figures {
		if f.Table == "warm" && strings.HasPrefix(f.Case, begins) && f.Unit == "ms" {
			return time.Duration(f.Ours * float64(time.Millisecond))
		}
	}
	t.Fatalf("%s was not measured", begins)
	return 0
}

// busy is how long processes are busy for a call of each of operations 1 to 4, with their
// authorizers, whose answers nobody keeps: what was measured here, and on top each round
// trip to a DynamoDB that is farther away.
func (c code) busy(t *testing.T) time.Duration {
	t.Helper()
	passwords := 2 * (warm(t, "authorizer of 1 and 2") + oneCall)
	return warm(t, "1 ") + oneCall + warm(t, "2 ") + oneCall + passwords + warm(t, "3 ") + c.requestTime() +
		warm(t, "4 ") + oneCall + warm(t, "authorizer of 4") + oneCall
}

// atOnce is how many processes are busy at a rate, by Little's law, and how many when
// more callers than the mean come at once: four deviations of independent callers.
func atOnce(rate float64, busy time.Duration) (mean, most float64) {
	mean = rate * busy.Seconds()
	return mean, math.Ceil(mean + 4*math.Sqrt(mean))
}

// limit is what a rate is set to: twice the peak in tens, and no less than the default.
func limit(rate float64, preset int) string {
	n := max(float64(preset), math.Ceil(2*rate/10)*10)
	return mark(int(n) != preset, whole(n))
}

// What to set, by the number of users.
func TestSize(t *testing.T) {
	c := reading(t)
	busy := c.busy(t).Round(10 * time.Millisecond) // so that not each measurement changes the page
	var p page
	p.text("Each of operations 1 to 4 is called as often: by one user of ten a day, %d times the mean at the peak. A call of each keeps "+
		"processes busy for %d ms in all. What is not the default is bold.", peak, busy.Milliseconds())
	p.head("users", "calls of each a second, peak", "processes", "with bursts", "workers", "`ProvisionRate`", "`DeleteRate`", "`CleanRate`",
		"second passes, of what one cleanup can make")
	for _, n := range []int{10_000, 100_000, 1_000_000, 10_000_000, 20_000_000} {
		share := float64(n) / users
		allows, erasures, numbers := highest(allowsADay)*share, highest(erasuresADay)*share, highest(numbersADay)*share
		if allows != erasures || erasures != numbers {
			t.Fatal("the operations are no longer called equally often, as the page says")
		}
		mean, most := atOnce(erasures, busy)
		p.row(whole(n), fmt.Sprintf("%.2f", erasures), fmt.Sprintf("%.2f", mean), whole(most),
			fmt.Sprintf("%.2f", numbers*c.workerTime(1).Seconds()),
			limit(allows, c.provisionRate), limit(erasures, c.deleteRate), limit(numbers, c.cleanRate),
			fmt.Sprintf("%.0f %%", 100*c.passed(erasures, numbers)))
	}
	p.equals(t, "size")
}

// Little's law, and the limits, with numbers that are easy to see.
func TestAtOnce(t *testing.T) {
	if mean, most := atOnce(100, 40*time.Millisecond); mean != 4 || most != 12 {
		t.Errorf("100 calls of 40 ms a second keep %v busy, %v with bursts", mean, most)
	}
	for rate, want := range map[float64]string{0: "20", 10: "20", 10.1: "**30**", 46.3: "**100**"} {
		if got := limit(rate, 20); got != want {
			t.Errorf("%v calls a second: %s, want %s", rate, got, want)
		}
	}
}
