package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/repr"

	"customercare/infra/deployment"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// codeWords are words of an error that is no sentence: those of the SDK, or of package
// store.
var codeWords = regexp.MustCompile(`operation error|(holds|contacts|erasures|customers): `)

// Every call of DynamoDB's fails once: what the command says then is a sentence without
// the SDK's words, a list never lacks what waits, and the same call again does the rest.
func TestEveryCallOfTheHoldsCommandFailsOnce(t *testing.T) {
	e := heldCase(t)
	if _, err := e.customer(t, "4711"); err == nil {
		t.Fatal("it is not held")
	}
	e.numbers(t, "111", "222")
	e.finish(t)
	d, err := deployment.Find(t.Context(), deployment.Chosen{Stack: "customercare"})
	if err != nil {
		t.Fatal(err)
	}
	d.DB = e.Kit.DB // through the faults
	errs, err := os.Create(t.TempDir() + "/errs")
	if err != nil {
		t.Fatal(err)
	}
	defer errs.Close()
	n := 0
	for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Refused} {
		for name, do := range map[string]func(a *app, id string) error{
			"list": func(a *app, _ string) error { return a.listHolds(t.Context(), d, 10, false) },
			"place and release": func(a *app, id string) error {
				err := a.placeHold(t.Context(), d, store.Hold{
					ID: id, Kind: store.HoldOfNumber, Scope: "acme", Subject: "333", Reason: "court", By: "legal",
				})
				if err != nil {
					return err
				}
				return a.releaseHold(t.Context(), d, id, "legal")
			},
		} {
			t.Run(fmt.Sprint(name, " ", fault), func(t *testing.T) {
				moments := dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
					n++
					id, out := fmt.Sprint("case-of-", n), bytes.Buffer{}
					a := &app{errs: errs, out: &out}
					e.Faults.Inject(fault, k, k)
					err := do(a, id)
					struck = e.Faults.Struck()
					e.Faults.Inject(fault, 0, 0)
					if err != nil && codeWords.MatchString(err.Error()) {
						t.Errorf("in words of the code: %v", err)
					}
					if fault == dynamotest.Refused && struck && err == nil {
						t.Error("a call that was refused, and no error")
					}
					if name == "list" {
						if err == nil && (!strings.Contains(out.String(), "the customer's erasure") ||
							!strings.Contains(out.String(), "2 numbers of 1 erasure")) {
							t.Errorf("the list lacks what waits:\n%s", out.String())
						}
						return struck
					}
					if err == nil {
						return struck
					}
					if again := do(a, id); again != nil && !strings.Contains(again.Error(), "there is or was another hold") {
						t.Errorf("after %v, again: %v", err, again)
					}
					if err := a.releaseHold(t.Context(), d, id, "legal"); err != nil {
						t.Error(err)
					}
					hold, err := e.Holds.Read(t.Context(), id)
					if err != nil || hold.Status != store.Released {
						t.Errorf("%s, %v", repr.String(hold), err)
					}
					return struck
				})
				if moments < 4 {
					t.Errorf("%d calls only", moments)
				}
			})
		}
	}
	holds, _, err := e.Holds.ListStanding(t.Context(), dynamotest.StandingIndex, 10)
	if err != nil || len(holds) != 2 {
		t.Errorf("%s, %v", repr.String(holds), err)
	}
}
