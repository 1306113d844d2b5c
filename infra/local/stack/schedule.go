package stack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schedule is a rule that invokes a function regularly.
type Schedule struct {
	Name     string
	Function string
	Every    time.Duration // 0: an expression the local stack does not run
	Expr     string        // as in the template
	Input    string        // JSON to send instead of the event, or empty
}

func (l *loader) readSchedule(function, name string, p properties) error {
	if p.text("Enabled") == "false" || p.text("State") == "DISABLED" {
		return nil
	}
	s := Schedule{Name: name, Function: function, Expr: p.text("Schedule"), Input: p.text("Input")}
	if rate, ok := strings.CutPrefix(s.Expr, "rate("); ok {
		var err error
		if s.Every, err = parseRate(strings.TrimSuffix(rate, ")")); err != nil {
			return fmt.Errorf("schedule %q: %w", s.Expr, err)
		}
	}
	l.template.Schedules = append(l.template.Schedules, s)
	return nil
}

// parseRate reads "1 minute" or "5 hours".
func parseRate(text string) (time.Duration, error) {
	number, unit, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	d, ok := units[strings.TrimSuffix(unit, "s")]
	if err != nil || n < 1 || !ok {
		return 0, fmt.Errorf("a rate is a number of minutes, hours or days")
	}
	return time.Duration(n) * d, nil
}

// run invokes the schedule's function at its rate until ctx ends. A tick is left out while the one before still runs: on
// AWS a function's timeout sees to that, here the rate may have been shortened.
func (s Schedule) run(ctx context.Context, every time.Duration, region, account string, invoke func(context.Context, string, []byte) ([]byte, error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-tick.C:
			// A failure is in the function's log; EventBridge would try again, here the next tick does.
			_, _ = invoke(ctx, s.Function, s.event(at, region, account))
		}
	}
}

// event is what EventBridge sends.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
func (s Schedule) event(at time.Time, region, account string) []byte {
	if s.Input != "" {
		return []byte(s.Input)
	}
	var id [16]byte
	rand.Read(id[:])
	event, _ := json.Marshal(map[string]any{ // strings always marshal
		"version":     "0",
		"id":          fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]),
		"detail-type": "Scheduled Event",
		"source":      "aws.events",
		"account":     account,
		"time":        at.UTC().Format(time.RFC3339),
		"region":      region,
		"resources":   []string{fmt.Sprintf("arn:aws:events:%s:%s:rule/%s", region, account, s.Name)},
		"detail":      map[string]any{},
	})
	return event
}
